"""Layers that were put in get names and places; empty slots go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.layers.naming import snake_case
from regraft.recover.geometry.ways import Way


def settled(blueprint: Blueprint, chosen: Mapping[str, Way]) -> Blueprint:
    """The blueprint with the layers that were put in under names of their own, and without empty slots."""
    made = put_in(blueprint, chosen)
    ends = {name for name in made if blueprint.by_name[name].config.get("role") == "end"}
    return activated(rewired(blueprint, made)) if ends else rewired(blueprint, made)


def activated(blueprint: Blueprint) -> Blueprint:
    """
    The blueprint with an ``Activation`` of unknown function behind its one output.

    Where classes are averaged over a map, the function that makes probabilities of them comes behind the mean.
    """
    name = next(n for n in (TOP, *(f"{TOP}_{i}" for i in range(1, 100))) if n not in blueprint.by_name)
    return replace(
        blueprint,
        layers=(*blueprint.layers, LayerSpec(name, "Activation", {"activation": "linear"})),
        calls=(*blueprint.calls, Call(name, blueprint.outputs)),
        outputs=(TensorRef(name),),
    )


#: Name of the activation behind a pool that was put in at the output.
TOP = "top_activation"


def put_in(blueprint: Blueprint, chosen: Mapping[str, Way]) -> dict[str, LayerSpec]:
    """For each slot that is not empty its layer, under a name of its own that only the types of all of them decide."""
    taken = {spec.name for spec in blueprint.layers}
    counts: Counter[str] = Counter()
    renamed: dict[str, LayerSpec] = {}
    for spec in blueprint.layers:
        way = chosen.get(spec.name)
        if spec.type != "Slot" or way is None or way.layer is None or way.kind == "absent":
            continue
        base = snake_case(way.kind)
        while (name := f"{base}_{counts[base]}" if counts[base] else base) in taken:
            counts[base] += 1
        taken.add(name)
        renamed[spec.name] = LayerSpec(name, way.kind, way.layer.config)
    return renamed


def rewired(blueprint: Blueprint, renamed: Mapping[str, LayerSpec]) -> Blueprint:
    """The blueprint with each slot replaced by its layer, or left out where it has none."""
    slots = {spec.name for spec in blueprint.layers if spec.type == "Slot"}
    around: dict[str, TensorRef] = {}
    calls: list[Call] = []

    def now(ref: TensorRef) -> TensorRef:
        return around.get(ref.layer, ref) if ref.layer in slots else ref

    made: dict[str, LayerSpec] = {}
    for call in blueprint.ordered_calls:
        moved = replace(call, inputs=tuple(map(now, call.inputs)))
        if call.layer not in slots:
            calls.append(moved)
        elif call.layer in renamed:
            spec = renamed[call.layer]
            calls.append(replace(moved, layer=spec.name))
            around[call.layer] = TensorRef(spec.name)
            made[spec.name] = spec
        else:
            around[call.layer] = moved.inputs[0]
    kept = [spec for spec in blueprint.layers if spec.name not in slots]
    return replace(
        blueprint, layers=in_order(kept, made, calls), calls=tuple(calls), outputs=tuple(map(now, blueprint.outputs))
    )


def in_order(kept: list[LayerSpec], made: Mapping[str, LayerSpec], calls: Sequence[Call]) -> tuple[LayerSpec, ...]:
    """The layers in their order, each new one right before the first layer that takes it, or at the end."""
    before: dict[str, list[LayerSpec]] = {}
    for call in reversed(calls):
        for ref in call.inputs:
            if ref.layer in made and all(made[ref.layer] not in found for found in before.values()):
                before.setdefault(call.layer, []).append(made[ref.layer])
    found: list[LayerSpec] = []

    def put(spec: LayerSpec) -> None:
        for new in before.pop(spec.name, []):
            put(new)
        found.append(spec)

    for spec in kept:
        put(spec)
    # What nothing takes stands at an output.
    return (*found, *(new for new in made.values() if new not in found))
