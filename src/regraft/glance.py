"""
The architecture JSON of a file at a glance: model class, layer classes, inputs, and which layers are code.

The whole meaning of the JSON is read in ``keras_config``; this is what ``inspect`` needs, and it never fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from regraft.keras_classes import is_custom
from regraft.report.inspection import Architecture, ModelInput
from regraft.weights import Limits, WeightTree
from regraft.weights.json_text import parse_object


def configuration(tree: WeightTree) -> dict[str, Any] | None:
    """The JSON inside, or None in a weights-only file."""
    return None if tree.config is None else parse_object(tree.config, tree.file, Limits())


def config_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a layer or model, whatever form they have."""
    inner = config.get("config")
    return inner if isinstance(inner, dict) else {}


def entries(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The layers that a model's JSON lists: an object with ``layers``, and up to Keras 2.2.2 a bare list."""
    inner = config.get("config")
    listed = inner if isinstance(inner, list) else config_of(config).get("layers")
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def model_name(config: Mapping[str, Any]) -> str:
    """The model's name, or empty."""
    return text(config_of(config).get("name"))


def text(value: object) -> str:
    """A text, or nothing where something else stands."""
    return value if isinstance(value, str) else ""


def name_of(entry: Mapping[str, Any]) -> str:
    """A layer's name: in its settings, or beside them."""
    return text(config_of(entry).get("name")) or text(entry.get("name"))


def stated_types(config: Mapping[str, Any]) -> dict[str, str]:
    """The class of every layer by name."""
    return {name_of(entry): text(entry.get("class_name")) for entry in entries(config)}


def glance(config: Mapping[str, Any]) -> Architecture:
    """Model class, number of layers, inputs, and layers that are code."""
    model_class = text(config.get("class_name"))
    listed = entries(config)
    if not listed:
        return Architecture(model_class, 0, problem="it is Python code of the author's own, which is not in the file")
    return Architecture(model_class, len(listed), inputs(config, listed), tuple(custom(listed)))


def custom(listed: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Layers that are code, those in nested models and wrappers included."""
    todo = listed[::-1]
    while todo:
        entry = todo.pop()
        kind, wrapped = text(entry.get("class_name")), config_of(entry).get("layer")
        if inner := entries(entry):
            todo += inner[::-1]
        elif is_custom(kind, text(entry.get("module"))):
            yield name_of(entry), kind
        elif isinstance(wrapped, dict) and "class_name" in wrapped:
            todo.append(wrapped)


def inputs(config: Mapping[str, Any], listed: list[dict[str, Any]]) -> tuple[ModelInput, ...]:
    """The inputs of the model: its input layers, or what the first layer of a Sequential model expects."""
    layers = [entry for entry in listed if entry.get("class_name") == "InputLayer"]
    if layers:
        return tuple(ModelInput(name_of(entry), shape_in(config_of(entry))) for entry in layers)
    if "output_layers" in config_of(config):
        return ()
    shape = shape_in(config_of(listed[0])) or plain_shape(config_of(config).get("build_input_shape"))
    return (ModelInput(name_of(listed[0]), shape),)


def shape_in(settings: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    """The shape that a first layer states, with the batch axis in front."""
    for key in ("batch_shape", "batch_input_shape"):
        if (shape := plain_shape(settings.get(key))) is not None:
            return shape
    own = plain_shape(settings.get("input_shape"))
    if own is None and isinstance(settings.get("input_dim"), int):
        return None if "input_length" in settings or "output_dim" in settings else (None, settings["input_dim"])
    return None if own is None else (None, *own)


def plain_shape(value: object) -> tuple[int | None, ...] | None:
    """A list of whole numbers and nulls as a shape; anything else is no shape."""
    if not isinstance(value, list) or not all(axis is None or type(axis) is int for axis in value):
        return None
    return tuple(value)
