"""A published architecture as one layer of a larger model: the file keeps its arrays in one group."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from regraft.blueprint import Blueprint, LayerSpec, TensorRef
from regraft.layers import KerasVersion
from regraft.recover.draft import Hints
from regraft.recover.families.align import Alignment, by_names, by_order
from regraft.recover.families.chain import Chain, Link, area_needed
from regraft.recover.families.compose import Composed, composed, link_of_part
from regraft.recover.families.library import Index
from regraft.recover.families.sequence import Unit, units
from regraft.recover.part import Grouping, Part
from regraft.weights import Group


@dataclass(frozen=True)
class Nest:
    """A published architecture inside one layer of the file."""

    part: Part
    alignment: Alignment


def nests(grouping: Grouping, index: Index) -> list[Nest]:
    """The layers that are models, each with the published architectures it may be as a whole."""
    found: list[Nest] = []
    for part in grouping.parts:
        if part.inner is None:
            continue
        inner = units(part.inner)
        named = by_names(inner, index)
        taken = {a.member for a in named}
        ordered = [a for a in by_order(inner, index) if a.member not in taken]
        found += [Nest(part, a) for a in (*named, *ordered) if not a.before and not a.after]
    return found


def around(nest: Nest, grouping: Grouping, index: Index, hints: Hints, version: KerasVersion) -> Composed | None:
    """The model whose layer the published architecture is: a chain of the file's other layers, with it in its place."""
    part = nest.part
    if part.inner is None or not grouping.ordered:
        return None
    place = grouping.parts.index(part)
    front = [link_of_part(p, version) for p in grouping.parts[:place] if is_link(p)]
    back = [link_of_part(p, version) for p in grouping.parts[place + 1 :] if is_link(p)]
    channels = next((u.shapes[0][-1] for u in reversed(nest.alignment.matched) if u.shapes[0]), 0)
    area = area_needed(back, channels) if channels else None
    made = composed(nest.alignment, part.inner, index, hints, version, area=area)
    if made is None:
        return None
    inner = with_frozen(made.blueprint, nest.alignment, part.group)
    return outer(made, inner, part.name, front, back, grouping)


def is_link(part: Part) -> bool:
    """Whether a layer takes part in the chain: entries do not, nor do models that only change training images."""
    silent = not any(True for _ in part.group.walk())
    augments = part.inner is not None and all(
        p.type == "InputLayer" or p.type.startswith("Random") for p in part.inner.parts
    )
    return part.type != "InputLayer" and not (silent and part.type == "Functional" and (augments or part.inner is None))


def outer(
    made: Composed, inner: Blueprint, name: str, front: Sequence[Link], back: Sequence[Link], grouping: Grouping
) -> Composed:
    """A chain from the input through own layers, the model, and own layers again."""
    entry = inner.by_name[inner.inputs[0].layer]
    entered = next((p.name for p in grouping.parts if p.type == "InputLayer"), "")
    spec = replace(entry, name=entered or f"{name}_input")
    shape = spec.config["batch_shape"]
    chain = Chain(TensorRef(spec.name), shape if isinstance(shape, tuple) else None, {spec.name})  # pyright: ignore[reportArgumentType]
    chain.extend(front, complete=grouping.complete)
    chain.add(LayerSpec(name, "Functional", {"blueprint": inner}))
    chain.extend(back, complete=grouping.complete)
    blueprint = Blueprint(
        grouping.tree.model_name or "model",
        (spec, *chain.specs),
        tuple(chain.calls),
        (TensorRef(spec.name),),
        (chain.end,),
        sequential=grouping.complete and not entered,
    )
    choices = tuple(replace(c, subject=f"{spec.name}.batch_shape") for c in made.choices)
    return Composed(blueprint, frozenset({name, spec.name}), made.different, choices, (*made.made, *chain.made))


def with_frozen(blueprint: Blueprint, alignment: Alignment, group: Group) -> Blueprint:
    """
    The inner model with its frozen layers marked: older files store trainable variables first, then all others.

    So the first run in which layers do not go back holds what is trained. If it holds statistics too, nothing is.
    """
    if group.groups or not group.variables:
        return blueprint
    owner = {id(v): (i, j) for i, unit in enumerate(alignment.matched) for j, v in enumerate(unit.arrays)}
    run = ascending([owner[id(v)] for v in group.variables if id(v) in owner])
    statistics = {(i, len(u.arrays) - 1) for i, u in enumerate(alignment.matched) if is_normalisation(u)}
    trained = set() if run & statistics else {i for i, _ in run}
    frozen = {unit.name for i, unit in enumerate(alignment.matched) if i not in trained}
    layers = tuple(replace(spec, trainable=spec.name not in frozen) for spec in blueprint.layers)
    return replace(blueprint, layers=layers)


def is_normalisation(unit: Unit) -> bool:
    """Whether a layer has statistics: three or four equal vectors, of which the last is one."""
    return len(unit.arrays) >= 3 and len(set(unit.shapes)) == 1 and len(unit.shapes[0]) == 1


def ascending(places: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """The first run in which layers do not go back."""
    run = set(places[:1])
    for before, now in itertools.pairwise(places):
        if now[0] < before[0]:
            break
        run.add(now)
    return run
