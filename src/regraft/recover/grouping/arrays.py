"""A file of arrays without names (``.npz``): layers by shapes, order and values."""

from __future__ import annotations

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
#: Nobody stores a model of more arrays; the largest of keras.applications has 1,546.
MOST_ARRAYS = 20_000
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
    if len(arrays) > MOST_ARRAYS:
        note = f"{len(arrays):,} arrays are too many to be told apart without names; at most {MOST_ARRAYS:,} are looked at"
        return [Grouping(tree, (), ordered=False, complete=False, notes=(note,))]
    shapes = [v.shape for v in arrays]
    looks = Looks([_reader(v) for v in arrays], [v.size for v in arrays])
    ordered = read_ordered(shapes, looks, MOST_READINGS)
    penalty = DISORDER + lgamma(len(arrays) + 1)
    shuffled: list[Reading] = []
    if ordered[0].general > penalty:

        @lru_cache(maxsize=64)
        def read(place: int) -> np.ndarray:
            return _reader(arrays[place])()

        shuffled = read_shuffled(shapes, looks, read, MOST_READINGS)
    return _groupings(tree, ordered, shuffled, penalty)


def _groupings(tree: WeightTree, ordered: list[Reading], shuffled: list[Reading], penalty: float) -> list[Grouping]:
    """Both kinds with costs on one scale; disorder is not considered where it comes to the same layers."""
    known = {frozenset(reading.layers) for reading in ordered if not any(l.form is None for l in reading.layers)}
    shuffled = [r for r in shuffled if frozenset(r.layers) not in known]
    lowest = min([ordered[0].general, *(r.general + penalty for r in shuffled[:1])])
    found: list[Grouping] = []
    for readings, is_ordered, extra in ((ordered, True, 0.0), (shuffled, False, penalty)):
        for i, reading in enumerate(readings):
            above = reading.general + extra - lowest
            if above <= FAR:
                notes = () if is_ordered else SHUFFLED
                found.append(make_grouping(tree, readings, i, ordered=is_ordered, cost=above, notes=notes))
    return sorted(found, key=lambda g: g.cost)


def _reader(variable: Variable):
    def read() -> np.ndarray:
        try:
            return variable.read()
        except FileError:
            # A damaged array still has a shape; whoever needs its values says so.
            return np.zeros(variable.shape, "f4")

    return read
