"""A reading of a list of arrays as a ``Grouping``: layers with names in the style of Keras 3, types, settings, labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from regraft.blueprint import Label
from regraft.layers.naming import snake_case
from regraft.recover.grouping.fitting import settings_of
from regraft.recover.grouping.lattice import NAMED
from regraft.recover.grouping.reading import Layer, Reading
from regraft.recover.part import Grouping, Part
from regraft.recover.question import times
from regraft.weights import Group, Variable, WeightTree

#: From twenty to one on, values and shapes prefer a type.
SUPPORTED = 3.0
#: Two layers side by side look like one in both directions: the arrays agree with both, so it takes more.
BOTH_WAYS = 6.0
#: Under two to one nothing is preferred.
OPEN = 0.7


def make_grouping(
    tree: WeightTree,
    readings: Sequence[Reading],
    index: int,
    *,
    ordered: bool,
    notes: tuple[str, ...] = (),
) -> Grouping:
    """
    One of several readings of a list of arrays, judged beside the others.

    Args:
        tree: The file; its arrays are in ``own``.
        readings: All that are considered, cheapest first, that one with cost 0.
        index: Which one this is.
        ordered: Whether its layers stand in model order.
        notes: What a person should know.
    """
    reading = readings[index]
    arrays = tree.own
    counts: Counter[str] = Counter()
    parts: list[Part] = []
    groups: list[Group] = []
    for layer, (margin, others) in zip(reading.layers, margins(readings, index), strict=True):
        stem = snake_case(layer.form.type) if layer.form else "unknown"
        name = f"{stem}_{counts[stem]}" if counts[stem] else stem
        counts[stem] += 1
        group = Group(name, name, f"/{name}", tuple(arrays[place] for place in layer.places))
        groups.append(group)
        parts.append(_part(layer, group, margin, others))
    old = any(layer.form and layer.form.keras_1 for layer in reading.layers)
    made = replace(tree, dialect="keras-1" if old else "keras-2", keras_version="", layers=tuple(groups), own=())
    return Grouping(made, tuple(parts), reading.cost, ordered, complete=False, notes=notes)


def _part(layer: Layer, group: Group, margin: float, others: tuple[str, ...]) -> Part:
    if layer.form is None:
        return Part(
            group, "", label="open", evidence=f"no layer stores an array of shape {group.variables[0].shape} here"
        )
    sure = BOTH_WAYS if layer.form.wraps else SUPPORTED
    label: Label = "supported" if margin >= sure else "assumed" if margin >= OPEN else "open"
    return Part(
        group,
        layer.form.type,
        settings_of(layer.form, layer.sizes),
        label,
        f"{_shapes(layer, group.variables)}; the next best reading is {times(margin)} less likely",
        others,
    )


def _shapes(layer: Layer, variables: Sequence[Variable]) -> str:
    """``kernel (3, 3, 1, 8), bias (8,)``."""
    assert layer.form is not None
    return ", ".join(f"{role} {v.shape}" for role, v in zip(layer.form.roles, variables, strict=True))


def margins(readings: Sequence[Reading], index: int) -> list[tuple[float, tuple[str, ...]]]:
    """For each layer by how much a reading that sees its arrays otherwise is dearer, and the types it then has."""
    reading = readings[index]
    rivals = [
        (max(other.cost - reading.cost, 0.0), set(other.layers), _type_at(other))
        for other in readings
        if other is not reading
    ]
    found: list[tuple[float, tuple[str, ...]]] = []
    for layer, margin, others in zip(reading.layers, reading.margins, reading.others, strict=True):
        differ = [(cost, types) for cost, layers, types in rivals if layer not in layers]
        own, first = layer.form.type if layer.form else "", layer.places[0]
        types = dict.fromkeys((*others, *(types.get(first, "") for cost, types in differ if cost <= NAMED)))
        found.append((min([margin, *(cost for cost, _ in differ)]), tuple(t for t in types if t not in ("", own))))
    return found


def _type_at(reading: Reading) -> dict[int, str]:
    """For each array the type of the layer that holds it."""
    return {place: layer.form.type for layer in reading.layers if layer.form for place in layer.places}
