"""In which order the layers of a Keras 3 file come, when no list of names says so."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

COUNTED = re.compile(r"(.*?)(?:_(\d+))?", re.DOTALL)
REPACKED = (
    "the layers stand in alphabetical order, so the file was probably copied or repacked: the model's order is lost"
)
UNKNOWN = "the file does not tell the order of its layers; they are listed by name"


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``dense_2`` before ``dense_10``."""
    parts = re.split(r"(\d+)", name)
    return tuple((1, int(p[:4000]), p) if i % 2 else (0, 0, p) for i, p in enumerate(parts))


def counted(name: str) -> tuple[str, int]:
    """``conv2d_1`` is ``("conv2d", 1)``, and ``conv2d`` is ``("conv2d", 0)``."""
    match = COUNTED.fullmatch(name)
    assert match is not None, "the pattern matches every text"
    return match[1], int((match[2] or "0")[:4000])


def counts_rise(names: Sequence[str]) -> bool:
    """Whether the counters of each class rise, as they do when Keras writes layers in model order."""
    last: dict[str, int] = {}
    for name in names:
        stem, count = counted(name)
        if count <= last.get(stem, -1):
            return False
        last[stem] = count
    return True


def layer_order(names: Collection[str], written: Sequence[str] | None) -> tuple[tuple[str, ...], str, str]:
    """
    Order of the layers of one container.

    Args:
        names: All names.
        written: The names in the order in which they were written to the file, or None if the file does not tell.

    Returns:
        The order; where it comes from, ``heap`` or ``alphabetical``; and a note for a person, or an empty one.
    """
    by_name = tuple(sorted(names, key=natural))
    if len(names) <= 1:
        return by_name, "heap", ""
    if len({counted(name)[0] for name in names}) == 1:
        return by_name, "heap", ""  # one class: its own counters are the order
    if written is None or set(written) != set(names) or not counts_rise(written):
        return by_name, "alphabetical", UNKNOWN
    if len(names) > 3 and list(written) == sorted(names):
        return by_name, "alphabetical", REPACKED
    return tuple(written), "heap", ""
