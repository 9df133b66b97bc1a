"""The compact form in which the library's blueprints are shipped: JSON in which equal layers are written once."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from regraft.blueprint import Blueprint, Call, LayerSpec, Setting, TensorRef
from regraft.layers import build, layer_class


class Table:
    """Values that are written once and named by their number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.values: list[Any] = []

    def number(self, value: Any) -> int:
        """The number of a JSON value; a new one is added."""
        key = json.dumps(value, sort_keys=True)
        if key not in self.numbers:
            self.numbers[key] = len(self.values)
            self.values.append(value)
        return self.numbers[key]


def pack(blueprint: Blueprint, table: Table) -> dict[str, Any]:
    """
    A blueprint as JSON. Choices and notes are left out.

    A layer is its name, the number of its type and settings, and how many layers back its inputs stand. ``calls``
    is there only if some layer is called in another way than once, with the first output of first calls.
    """
    place = {spec.name: i for i, spec in enumerate(blueprint.layers)}

    def ref(tensor: TensorRef) -> Any:
        number = place[tensor.layer]
        return number if (tensor.call, tensor.index) == (0, 0) else [number, tensor.call, tensor.index]

    simple = simple_inputs(blueprint)
    layers = [
        [spec.name, table.number(pack_spec(spec, table)), *(i - place[source] for source in simple.get(spec.name, ()))]
        for i, spec in enumerate(blueprint.layers)
    ]
    value: dict[str, Any] = {"name": blueprint.name, "layers": layers}
    if any(call.layer not in simple for call in blueprint.calls):
        value["calls"] = [
            [place[c.layer], c.call, [ref(t) for t in c.inputs], pack_setting(c.arguments, table, ref)]
            for c in blueprint.calls
        ]
        value["layers"] = [item[:2] for item in layers]
    value |= {"inputs": [ref(t) for t in blueprint.inputs], "outputs": [ref(t) for t in blueprint.outputs]}
    if blueprint.sequential:
        value["sequential"] = True
    return {**value, "version": blueprint.keras_version}


def simple_inputs(blueprint: Blueprint) -> dict[str, tuple[str, ...]]:
    """The inputs of layers that are called once, without arguments, on first outputs of first calls."""
    times = Counter(call.layer for call in blueprint.calls)
    return {
        c.layer: tuple(t.layer for t in c.inputs)
        for c in blueprint.calls
        if times[c.layer] == 1
        and c.inputs
        and not c.call
        and not c.arguments
        and all(not t.call and not t.index for t in c.inputs)
    }


def pack_spec(spec: LayerSpec, table: Table) -> list[Any]:
    """Type and the settings that are not the defaults; of a layer the catalogue lacks the reason."""
    if spec.unknown:
        return [spec.type, {}, spec.unknown]
    defaults = {f.name: f.default for f in dataclasses.fields(layer_class(spec.type))}
    config = {k: pack_setting(v, table) for k, v in spec.config.items() if not same(v, defaults[k])}
    return [spec.type, config]


def same(value: Setting, default: Any) -> bool:
    """Whether a setting is the default: a size may be written once for all axes."""
    if isinstance(value, tuple) and isinstance(default, int) and not isinstance(default, bool):
        return all(type(item) is int and item == default for item in value)
    return type(value) is type(default) and value == default


def pack_setting(value: Any, table: Table, ref: Callable[[TensorRef], Any] | None = None) -> Any:
    """A setting as JSON; what JSON has not bears a mark."""
    if isinstance(value, Blueprint):
        return {"$model": pack(value, table)}
    if isinstance(value, LayerSpec):
        return {"$layer": [value.name, *pack_spec(value, table)]}
    if isinstance(value, TensorRef) and ref is not None:
        return {"$tensor": ref(value)}
    if isinstance(value, Mapping):
        return {k: pack_setting(v, table, ref) for k, v in value.items()}
    return [pack_setting(v, table, ref) for v in value] if isinstance(value, tuple) else value


def unpack(value: Mapping[str, Any], table: list[Any]) -> Blueprint:
    """The blueprint: the inverse of ``pack``."""
    names = [item[0] for item in value["layers"]]

    def ref(item: Any) -> TensorRef:
        return TensorRef(names[item]) if isinstance(item, int) else TensorRef(names[item[0]], item[1], item[2])

    built: dict[int, LayerSpec] = {}
    for name, number, *_ in value["layers"]:
        if number not in built:
            built[number] = unpack_spec(name, table[number], table)
    specs = tuple(dataclasses.replace(built[item[1]], name=item[0]) for item in value["layers"])
    if "calls" in value:
        calls = tuple(
            Call(names[i], tuple(map(ref, inputs)), number, unpack_setting(arguments, table, ref))
            for i, number, inputs, arguments in value["calls"]
        )
    else:
        calls = tuple(
            Call(item[0], tuple(TensorRef(names[i - back]) for back in item[2:]))
            for i, item in enumerate(value["layers"])
            if len(item) > 2
        )
    return Blueprint(
        value["name"],
        specs,
        calls,
        tuple(map(ref, value["inputs"])),
        tuple(map(ref, value["outputs"])),
        sequential=value.get("sequential", False),
        keras_version=value["version"],
    )


def unpack_spec(name: str, value: list[Any], table: list[Any]) -> LayerSpec:
    """A layer with all its settings."""
    if len(value) > 2:
        return LayerSpec(name, value[0], {}, unknown=value[2])
    given = {k: unpack_setting(v, table) for k, v in value[1].items()}
    return LayerSpec(name, value[0], build(LayerSpec(name, value[0], given)).config)


def unpack_setting(value: Any, table: list[Any], ref: Callable[[Any], TensorRef] | None = None) -> Any:
    """A setting: the inverse of ``pack_setting``."""
    if isinstance(value, list):
        return tuple(unpack_setting(item, table, ref) for item in value)
    if not isinstance(value, dict):
        return value
    if "$model" in value:
        return unpack(value["$model"], table)
    if "$layer" in value:
        name, *rest = value["$layer"]
        return unpack_spec(name, rest, table)
    if "$tensor" in value and ref is not None:
        return ref(value["$tensor"])
    return {k: unpack_setting(v, table, ref) for k, v in value.items()}
