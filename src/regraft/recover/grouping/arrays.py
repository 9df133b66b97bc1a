"""A file of arrays without names (``.npz``): layers by shapes, order and values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import lgamma

import numpy as np

from regraft.errors import FileError
from regraft.recover.grouping.made import make_grouping
from regraft.recover.grouping.ordered import read_ordered
from regraft.recover.grouping.reading import Reading
from regraft.recover.grouping.shuffled import read_shuffled
from regraft.recover.grouping.vectors import Looks
from regraft.recover.part import Grouping
from regraft.weights import Variable, WeightTree

#: Readings of each kind that are considered, and those that are kept: one in twenty thousand is not.
MOST_READINGS, FAR = 8, 10.0
#: Of twenty lists one is not in the order of ``get_weights()``: a guess.
DISORDER = 3.0
SHUFFLED = (
    "the arrays do not stand in the order of model.get_weights(): which of several of equal shape belong together, and "
    "the order of the layers, comes of their values",
)


def group_arrays(tree: WeightTree) -> list[Grouping]:
    """
    The ways to see a list of arrays as layers, likeliest first.

    The list is read as ``model.get_weights()`` gives it, and as the same arrays in disorder; which one it is, is decided
    by how well it reads in its order, for of all orders hardly one makes sense.

    Args:
        tree: Of dialect ``arrays``.

    Returns:
        ``ordered`` says which it is; at least one.
    """
    arrays = tree.own
    shapes = [v.shape for v in arrays]
    looks = Looks([_reader(v) for v in arrays], [v.size for v in arrays])
    ordered = read_ordered(shapes, looks, MOST_READINGS)
    penalty = DISORDER + orders(shapes)
    return _groupings(tree, ordered, _in_disorder(arrays, looks, ordered[0].whole - penalty), penalty)


def orders(shapes: Sequence[tuple[int, ...]]) -> float:
    """
    The logarithm of the number of orders of these shapes that look different.

    >>> round(orders([(3, 4), (4,), (4, 4), (4,)]), 3)  # 12 of 24
    2.485
    """
    return lgamma(len(shapes) + 1) - sum(lgamma(count + 1) for count in Counter(shapes).values())


def _in_disorder(arrays: Sequence[Variable], looks: Looks, limit: float) -> list[Reading]:
    """Readings of the arrays in no order, if they are not much dearer than ``limit``."""
    shapes = [v.shape for v in arrays]
    if limit < 0.0:
        return []
    # Without a look at the kernels first: which of several equal shapes belong together does not change the cost.
    ways = (None, False, True) if any(len(shape) > 2 for shape in shapes) else (None,)
    blind = [
        read_shuffled(shapes, looks, lambda place: np.zeros((1,) * len(shapes[place])), 1, turned=way)[0].whole
        for way in ways
    ]
    if min(blind) > limit + FAR:
        return []

    @lru_cache(maxsize=64)
    def read(place: int) -> np.ndarray:
        return _reader(arrays[place])()

    return read_shuffled(shapes, looks, read, MOST_READINGS, turned=ways[int(np.argmin(blind))])


def _groupings(tree: WeightTree, ordered: list[Reading], shuffled: list[Reading], penalty: float) -> list[Grouping]:
    """Both kinds with costs on one scale; disorder is not considered where it comes to the same layers."""
    known = {frozenset(reading.layers) for reading in ordered}
    both = [(reading.whole, True, reading) for reading in ordered]
    both += [(r.whole + penalty, False, r) for r in shuffled if frozenset(r.layers) not in known]
    both.sort(key=lambda item: item[0])
    lowest = both[0][0]
    readings = [replace(reading, cost=cost - lowest) for cost, _, reading in both]
    return [
        make_grouping(tree, readings, i, ordered=is_ordered, notes=() if is_ordered else SHUFFLED)
        for i, (cost, is_ordered, _) in enumerate(both)
        if cost - lowest <= FAR
    ]


def _reader(variable: Variable):
    def read() -> np.ndarray:
        try:
            return variable.read()
        except FileError:
            # A damaged array still has a shape; whoever needs its values says so.
            return np.zeros(variable.shape, "f4")

    return read
