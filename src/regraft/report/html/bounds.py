"""How much of a huge model a page shows; ``report.json`` always has everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

#: Layers in the list, and nodes that a graph may have to be drawn at all.
MOST_LAYERS = 1500
MOST_NODES = 2500
#: Tensors in the plot of the errors.
MOST_CHECKS = 1500
#: Rows of the weight table, choices, and lines of a list.
MOST_WEIGHTS = 2500
MOST_CHOICES = 400
MOST_LINES = 200
MOST_CANDIDATES = 24
#: BatchNorms that are plotted, and those of them that are seen at once.
MOST_PLOTS = 96
FIRST_PLOTS = 12
#: Characters of code that are coloured, and that are shown.
MOST_COLOURED = 250_000
MOST_CODE = 500_000

T = TypeVar("T")


def some(rows: Sequence[T], most: int, wanted: Callable[[T], bool] = lambda _: False) -> list[T]:
    """At most ``most`` rows in their order: those that are wanted, the others evenly spread."""
    if len(rows) <= most:
        return list(rows)
    keep = [i for i, row in enumerate(rows) if wanted(row)][:most]
    taken = set(keep)
    rest = [i for i in range(len(rows)) if i not in taken]
    room = most - len(keep)
    keep += [rest[k * len(rest) // room] for k in range(room)]
    return [rows[i] for i in sorted(keep)]
