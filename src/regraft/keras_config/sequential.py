"""Sequential models: a list of layers, with or without a statement of what enters."""

from __future__ import annotations

from typing import Any

from regraft.blueprint import Blueprint, Call, LayerSpec, Shape, TensorRef
from regraft.keras_config.branches import leading_merge
from regraft.keras_config.layer import class_and_config, read_layer
from regraft.keras_config.place import Place
from regraft.keras_config.scope import Scope
from regraft.layers import layer_class, spec_of
from regraft.layers.naming import snake_case


def read_sequential(config: Any, entry: dict[str, Any], scope: Scope, place: Place, name: str = "") -> Blueprint:
    """
    Read the config of a Sequential model: a bare list up to Keras 2.2.2, an object with ``layers`` later.

    Raises:
        ConfigError: If it is not a list of layers with different names.
    """
    settings: dict[str, Any] = {} if isinstance(config, list) else place.mapping(config)
    here = place if isinstance(config, list) else place / "layers"
    entries = here.items(config if isinstance(config, list) else settings.get("layers"))
    if not entries:
        raise here.error("a Sequential model without layers")
    name = name or (place / "name").name(settings.get("name", "sequential"))
    if isinstance(entries[0], dict) and entries[0].get("class_name") == "Merge":
        specs, calls, inputs = leading_merge(entries[0], scope, here / 0)
    else:
        specs, calls, inputs = [], [], ()
    counts: dict[str, int] = {}
    for i, item in enumerate(entries[1:] if specs else entries, start=bool(specs)):
        spec = read_layer(item, scope, here / i, name=default_name(item, counts))
        if i == 0 and spec.type != "InputLayer":
            shape = entry_shape(item, spec, settings, entry, here / 0)
            specs.append(make_input(f"{spec.name}_input", shape, entry_dtype(item, spec)))
        if i == 0:
            inputs = (TensorRef((specs or [spec])[0].name),)
        elif spec.type == "InputLayer":
            raise (here / i).error("an InputLayer can only come first in a Sequential model")
        specs.append(spec)
        if spec.type != "InputLayer":
            calls.append(Call(spec.name, last_outputs(specs, calls, inputs)))
    names = [spec.name for spec in specs]
    if len(set(names)) != len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise here.error(f"two layers are named {twice!a:.200}")
    outputs = last_outputs(specs, calls, inputs)
    version = scope.version_text
    return Blueprint(name, tuple(specs), tuple(calls), inputs, outputs, sequential=True, keras_version=version)


def last_outputs(specs: list[LayerSpec], calls: list[Call], inputs: tuple[TensorRef, ...]) -> tuple[TensorRef, ...]:
    """The tensors that the chain ends in so far: all outputs of a model, the first of any other layer."""
    if not calls:
        return inputs
    last = next(spec for spec in reversed(specs) if spec.name == calls[-1].layer)
    model = last.config.get("blueprint")
    count = len(model.outputs) if isinstance(model, Blueprint) else 1
    return tuple(TensorRef(last.name, 0, i) for i in range(count))


def default_name(item: Any, counts: dict[str, int]) -> str:
    """A name for a layer whose config has none: up to 2.2.2 a Sequential inside another is a bare list."""
    if not isinstance(item, dict) or not isinstance(item.get("class_name"), str):
        return ""
    config = item.get("config")
    if isinstance(item.get("name"), str) or (isinstance(config, dict) and "name" in config):
        return ""
    key = snake_case(item["class_name"])[:200]
    counts[key] = counts.get(key, 0) + 1
    return f"{key}_{counts[key]}"


def make_input(name: str, shape: Shape, dtype: str) -> LayerSpec:
    """The input layer that Keras makes for a Sequential model that has none."""
    return spec_of(name, layer_class("InputLayer")(**{"batch_shape": shape, "dtype": dtype}))


def entry_shape(item: Any, first: LayerSpec, settings: dict[str, Any], entry: dict[str, Any], place: Place) -> Shape:
    """What enters, with batch axis: as the first layer says, else as the model was built, else unknown."""
    own = own_settings(item)
    for key in ("batch_input_shape", "batch_shape"):
        if own.get(key) is not None:
            return (place / "config" / key).shape(own[key])
    if own.get("input_shape") is not None:
        return (None, *(place / "config" / "input_shape").shape(own["input_shape"]))
    length, width = own.get("input_length"), own.get("input_dim")
    if first.type == "Embedding":
        return (None, *((place / "config").shape([length]) if isinstance(length, int) else (None,)))
    if isinstance(width, int):
        return (None, *(place / "config").shape([length, width] if "input_length" in own else [width]))
    built = (settings.get("build_input_shape"), entry.get("build_config"), item.get("build_config"))
    for shape in (b.get("input_shape") if isinstance(b, dict) and "class_name" not in b else b for b in built):
        if shape is not None:
            return place.shape(shape)
    model = first.config.get("blueprint")
    if isinstance(model, Blueprint) and len(model.inputs) == 1:
        return model.by_name[model.inputs[0].layer].config["batch_shape"]  # pyright: ignore[reportReturnType]
    return None


def own_settings(item: dict[str, Any]) -> dict[str, Any]:
    """The config of a layer that has been read; none for a nested model that is a bare list."""
    config = class_and_config(item, Place())[1]
    return config if isinstance(config, dict) else {}


def entry_dtype(item: Any, first: LayerSpec) -> str:
    """The dtype of what enters: integers for an embedding, as in Keras."""
    stated = own_settings(item).get("input_dtype")
    return stated if isinstance(stated, str) else "int32" if first.type == "Embedding" else "float32"
