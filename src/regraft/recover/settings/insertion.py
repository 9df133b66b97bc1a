"""
Activation layers for files that list only layers with variables.

Behind a BatchNorm that feeds another layer, and behind a sum, people put an activation; such a layer has no variables,
so these files do not mention it. It is put in with a function that is asked for, ``linear`` among the answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.recover.settings.surroundings import ACTIVATIONS, BATCH_NORMS, SUMS, Surroundings, core


def with_activations(blueprint: Blueprint) -> tuple[Blueprint, dict[str, str]]:
    """
    The blueprint with an ``Activation`` where one may have stood.

    Returns:
        The blueprint, and for each layer that was put in the one in front of its BatchNorm which may carry the function
        instead; empty behind a sum, and where that layer has no function of its own.
    """
    around = Surroundings(blueprint)
    calls = Counter(call.layer for call in blueprint.calls)
    outputs = frozenset(blueprint.outputs)
    places: dict[str, str] = {}
    for call in blueprint.calls:
        spec = blueprint.by_name.get(call.layer)
        if spec is None or spec.unknown or calls[spec.name] > 1 or TensorRef(spec.name) in outputs:
            continue
        kind = core(spec).type
        if kind in BATCH_NORMS and norm_has_room(around, spec.name):
            before = around.before(spec.name)
            places[spec.name] = before[0].name if len(before) == 1 and "activation" in core(before[0]).config else ""
        elif kind == "Add" and sum_has_room(around, spec.name):
            places[spec.name] = ""
    names = free_names(blueprint)
    added = {layer: next(names) for layer in places}
    return inserted(blueprint, added), {added[layer]: partner for layer, partner in places.items()}


def norm_has_room(around: Surroundings, layer: str) -> bool:
    """Whether an activation may stand behind a BatchNorm: not at an input, not before a sum alone, not twice."""
    behind = around.behind(layer)
    types = {core(spec).type if spec else "output" for spec in behind}
    before = around.before(layer)
    if not behind or types & ACTIVATIONS or types <= SUMS | {"output"}:
        return False
    return not any(core(spec).type in {"InputLayer", "Embedding", "Masking"} | ACTIVATIONS for spec in before)


def sum_has_room(around: Surroundings, layer: str) -> bool:
    """Whether an activation may stand behind a sum: not where one or a BatchNorm follows, nor where activations enter."""
    behind = {core(spec).type if spec else "output" for spec in around.behind(layer)}
    entering = {core(spec).type for spec in around.before(layer)}
    stops = ACTIVATIONS | BATCH_NORMS | {"LayerNormalization"}
    return bool(behind) and not behind & stops and not behind <= SUMS | {"output"} and "InputLayer" not in entering


def free_names(blueprint: Blueprint) -> Iterator[str]:
    """``activation``, ``activation_1`` ... as far as they are free."""
    number = 0
    while True:
        name = f"activation_{number}" if number else "activation"
        if name not in blueprint.by_name:
            yield name
        number += 1


def inserted(blueprint: Blueprint, added: Mapping[str, str]) -> Blueprint:
    """The blueprint with an ``Activation`` of that name behind the only call of some layers, for all that take its output."""
    behind = {TensorRef(layer): TensorRef(name) for layer, name in added.items()}
    layers: list[LayerSpec] = []
    for spec in blueprint.layers:
        layers.append(spec)
        if spec.name in added:
            layers.append(LayerSpec(added[spec.name], "Activation", {"activation": "linear"}))
    calls: list[Call] = []
    for call in blueprint.calls:
        calls.append(replace(call, inputs=tuple(behind.get(ref, ref) for ref in call.inputs)))
        if call.layer in added:
            calls.append(Call(added[call.layer], (TensorRef(call.layer),)))
    return replace(blueprint, layers=tuple(layers), calls=tuple(calls))
