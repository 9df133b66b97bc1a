"""What an HDF5 file holds, as plain data: the groups and arrays that passed every check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """
    One array of an HDF5 file, not read yet.

    Attributes:
        dtype: As it will be in memory, native byte order; ``|V2`` for bfloat16.
        address: Of its object header: equal for two names of one array.
        problem: Why it cannot be a Keras variable (strings, references ...), else empty.
        tag: The attribute ``dtype`` that Keras sets on types HDF5 does not know, else empty.
    """

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype
    address: int
    problem: str = ""
    tag: str = ""


@dataclass(frozen=True)
class Folder:
    """
    One group of an HDF5 file.

    Attributes:
        path: ``/`` for the root.
        children: By name, in the alphabetical order in which HDF5 lists them: never take it for layer order.
        attribute_count: How many attributes it has.
        aliases: Names that lead to a group already listed under another name, with that group's path.
    """

    path: str
    address: int
    attribute_count: int
    children: dict[str, Folder | Dataset] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    @cached_property
    def folders(self) -> dict[str, Folder]:
        """The groups among the children."""
        return {name: node for name, node in self.children.items() if isinstance(node, Folder)}

    @cached_property
    def datasets(self) -> dict[str, Dataset]:
        """The arrays among the children."""
        return {name: node for name, node in self.children.items() if isinstance(node, Dataset)}

    def find(self, name: str) -> Folder | Dataset | None:
        """
        What lies at a relative path such as ``dense_1/kernel:0``.

        Only names that were listed are followed, one component at a time, so that a path from the file can never
        leave this group: ``/secret``, ``..`` and ``a//b`` find nothing.
        """
        node: Folder | Dataset | None = self
        for part in name.split("/"):
            node = node.children.get(part) if isinstance(node, Folder) else None
        return node

    def walk(self) -> Iterator[Folder]:
        """This group and all below it."""
        waiting: list[Folder] = [self]
        while waiting:
            folder = waiting.pop()
            yield folder
            waiting.extend(reversed(folder.folders.values()))


def join(path: str, name: str) -> str:
    """Path of a child: ``/layers`` and ``dense`` give ``/layers/dense``."""
    return f"{path.rstrip('/')}/{name}"
