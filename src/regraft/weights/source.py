"""What a dialect needs of a file: one HDF5 file, or several shards that look like one."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from regraft.weights.nodes import Dataset, Folder


class Source(Protocol):
    """An open, checked file. See ``SafeFile`` for what each method gives and raises."""

    @property
    def shown(self) -> str:
        """The file, as the user named it."""
        ...

    @property
    def root(self) -> Folder:
        """The root group with everything below it."""
        ...

    def has(self, folder: Folder, name: str) -> bool:
        """Whether a group has an attribute."""
        ...

    def integer(self, folder: Folder, name: str) -> int:
        """A whole number among the attributes."""
        ...

    def text(self, folder: Folder, name: str) -> str:
        """A text among the attributes; empty if absent."""
        ...

    def texts(self, folder: Folder, name: str) -> tuple[str, ...] | None:
        """A list of texts among the attributes; None if absent."""
        ...

    def read(self, node: Dataset) -> np.ndarray:
        """One array."""
        ...

    def link_order(self, folder: Folder) -> tuple[str, ...] | None:
        """Names of the children as they were written, or None."""
        ...
