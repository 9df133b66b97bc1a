"""A configuration with layers of the user, as the Keras that knows them by name takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from regraft.blueprint import Blueprint, LayerSpec
from regraft.layers.custom import Custom

#: The class that stands for a Lambda in Keras: it calls a function of the user's file by name.
FUNCTION_LAYER = "RegraftFunction"
#: Settings that every layer of Keras has; the others of a Lambda's form are arguments of its function.
COMMON = ("name", "trainable", "dtype")


def for_keras(config: Any, custom: Custom | None, names: frozenset[str]) -> Any:
    """
    The configuration with every layer and activation of the user under its bare name, and no code.

    Args:
        config: Of the file, or written from the blueprint.
        custom: The user's file; without it the configuration comes back as it is.
        names: What the file gives to Keras.
    """
    if custom is None:
        return config
    if isinstance(config, list):
        return [for_keras(item, custom, names) for item in config]
    if not isinstance(config, Mapping):
        return config
    value = {key: activation(key, item, custom) for key, item in config.items()}
    value = {key: for_keras(item, custom, names) for key, item in value.items()}
    class_name, settings = value.get("class_name"), value.get("config")
    if not isinstance(class_name, str):
        return value
    bare = class_name.rpartition(">")[2]
    if isinstance(settings, Mapping) and is_lambda(bare, custom) and settings.get("name") in names:
        return {**value, **own_class(FUNCTION_LAYER), "config": function_settings(bare, settings)}
    if bare in names and bare not in custom.lambdas:
        return {**value, **own_class(bare)}
    if bare == "function" and isinstance(settings, str) and settings in names:
        return function(settings)
    return value


def activation(key: str, value: Any, custom: Custom) -> Any:
    """A setting; an activation function of the user, which is a bare name in the blueprint, as a function."""
    named = key.endswith("activation") and isinstance(value, str) and value in custom.activations
    return function(value) if named else value


def is_lambda(class_name: str, custom: Custom) -> bool:
    """Whether a class is Lambda, or the form of one."""
    return class_name == "Lambda" or class_name in custom.lambdas.values()


def own_class(name: str) -> dict[str, Any]:
    """What says that a class is one that was registered by name."""
    return {"class_name": name, "module": None, "registered_name": name}


def function(name: str) -> Any:
    """An activation of the user as Keras 3 writes functions; tf-keras takes it too."""
    return {**own_class("function"), "config": name, "registered_name": name}


def function_settings(class_name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the layer that calls a function: its name, and the arguments, never code."""
    common = {key: settings[key] for key in COMMON if key in settings}
    if class_name == "Lambda":
        given = settings.get("arguments")
        arguments = dict(given) if isinstance(given, Mapping) else {}
    else:
        arguments = {key: value for key, value in settings.items() if key not in COMMON}
    return {**common, "function": settings["name"], "arguments": arguments}


def known_to_keras(blueprint: Blueprint, custom: Custom | None, names: frozenset[str]) -> Blueprint:
    """The blueprint in which a layer of the user that Keras cannot build is as one that cannot be converted."""
    if custom is None:
        return blueprint
    layers = tuple(marked(spec, custom, names) for spec in blueprint.layers)
    return blueprint if layers == blueprint.layers else replace(blueprint, layers=layers)


def marked(spec: LayerSpec, custom: Custom, names: frozenset[str]) -> LayerSpec:
    """One layer."""
    inner = spec.config.get("blueprint")
    if isinstance(inner, Blueprint):
        return replace(spec, config={**spec.config, "blueprint": known_to_keras(inner, custom, names)})
    if missing := sorted(needed_by(spec, custom) - names):
        return replace(spec, unknown=f"{custom.path.name} does not give Keras {', '.join(missing)} (keras_objects)")
    return spec


def needed_by(spec: LayerSpec, custom: Custom) -> set[str]:
    """The names under which Keras must find what a layer of the user is made of, wrapped layers included."""
    if spec.unknown:
        return set()
    needed: set[str] = set()
    if spec.type in custom.layers:
        needed = {spec.name if custom.layers[spec.type].lambda_layers else spec.type}
    for value in spec.config.values():
        if isinstance(value, LayerSpec):
            needed |= needed_by(value, custom)
        elif isinstance(value, str) and value in custom.activations:
            needed.add(value)
    return needed


__all__ = ["FUNCTION_LAYER", "for_keras", "known_to_keras"]
