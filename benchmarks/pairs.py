"""Which architecture JSON, lying beside them, belongs to which weights-only files."""

from __future__ import annotations

import re
from pathlib import Path

WEIGHT_ENDINGS = (".h5", ".hdf5", ".keras", ".weights.json")
#: Words that only say what kind of file it is.
KIND_WORDS = frozenset("weights weight config model architecture arch json h5 hdf5 keras".split())


def weight_files(folder: Path) -> list[Path]:
    """Every file under a folder that may hold Keras weights, in order of path; unpacked ``.keras`` folders count as one."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.name.endswith(WEIGHT_ENDINGS)]
    unpacked = {p.parent for p in folder.rglob("metadata.json") if (p.parent / "config.json").is_file()}
    shards = {p.name.removesuffix(".weights.json") for p in files if p.name.endswith(".weights.json")}
    kept = [
        p for p in files
        if p.parent not in unpacked and re.sub(r"_\d{5}\.weights\.h5$", "", p.name) not in shards - {p.name}
    ]  # fmt: skip
    return sorted([*kept, *unpacked])


def words(path: Path) -> tuple[str, ...]:
    """The words of a file name that are not about the kind of file: ``mnist_cnn_weights.h5`` is ``mnist cnn``."""
    found = re.findall(r"[a-z0-9]+", path.name.lower())
    return tuple(word for word in found if word not in KIND_WORDS)


def shared_ending(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """How many words two names share at their ends."""
    count = 0
    while count < min(len(first), len(second)) and first[-1 - count] == second[-1 - count]:
        count += 1
    return count


def architectures(file: Path, root: Path) -> list[Path]:
    """
    The JSON files that may be the architecture of ``file``, best first.

    A JSON counts if its name ends with the words of the file (``..._mnist_cnn_config.json`` for ``mnist_cnn_weights.h5``), or
    with the last three of them; it lies in the same folder or below.
    """
    wanted = words(file)
    if not wanted:
        return []
    near = [p for p in file.parent.rglob("*.json") if not p.name.endswith(".weights.json")]
    shared = {p: shared_ending(words(p), wanted) for p in near}
    found = [p for p in near if shared[p] >= min(len(wanted), 3)]
    return sorted(found, key=lambda p: (-shared[p], p.parent != file.parent, len(words(p)), str(p.relative_to(root))))
