"""How much of a huge model a page shows; ``report.json`` always has everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

#: Layers in the list, and nodes that a graph may have to be drawn at all.
MOST_LAYERS = 1000
MOST_NODES = 2500
#: Tensors in the plot of the errors.
MOST_CHECKS = 1200
#: Rows of the weight table, choices, and lines of a list.
MOST_WEIGHTS = 2000
MOST_CHOICES = 300
MOST_LINES = 200
MOST_CANDIDATES = 24
#: BatchNorms that are plotted, and those of them that are seen at once.
MOST_PLOTS = 96
FIRST_PLOTS = 12
#: Characters of code that are coloured, and that are shown.
MOST_COLOURED = 150_000
MOST_CODE = 300_000

T = TypeVar("T")


def some(rows: Sequence[T], most: int, weight: Callable[[T], int] = lambda _: 0) -> list[T]:
    """At most ``most`` rows in their order: those that weigh most, and of equal ones some, evenly spread."""
    if len(rows) <= most:
        return list(rows)
    weights = [weight(row) for row in rows]
    keep: list[int] = []
    for level in sorted(set(weights), reverse=True):
        room, alike = most - len(keep), [i for i, found in enumerate(weights) if found == level]
        keep += alike if len(alike) <= room else [alike[k * len(alike) // room] for k in range(room)]
    return [rows[i] for i in sorted(keep)]
