"""The file as a sequence of layers with variables, and how shapes of layers are compared."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from regraft.recover.families.library import Shapes
from regraft.recover.part import Grouping, Part
from regraft.weights import Variable


@dataclass(frozen=True)
class Unit:
    """
    One layer with variables.

    Attributes:
        name: What the blueprint calls it.
        arrays: Its stored arrays, in order.
        part: What grouping made of it; None where the arrays were regrouped.
    """

    name: str
    arrays: tuple[Variable, ...]
    part: Part | None = None

    @property
    def shapes(self) -> Shapes:
        """Shapes of the stored arrays."""
        return tuple(v.shape for v in self.arrays)


def units(grouping: Grouping) -> tuple[Unit, ...]:
    """The layers with variables, in the order of the file; states of random generators are none."""
    found: list[Unit] = []
    for part in grouping.parts:
        arrays = tuple(v for v in part.group.walk() if "seed_generator" not in v.path)
        if arrays:
            found.append(Unit(part.name, arrays, part))
    return tuple(found)


def has_layers(grouping: Grouping) -> bool:
    """Whether the file itself says which arrays belong to one layer; a list of arrays does not."""
    return any("/" in v.path.strip("/") for v in grouping.tree.variables())


def alike(found: Shapes, known: Shapes) -> bool:
    """Whether two layers are of one kind: equal ranks and kernel sizes, channels aside."""
    return outline(found) == outline(known)


def outline(shapes: Shapes) -> Shapes:
    """Shapes without channels: of a vector and a matrix only the rank, of a kernel its size."""
    return tuple((len(s), *(s[:-2] if len(s) > 2 else ())) for s in shapes)


def runs(count: int, free: frozenset[int]) -> list[tuple[int, int]]:
    """The stretches of ``range(count)`` between the free places, as start and end."""
    stops = [-1, *sorted(i for i in free if i < count), count]
    return [(a + 1, b) for a, b in itertools.pairwise(stops) if b - a > 1]


def places(found: Sequence[int], known: Sequence[int], free: frozenset[int]) -> list[int]:
    """Where ``known`` stands in ``found``, its free places aside."""
    stretches = runs(len(known), free)
    if not stretches or len(found) < len(known):
        return []
    first = stretches[0][0]
    parts = [(a, b, tuple(known[a:b])) for a, b in stretches]
    starts = [i - first for i, value in enumerate(found) if value == known[first]]
    return [
        start
        for start in starts
        if 0 <= start <= len(found) - len(known)
        and all(tuple(found[start + a : start + b]) == part for a, b, part in parts)
    ]
