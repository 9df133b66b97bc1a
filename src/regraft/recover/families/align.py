"""Where in a file a published architecture lies: by the order of its layers, by its names, or up to a width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from regraft.blueprint import TensorRef
from regraft.recover.families.library import Index, Member, Shapes
from regraft.recover.families.sequence import Unit, alike, outline, places

Shape = tuple[int, ...]

#: Layers that must agree in kind before another width of a published architecture is believed.
LONG = 24
#: How far a layer's width may be from the ratio of the others: MobileNets round channels to multiples of 8.
ROUNDING, SLACK = 8, 0.1


@dataclass(frozen=True)
class Alignment:
    """
    Layers of the file against the layers of a published architecture.

    Attributes:
        member: The architecture.
        matched: The file's layer for each of its first layers with variables: all of them, or those without the top.
        before: Layers of the file in front of them.
        after: Layers of the file behind them.
        by: What the assignment rests on.
        end: The tensor at which the architecture is cut off, where that is neither its end nor that without top.
    """

    member: Member
    matched: tuple[Unit, ...]
    before: tuple[Unit, ...]
    after: tuple[Unit, ...]
    by: Literal["order", "names", "width", "shapes"]
    end: TensorRef | None = None

    @property
    def title(self) -> str:
        """The architecture as a person names it, and where it is cut off."""
        return f"{self.member.title}{f' up to {self.end.layer}' if self.end else ''}"

    @property
    def with_top(self) -> bool:
        """Whether all of the architecture is there."""
        return len(self.matched) == len(self.member.keys)

    def different(self, keys: Sequence[Shapes]) -> list[int]:
        """Places of layers whose shapes are not the published ones."""
        return [i for i, u in enumerate(self.matched) if u.shapes != keys[self.member.keys[i]]]


def by_order(found: Sequence[Unit], index: Index) -> list[Alignment]:
    """Architectures whose layers stand in the file one after another with the published shapes."""
    numbers = [index.numbers.get(unit.shapes, -1) for unit in found]
    return [
        aligned(member, found, start, index, "order")
        for member in index.members
        for start in places(numbers, member.keys[: member.body], member.free)
        if all(alike(found[start + i].shapes, index.keys[member.keys[i]]) for i in member.free if i < member.body)
    ]


def by_width(found: Sequence[Unit], index: Index) -> list[Alignment]:
    """Architectures whose layers stand in the file one after another, all narrower or wider by one factor."""
    table: dict[Shapes, int] = {}
    kinds = [table.setdefault(outline(unit.shapes), len(table)) for unit in found]
    aligned_: list[Alignment] = []
    for member in index.members:
        if member.body < LONG or member.body > len(found):
            continue
        outlines = [table.get(outline(index.keys[k]), -1) for k in member.keys[: member.body]]
        for start in places(kinds, outlines, frozenset()):
            alignment = aligned(member, found, start, index, "width")
            if one_factor(alignment, index):
                aligned_.append(alignment)
    return aligned_


def one_factor(alignment: Alignment, index: Index) -> bool:
    """Whether all widths differ from the published ones by one factor, up to rounding."""
    pairs = [
        (new, old)
        for i, unit in enumerate(alignment.matched[: alignment.member.body])
        for ours, theirs in zip(unit.shapes, index.keys[alignment.member.keys[i]], strict=True)
        for new, old in zip(ours[-1:], theirs[-1:], strict=True)
        if old > 1 and i not in alignment.member.free
    ]
    if not pairs:
        return False
    factor = sum(new for new, _ in pairs) / sum(old for _, old in pairs)
    return all(abs(new - old * factor) <= max(ROUNDING, SLACK * old * factor) for new, old in pairs)


def by_names(found: Sequence[Unit], index: Index) -> list[Alignment]:
    """Architectures all of whose names are in the file, with the published shapes, in whatever order."""
    named = {unit.name: unit for unit in found}
    place = {unit.name: i for i, unit in enumerate(found)}
    aligned_: list[Alignment] = []
    for member in index.members:
        names = member.names[: member.body]
        if not all(name in named for name in names):
            continue
        if not all(fits(named[n], index.keys[member.keys[i]], i in member.free) for i, n in enumerate(names)):
            continue
        top = member.names[member.body :]
        rest = [unit for unit in found if unit.name not in set(names)]
        if (
            top
            and [u.name for u in rest] == list(top)
            and all(alike(named[n].shapes, index.keys[member.keys[member.body + i]]) for i, n in enumerate(top))
        ):
            names, rest = member.names, []
        first = min(place[name] for name in names)
        before = tuple(unit for unit in rest if place[unit.name] < first)
        after = tuple(unit for unit in rest if place[unit.name] > first)
        aligned_.append(Alignment(member, tuple(named[name] for name in names), before, after, "names"))
    return aligned_


def fits(unit: Unit, shapes: Shapes, free: bool) -> bool:
    """Whether a layer has the published shapes, or may differ where the input's channels enter."""
    return unit.shapes == shapes or (free and alike(unit.shapes, shapes))


def aligned(
    member: Member, found: Sequence[Unit], start: int, index: Index, by: Literal["order", "width"]
) -> Alignment:
    """The alignment at a place; with the top if what follows is the top and nothing else."""
    end = start + member.body
    top = member.keys[member.body :]
    rest = found[end:]
    if top and len(top) == len(rest) and is_top([u.shapes for u in rest], [index.keys[k] for k in top], by):
        end = len(found)
    return Alignment(member, tuple(found[start:end]), tuple(found[:start]), tuple(found[end:]), by)


def is_top(found: Sequence[Shapes], known: Sequence[Shapes], by: str) -> bool:
    """Whether layers are a published top: the first may see a map of another size, the last give other classes."""
    if not all(map(alike, found, known)):
        return False
    if by == "width":
        return True
    widths = [(f[-1][-1], k[-1][-1]) for f, k in zip(found, known, strict=True) if f[-1]]
    return all(new == old for new, old in widths[:-1])


def by_arrays(arrays: Sequence[Shape], index: Index, *, kind: Callable[[Shape], Shape]) -> list[tuple[Member, int]]:
    """Architectures whose arrays stand in a list one after another, and where they begin; ``kind`` says what must agree."""
    table: dict[Shape, int] = {}
    numbers = [table.setdefault(kind(shape), len(table)) for shape in arrays]
    found: list[tuple[Member, int]] = []
    for member in index.members:
        keys = [index.keys[k] for k in member.keys[: member.body]]
        shapes = [shape for key in keys for shape in key]
        if len(shapes) > len(arrays):
            continue
        owner = [i for i, key in enumerate(keys) for _ in key]
        free = frozenset(at for at, i in enumerate(owner) if i in member.free)
        for start in places(numbers, [table.get(kind(shape), -1) for shape in shapes], free):
            if all(alike((arrays[start + at],), (shapes[at],)) for at in free):
                found.append((member, start))
    return found
