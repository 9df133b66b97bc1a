"""A list of arrays without layers: the published architecture says which arrays belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from regraft.blueprint import Setting
from regraft.recover.families.align import LONG, Alignment, by_arrays, is_top, one_factor
from regraft.recover.families.library import Index, Member, Shapes
from regraft.recover.families.sequence import Unit, outline
from regraft.recover.part import Grouping, Part
from regraft.weights import Group, Variable, WeightTree

Shape = tuple[int, ...]


def listed(grouping: Grouping, index: Index) -> list[Alignment]:
    """Architectures that stand in a list of arrays, whatever grouping made of it."""
    arrays = [v for v in grouping.tree.variables() if "seed_generator" not in v.path]
    shapes = [v.shape for v in arrays]
    found = [alignment(m, arrays, start, index, grouping) for m, start in by_arrays(shapes, index, kind=lambda s: s)]
    exact = [a for a in found if a is not None]
    if exact:
        return exact
    wide = [
        alignment(m, arrays, start, index, grouping, by_width=True)
        for m, start in by_arrays(shapes, index, kind=lambda s: outline((s,))[0])
        if m.body >= LONG
    ]
    return [a for a in wide if a is not None and one_factor(a, index)]


def alignment(
    member: Member, arrays: Sequence[Variable], start: int, index: Index, grouping: Grouping, *, by_width: bool = False
) -> Alignment | None:
    """The alignment at a place of the list; None if what else there is makes no layers."""
    keys = [index.keys[k] for k in member.keys]
    sizes = [len(key) for key in keys]
    end = start + sum(sizes[: member.body])
    count = member.body
    rest = arrays[end:]
    if sum(sizes[member.body :]) == len(rest) and rest:
        cut = split(rest, sizes[member.body :])
        if is_top(
            [tuple(v.shape for v in layer) for layer in cut], keys[member.body :], "width" if by_width else "order"
        ):
            count, end = len(keys), len(arrays)
    matched = [
        Unit(name, tuple(layer))
        for name, layer in zip(member.names, split(arrays[start:end], sizes[:count]), strict=False)
    ]
    before = layers_of(arrays[:start], grouping, "front")
    after = layers_of(arrays[end:], grouping, "head")
    if before is None or after is None:
        return None
    return Alignment(member, tuple(matched), before, after, "width" if by_width else "order")


def split(arrays: Sequence[Variable], sizes: Sequence[int]) -> list[Sequence[Variable]]:
    """Arrays in groups of the given sizes."""
    found: list[Sequence[Variable]] = []
    at = 0
    for size in sizes:
        found.append(arrays[at : at + size])
        at += size
    return found


def layers_of(arrays: Sequence[Variable], grouping: Grouping, name: str) -> tuple[Unit, ...] | None:
    """Arrays outside of the published part as layers: as grouping saw them where it cut at the same places."""
    inside = {id(v) for v in arrays}
    parts = [p for p in grouping.parts if any(id(v) in inside for v in p.group.walk())]
    held = [v for p in parts for v in p.group.walk()]
    if len(held) == len(arrays) and all(id(v) in inside for v in held):
        return tuple(Unit(p.name, tuple(p.group.walk()), p) for p in parts)
    return plain_layers(arrays, name)


def plain_layers(arrays: Sequence[Variable], name: str) -> tuple[Unit, ...] | None:
    """Matrices, kernels and quadruples of vectors as Dense, Conv2D and BatchNormalization; None if there is more."""
    found: list[Unit] = []
    at = 0
    while at < len(arrays):
        shapes = tuple(v.shape for v in arrays[at : at + 4])
        kind, count, settings = first_layer(shapes)
        if not kind:
            return None
        own = f"{name}_{len(found) + 1}"
        layer = tuple(arrays[at : at + count])
        part = Part(Group(own, own, f"/{own}", layer), kind, settings, "assumed", f"arrays {shapes[:count]}")
        found.append(Unit(own, layer, part))
        at += count
    return tuple(found)


def first_layer(shapes: Shapes) -> tuple[str, int, dict[str, Setting]]:
    """Type, number of arrays and settings of the layer that a list begins with; an empty type if it is none of three."""
    first = shapes[0]
    biased = len(shapes) > 1 and shapes[1] == first[-1:]
    if len(first) == 2:
        return "Dense", 1 + biased, {"units": first[-1], "use_bias": biased}
    if len(first) == 4:
        return "Conv2D", 1 + biased, {"filters": first[-1], "kernel_size": first[:2], "use_bias": biased}
    if len(first) == 1 and shapes == (first,) * 4:
        return "BatchNormalization", 4, {}
    return "", 0, {}


def regrouped(grouping: Grouping, alignment: Alignment, types: dict[str, str]) -> Grouping:
    """The grouping whose layers are those of the alignment, under their names; ``types`` by name."""
    units = (*alignment.before, *alignment.matched, *alignment.after)
    groups = tuple(Group(u.name, u.name, f"/{u.name}", u.arrays) for u in units)
    evidence = f"as in {alignment.title}"
    parts = tuple(
        Part(group, types.get(unit.name, ""), {}, "supported", evidence)
        if unit.part is None
        else replace(unit.part, group=group)
        for unit, group in zip(units, groups, strict=True)
    )
    tree: WeightTree = replace(grouping.tree, layers=groups, own=(), keras_version="")
    if tree.dialect not in ("keras-2",):
        tree = replace(tree, dialect="keras-2")
    return Grouping(tree, parts, grouping.cost, ordered=grouping.ordered, complete=False, notes=grouping.notes)
