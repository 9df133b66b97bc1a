"""
Sharded weights (Keras 3.10 and later): ``NAME.weights.json`` lists which file holds which group.

The list names files, and names are data: only files beside the list, under the names that Keras gives, are opened.
Source: ``ShardedH5IOStore`` in ``keras/src/saving/saving_lib.py``.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from regraft.errors import FileError, UnsafeFileError, quote
from regraft.weights.json_text import parse_object, read_architecture
from regraft.weights.limits import Limits
from regraft.weights.nodes import Dataset, Folder
from regraft.weights.order import natural
from regraft.weights.safe_h5 import SafeFile

SHARD_NAME = re.compile(r"([\w.+ -]+)_\d{5}\.weights\.h5")


class Shards:
    """
    Several files as one. A group may stand in many of them; each variable stands in one.

    Args:
        listing: The ``.weights.json`` file.
        limits: Bounds on each file, and on their number.
        skip: Names of root groups that are not looked into.

    Raises:
        UnsafeFileError: A file name that leads elsewhere, a link out of the folder, or too many files.
        FileError: A missing file, a list of another form, or groups that no file has.
        ConfigError: If the list is no JSON.
    """

    def __init__(self, listing: Path, limits: Limits, skip: tuple[str, ...]) -> None:
        self.shown = str(listing)
        weight_map = parse_object(read_architecture(listing, limits=limits), self.shown, limits).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise FileError(listing, "weight_map is missing or empty.", hint="Save the weights again.")
        groups = cast("dict[str, Any]", weight_map)
        self._files = [SafeFile.open(path, limits, skip) for path in _shard_paths(listing, groups, limits)]
        self._parts: dict[str, list[tuple[SafeFile, Folder]]] = {}
        self._owners: dict[str, SafeFile] = {}
        self.root = self._merge([(file, file.root) for file in self._files])
        for group in groups:
            if not isinstance(self.root.find(group.removeprefix("/")), Folder):
                raise FileError(listing, f"weight_map lists {quote(group)}, but no shard has it.")

    def _merge(self, parts: Sequence[tuple[SafeFile, Folder]]) -> Folder:
        """One group of all shards; the depth was bounded when each file was listed."""
        path = parts[0][1].path
        self._parts[path] = list(parts)
        merged = Folder(path, -1, sum(folder.attribute_count for _, folder in parts))
        below: dict[str, list[tuple[SafeFile, Folder]]] = {}
        for file, folder in parts:
            merged.aliases.update(folder.aliases)
            for name, node in folder.children.items():
                if isinstance(node, Folder):
                    below.setdefault(name, []).append((file, node))
                elif name in merged.children:
                    raise FileError(self.shown, "two shards hold the same variable.", path=node.path)
                else:
                    merged.children[name] = node
                    self._owners[node.path] = file
        for name, found in below.items():
            if name in merged.children:
                raise FileError(self.shown, "a group in one shard is an array in another.", path=found[0][1].path)
            merged.children[name] = self._merge(found)
        return merged

    def has(self, folder: Folder, name: str) -> bool:
        """Whether the group has an attribute in any shard."""
        return any(file.has(part, name) for file, part in self._parts[folder.path])

    def integer(self, folder: Folder, name: str) -> int:
        """A whole number, from the first shard that has it."""
        file, part = next((f, p) for f, p in self._parts[folder.path] if f.has(p, name))
        return file.integer(part, name)

    def text(self, folder: Folder, name: str) -> str:
        """A text, from the first shard that has it: a group that was continued has no name in the second."""
        found = (file.text(part, name) for file, part in self._parts[folder.path])
        return next((text for text in found if text), "")

    def texts(self, folder: Folder, name: str) -> tuple[str, ...] | None:
        """A list of texts, from the first shard that has it."""
        found = (file.texts(part, name) for file, part in self._parts[folder.path])
        return next((texts for texts in found if texts is not None), None)

    def read(self, node: Dataset) -> np.ndarray:
        """One array."""
        return self._owners[node.path].read(node)

    def link_order(self, folder: Folder) -> tuple[str, ...] | None:
        """The shards were written one after another, so their orders follow each other."""
        names: dict[str, None] = {}
        for file, part in self._parts[folder.path]:
            order = file.link_order(part)
            if order is None:
                return None
            names.update(dict.fromkeys(order))
        return tuple(names)


def shard_listing(path: Path) -> Path | None:
    """The list beside a file that is only one shard of a model, or None."""
    match = SHARD_NAME.fullmatch(path.name)
    if match is None:
        return None
    listing = path.with_name(f"{match[1]}.weights.json")
    return listing if listing.is_file() else None


def _shard_paths(listing: Path, groups: dict[str, Any], limits: Limits) -> list[Path]:
    names: set[str] = set()
    for group, value in groups.items():
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise FileError(listing, "weight_map must give file names.", path=group)
        names.update(entries)
        if len(names) > limits.shards:
            raise UnsafeFileError(listing, f"weight_map names more than {limits.shards} files.")
    return [_beside(listing, name) for name in sorted(names, key=natural)]


def _beside(listing: Path, name: str) -> Path:
    """The path of one shard, after checks on its name and on what lies there."""
    if not SHARD_NAME.fullmatch(name):
        raise UnsafeFileError(listing, f"weight_map names {quote(name)}; expected a name such as x_00000.weights.h5.")
    folder = listing.parent.resolve()
    target = folder / name
    try:
        inside, mode = target.resolve(strict=True).parent == folder, target.stat().st_mode
    except (OSError, RuntimeError):
        raise FileError(
            listing, f"the shard {quote(name)} is missing.", hint="Put all files of the model in one folder."
        ) from None
    if not inside or not stat.S_ISREG(mode):
        raise UnsafeFileError(
            listing,
            f"the shard {quote(name)} is not a regular file in the same folder.",
            hint="Where it is a link (download caches keep links), copy all files of the model into one folder.",
        )
    return target
