"""Files to layers: which arrays belong to which layer, and of which type it is."""

from __future__ import annotations

from regraft.errors import FileError
from regraft.recover.grouping.arrays import group_arrays
from regraft.recover.grouping.defaults import completed, part_spec
from regraft.recover.grouping.held import version_of
from regraft.recover.grouping.legacy import group_legacy
from regraft.recover.grouping.saving_lib import group_saving_lib
from regraft.recover.part import Grouping, Part
from regraft.weights import Group, WeightTree

#: Layouts whose groups bear the class of their layer.
CLASSED = ("keras-3", "checkpoint-h5")
#: Larger files are refused at once: NASNetMobile has 1,126 arrays, a ResNet of 1,001 convolutions about 3,300 layers.
MOST_LAYERS, MOST_ARRAYS = 4_000, 6_000


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


def check_size(tree: WeightTree) -> None:
    """
    Refuse what is too large to be put together.

    Raises:
        FileError: There are too many layers or arrays.
    """
    arrays = sum(1 for _ in tree.variables())
    layers = sum(map(groups_in, tree.layers))
    for found, most, what in ((layers, MOST_LAYERS, "layers"), (arrays, MOST_ARRAYS, "arrays")):
        if found > most:
            raise FileError(
                tree.file,
                f"holds {found:,} {what}, and no architecture; one is rebuilt from at most {most:,}.",
                hint="If you have it as JSON, give it with --architecture.",
            )


def groups_in(group: Group) -> int:
    """Groups with variables of their own inside one, or the one itself."""
    return max(1, bool(group.variables) + sum(map(groups_in, group.groups)))


__all__ = ["Grouping", "Part", "check_size", "completed", "group", "part_spec", "version_of"]
