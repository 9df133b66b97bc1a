"""
Which way round a matrix is that the file calls ``weight``: the ones that are not square say it for those that are.

A Keras ``kernel`` is always ``cin cout``. A layer of the user's own may store its matrix either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from regraft.graft.by_names import Named
from regraft.graft.ways import TABLES


def settled(pairs: Sequence[Named]) -> tuple[list[Named], list[str]]:
    """
    The pairs without what the shapes of others say, and why square matrices could not be placed.

    Returns:
        The pairs; and problems, where matrices of one name lie both ways round.
    """
    ways = {way for pair in pairs for way in told(pair)}
    problems: list[str] = []
    found: list[Named] = []
    for pair in pairs:
        open_ = [pair.source.arrays[role].word for role, how in pair.ways.values() if how.square]
        seen = {(word, right) for word, right in ways if word in open_}
        if any(not right for _, right in seen):
            name = pair.source.name
            problems.append(
                f"{name} is square, and other matrices that the file calls {open_[0]} lie turned: it may be either"
            )
        elif seen:
            known = {role: (there, replace(how, assumed="", square=False)) for role, (there, how) in pair.ways.items()}
            pair = replace(pair, ways=known)  # noqa: PLW2901
        found.append(pair)
    return found, problems


def told(pair: Named) -> Iterator[tuple[str, bool]]:
    """Of matrices that are not square: what the file calls them, and whether they are multiplied from the right."""
    for role, (there, how) in pair.ways.items():
        array, target = pair.source.arrays[there], pair.target.arrays[role]
        if array.parts or target.parts:
            continue
        if len(array.shape) != 2 or array.shape[0] == array.shape[1] or array.word in (*TABLES, "kernel"):
            continue
        if target.axes in ("cout cin", "cin cout"):
            yield array.word, bool(how.moves) == (target.axes == "cout cin")


def assumptions(pairs: Sequence[Named]) -> list[str]:
    """What the ways of all pairs assume, one line for each assumption."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        for _, how in pair.ways.values():
            if how.assumed:
                found.setdefault(how.assumed, []).append(pair.source.name)
    return [f"{listed(names)}: {text}" for text, names in found.items()]


def listed(names: Sequence[str], most: int = 3) -> str:
    """
    The first names, and how many there are more.

    >>> listed(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
