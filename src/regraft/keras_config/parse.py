"""Keras JSON text as a blueprint."""

from __future__ import annotations

import dataclasses
from typing import Any

from regraft.blueprint import Blueprint, Choice, Shape
from regraft.errors import BlueprintError, quote
from regraft.keras_config.json_text import load
from regraft.keras_config.layer import MODEL_CLASSES, is_functional
from regraft.keras_config.model import read_model
from regraft.keras_config.place import Place
from regraft.keras_config.scope import Findings, Scope
from regraft.keras_config.versions import infer_version, stated_order
from regraft.layers import KerasVersion


def parse(
    text: str, *, source: str = "", keras_version: str = "", input_shape: tuple[int | None, ...] | None = None
) -> Blueprint:
    """
    Read the architecture JSON of any Keras version.

    Accepts the attribute ``model_config`` of HDF5 files, the text of ``model.to_json()``, ``config.json`` of a
    ``.keras`` file, and a bare list of layers. What the catalogue lacks becomes a placeholder (``LayerSpec.unknown``).

    Args:
        text: The JSON.
        source: File the text came from, for messages.
        keras_version: Version that wrote it, if known from elsewhere; else the JSON's own, else inferred from its form.
        input_shape: Axis lengths of the only model input, without batch, in Keras order; fills the axes left open.

    Raises:
        ConfigError: If the JSON cannot be understood; the message names the place in it.
    """
    place = Place(source)
    value = unwrapped(load(text, place), place)
    findings = Findings()
    stated = keras_version or (value.get("keras_version") if isinstance(value, dict) else "")
    if not isinstance(stated, str) or not any(c.isdigit() for c in stated[:40]):
        stated, choice = infer_version(value)
        findings.choices.append(choice)
    version = KerasVersion.parse(stated[:40])
    scope = Scope(version, stated[:40], findings, stated_order(value) if version.before(2) else "")
    if isinstance(value, list):
        value = {"class_name": "Sequential", "config": value}
    class_name = (place / "class_name").name(value.get("class_name"))
    if class_name not in MODEL_CLASSES and is_functional(value.get("config")):
        evidence = f"class {quote(class_name)} has a functional config; a call() of its own would not be in the file"
        findings.choices.append(Choice("class_name", "Functional", ("Functional",), "assumed", evidence))
    blueprint = read_model(value, scope, place)
    blueprint = with_input_shape(blueprint, input_shape, findings, place)
    try:
        blueprint.check()
    except BlueprintError as error:
        raise place.error(str(error)) from None
    return dataclasses.replace(blueprint, choices=tuple(findings.choices), notes=findings.all_notes)


def unwrapped(value: Any, place: Place) -> dict[str, Any] | list[Any]:
    """The model inside what people wrap around it: a JSON string in JSON, or an object with a ``model_config``."""
    for _ in range(3):
        if isinstance(value, str):
            value = load(value, place)
        elif isinstance(value, dict) and "class_name" not in value:
            inner = next((value[key] for key in ("modelTopology", "model_config") if key in value), None)
            if inner is None:
                break
            value = inner
    if isinstance(value, dict) and "class_name" not in value and "layers" in value:
        kind = "Functional" if "output_layers" in value else "Sequential"
        return {**value, "class_name": kind, "config": value}
    if isinstance(value, dict) and "class_name" not in value:
        raise place.error(f"this is no Keras architecture: no class_name among its keys {quote(sorted(value)[:8])}")
    if not isinstance(value, dict | list):
        raise place.wrong("an object with class_name and config", value)
    return value


def with_input_shape(
    blueprint: Blueprint, given: tuple[int | None, ...] | None, findings: Findings, place: Place
) -> Blueprint:
    """Fill open axes of the model's only input, and say which inputs stay without a shape."""
    specs = {ref.layer: blueprint.by_name[ref.layer] for ref in blueprint.inputs}
    if given is not None:
        if len(specs) != 1:
            raise place.error(f"an input shape was given, but the model has {len(specs)} inputs: {quote(list(specs))}")
        ((name, spec),) = specs.items()
        shape = filled(spec.config["batch_shape"], given, name, place)  # pyright: ignore[reportArgumentType]
        specs[name] = dataclasses.replace(spec, config={**spec.config, "batch_shape": shape})
        layers = tuple(specs.get(layer.name, layer) for layer in blueprint.layers)
        blueprint = dataclasses.replace(blueprint, layers=layers)
    for name, spec in specs.items():
        if spec.config["batch_shape"] is None:
            evidence = "the architecture states no input shape; give one with --input-shape"
            findings.choices.append(Choice(f"{name}.batch_shape", "unknown", (), "open", evidence))
    return blueprint


def filled(stated: Shape, given: tuple[int | None, ...], name: str, place: Place) -> tuple[int | None, ...]:
    """The stated shape with its open axes filled; a contradiction is an error."""
    if stated is None:
        return (None, *given)
    axes = stated[1:]
    clash = any(a is not None and b is not None and a != b for a, b in zip(axes, given, strict=False))
    if len(axes) != len(given) or clash:
        raise place.error(f"input {quote(name)} has shape {axes} without batch; the given input shape is {given}")
    return (stated[0], *(b if a is None else a for a, b in zip(axes, given, strict=True)))
