"""
Sharded weights (Keras 3.10 and later): ``NAME.weights.json`` lists which file holds which group.

The list names files, and names are data: only files beside the list, under the names that Keras gives, are opened.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any, cast

from regraft.errors import FileError, UnsafeFileError, quote
from regraft.weights.json_text import parse_object, read_architecture
from regraft.weights.limits import Limits
from regraft.weights.order import natural

SHARD_NAME = re.compile(r"[\w.+ -]+_\d{5}\.weights\.h5")


def shard_files(path: Path, limits: Limits) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """
    The files of a sharded model, in order of their names, and the groups in the order of the list.

    Raises:
        UnsafeFileError: A name that leads elsewhere, a link out of the folder, or too many files.
        FileError: A missing file, or a list of another form.
        ConfigError: If the list is no JSON.
    """
    listing = parse_object(read_architecture(path, limits=limits), str(path), limits).get("weight_map")
    if not isinstance(listing, dict):
        raise FileError(path, "weight_map is no JSON object.")
    names: set[str] = set()
    groups = cast("dict[str, Any]", listing)
    for group, value in groups.items():
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise FileError(path, "weight_map must give file names.", path=group)
        names.update(entries)
        if len(names) > limits.shards:
            raise UnsafeFileError(path, f"weight_map names more than {limits.shards} files.")
    return tuple(_beside(path, name) for name in sorted(names, key=natural)), tuple(groups)


def _beside(listing: Path, name: str) -> Path:
    """The path of one shard, after checks on its name and on what lies there."""
    if not SHARD_NAME.fullmatch(name):
        raise UnsafeFileError(listing, f"weight_map names {quote(name)}; expected a name such as x_00000.weights.h5.")
    folder = listing.parent.resolve()
    target = folder / name
    if not target.exists():
        raise FileError(
            listing, f"the shard {quote(name)} is missing.", hint="Put all files of the model in one folder."
        )
    if target.resolve().parent != folder or not stat.S_ISREG(target.stat().st_mode):
        raise UnsafeFileError(listing, f"the shard {quote(name)} is not a regular file in the same folder.")
    return target
