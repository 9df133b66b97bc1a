"""Plain data, as TOML gives it, back into a blueprint, with a check of every value's type."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Any, cast, get_args

from regraft.blueprint.graph import Blueprint, Call, Choice, Label, LayerSpec, Setting, TensorRef
from regraft.blueprint.toml import LAYER_KEYS, TENSOR
from regraft.errors import BlueprintError, quote

MODEL_KEYS = frozenset(
    {"name", "sequential", "keras_version", "inputs", "outputs", "notes", "choice", "layer", "call", "kind"}
)


def decode(data: dict[str, Any], place: str = "") -> Blueprint:
    """
    A blueprint.

    Raises:
        BlueprintError: Naming the place of whatever does not belong.
    """
    only(data, MODEL_KEYS, place)
    specs: list[LayerSpec] = []
    calls: list[Call] = []
    for i, item in enumerate(typed(data.get("layer", []), list, f"{place}layer")):
        here = f"{place}layer[{i}]"
        spec, own = decode_layer(typed(item, dict, here), here)
        specs.append(spec)
        calls += own
    for i, item in enumerate(typed(data.get("call", []), list, f"{place}call")):
        here = f"{place}call[{i}]"
        table = only(typed(item, dict, here), {"layer", "call", "inputs", "arguments"}, here + ".")
        number = typed(table.get("call", 0), int, f"{here}.call")
        calls.append(decode_call(table, text(table, "layer", here + "."), number, here))
    return Blueprint(
        name=text(data, "name", place),
        layers=tuple(specs),
        calls=tuple(calls),
        inputs=tensors(data.get("inputs", []), f"{place}inputs"),
        outputs=tensors(data.get("outputs", []), f"{place}outputs"),
        sequential=typed(data.get("sequential", False), bool, f"{place}sequential"),
        keras_version=typed(data.get("keras_version", ""), str, f"{place}keras_version"),
        choices=tuple(
            decode_choice(typed(item, dict, f"{place}choice[{i}]"), f"{place}choice[{i}].")
            for i, item in enumerate(typed(data.get("choice", []), list, f"{place}choice"))
        ),
        notes=texts(data.get("notes", []), f"{place}notes"),
    )


def decode_layer(data: dict[str, Any], place: str) -> tuple[LayerSpec, list[Call]]:
    """A layer, and its calls where they stand with it."""
    name = text(data, "name", place + ".")
    here = f"{place} {quote(name)}."
    config = {k: v for k, v in data.items() if k not in LAYER_KEYS}
    config |= typed(data.get("settings", {}), dict, here + "settings")
    spec = LayerSpec(
        name=name,
        type=text(data, "type", here),
        config={k: decode_setting(v, here + k) for k, v in config.items()},
        trainable=typed(data.get("trainable", True), bool, here + "trainable"),
        unknown=typed(data.get("unknown", ""), str, here + "unknown"),
    )
    if "inputs" in data and "calls" in data:
        raise BlueprintError(f"{here}inputs: a layer has inputs, or calls with inputs each, but not both")
    if "inputs" in data:
        return spec, [Call(name, tensors(data["inputs"], here + "inputs"))]
    calls = typed(data.get("calls", []), list, here + "calls")
    return spec, [
        decode_call(
            only(typed(item, dict, f"{here}calls[{i}]"), {"inputs", "arguments"}, f"{here}calls[{i}]."),
            name,
            i,
            f"{here}calls[{i}]",
        )
        for i, item in enumerate(calls)
    ]


def decode_call(data: dict[str, Any], layer: str, number: int, place: str) -> Call:
    """One call."""
    arguments = typed(data.get("arguments", {}), dict, f"{place}.arguments")
    return Call(
        layer=layer,
        inputs=tensors(data.get("inputs", []), f"{place}.inputs"),
        call=number,
        arguments={k: decode_setting(v, f"{place}.arguments.{k}") for k, v in arguments.items()},
    )


def decode_choice(data: dict[str, Any], place: str) -> Choice:
    """One choice."""
    only(data, {"subject", "value", "candidates", "label", "evidence"}, place)
    label = text(data, "label", place)
    if label not in get_args(Label):
        raise BlueprintError(f"{place}label: expected one of {', '.join(get_args(Label))}, found {quote(label)}")
    return Choice(
        subject=text(data, "subject", place),
        value=text(data, "value", place),
        candidates=texts(data.get("candidates", []), place + "candidates"),
        label=cast("Label", label),
        evidence=text(data, "evidence", place),
    )


def decode_setting(value: Any, place: str) -> Setting:
    """One setting; tables with a ``kind`` are layers, models, tensors, or mappings that have such a key themselves."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        if value == "none":
            return None
        wrapped = len(value) > 1 and value.strip("'") == "none" and value[0] == value[-1] == "'"
        return value[1:-1] if wrapped else value
    if isinstance(value, list):
        return tuple(decode_setting(item, f"{place}[{i}]") for i, item in enumerate(value))
    table = typed(value, dict, place)
    kind = table.get("kind")
    if kind is None:
        return {k: decode_setting(v, f"{place}.{k}") for k, v in table.items()}
    if kind == "layer":
        spec, calls = decode_layer(table, place)
        if calls:
            raise BlueprintError(f"{place}: a layer inside a layer has no inputs of its own")
        return spec
    if kind == "model":
        return decode(table, place + ".")
    only(table, {"kind", "of"}, place + ".")
    if kind == "tensor":
        return cast("Setting", tensors([table.get("of")], f"{place}.of")[0])
    if kind == "map":
        items = typed(table.get("of"), dict, f"{place}.of")
        return {k: decode_setting(v, f"{place}.of.{k}") for k, v in items.items()}
    raise BlueprintError(f"{place}.kind: expected layer, model, tensor or map, found {quote(kind)}")


def typed(value: Any, kind: type, place: str) -> Any:
    """The value, if it is of that type; a bool is no int."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {list: "a list", dict: "a table", str: "text", bool: "true or false", int: "a whole number"}
        raise BlueprintError(f"{place}: expected {words[kind]}, found {quote(value)}")
    return value


def text(data: dict[str, Any], key: str, place: str) -> str:
    """The text under a key that must be there."""
    if key not in data:
        raise BlueprintError(f"{place}{key}: is missing")
    return typed(data[key], str, place + key)


def texts(value: Any, place: str) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(typed(item, str, f"{place}[{i}]") for i, item in enumerate(typed(value, list, place)))


def tensors(value: Any, place: str) -> tuple[TensorRef, ...]:
    """A list of tensors, as ``layer`` or ``layer:call.output``."""
    found: list[TensorRef] = []
    for item in texts(value, place):
        match = TENSOR.fullmatch(item)
        found.append(TensorRef(match[1], int(match[2]), int(match[3])) if match else TensorRef(item))
    return tuple(found)


def only(data: dict[str, Any], known: Collection[str], place: str) -> dict[str, Any]:
    """The table, if it has no other keys than these."""
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BlueprintError(f"{place}{quote(key)[1:-1]}: no such key here{hint}")
    return data
