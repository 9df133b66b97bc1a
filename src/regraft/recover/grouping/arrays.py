"""A file of arrays without names (``.npz``): layers by shapes, order and values."""

from __future__ import annotations

from regraft.recover.grouping.made import make_grouping
from regraft.recover.grouping.ordered import read_ordered
from regraft.recover.grouping.vectors import Look, look
from regraft.recover.part import Grouping
from regraft.weights import Variable, WeightTree

MOST_READINGS = 8


def group_arrays(tree: WeightTree) -> list[Grouping]:
    shapes = [v.shape for v in tree.own]
    looks = [look_at(v) for v in tree.own]
    readings = read_ordered(shapes, looks, MOST_READINGS)
    return [make_grouping(tree, readings, i, ordered=True) for i in range(len(readings))]


def look_at(variable: Variable) -> Look | None:
    """The values of a vector at a glance."""
    return look(variable.read()) if len(variable.shape) == 1 else None
