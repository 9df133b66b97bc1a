"""Files to layers: which arrays belong to which layer, and of which type it is."""

from __future__ import annotations

from regraft.recover.grouping.arrays import group_arrays
from regraft.recover.grouping.defaults import completed, part_spec
from regraft.recover.grouping.held import version_of
from regraft.recover.grouping.legacy import group_legacy
from regraft.recover.grouping.saving_lib import group_saving_lib
from regraft.recover.part import Grouping, Part
from regraft.weights import WeightTree

#: Layouts whose groups bear the class of their layer.
CLASSED = ("keras-3", "checkpoint-h5")


def group(tree: WeightTree) -> list[Grouping]:
    """
    The ways to see a file as layers, likeliest first.

    Args:
        tree: Any file; an architecture inside it is not looked at.

    Returns:
        One grouping for a file that lists layers, whatever is in them; several for a list of arrays. Types are as sure
        as their labels say; settings are those that shapes or names fix, see ``part_spec`` for the rest.
    """
    if str(tree.dialect) == "arrays":
        return group_arrays(tree)
    return [group_saving_lib(tree) if tree.dialect in CLASSED else group_legacy(tree)]


__all__ = ["Grouping", "Part", "completed", "group", "part_spec", "version_of"]
