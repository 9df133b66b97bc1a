"""Moves as text that a person can edit, and back."""

from __future__ import annotations

import re
from collections.abc import Callable

from regraft.errors import quote
from regraft.layout import Fill, Flip, Layout, Move, Pick, Reorder, Split, Stack, Unfill

NUMBER = r"-?\d+"


def spelled(move: Move) -> str:
    """
    A move in words.

    >>> spelled(Layout("(h w c) units -> units (c h w)", {"h": 2, "w": 3, "c": 5}))
    '(h w c) units -> units (c h w), c=5 h=2 w=3'
    >>> spelled(Reorder("gate", -1, (1, 0, 2)))
    'gate blocks 1 0 2 along axis -1'
    """
    match move:
        case Layout(pattern, sizes):
            grouped = "(" in pattern
            told = (
                " ".join(f"{axis}={size}" for axis, size in sorted(move.sizes_used.items()))
                if grouped and sizes
                else ""
            )
            return f"{pattern}, {told}" if told else pattern
        case Reorder(name, axis, order):
            return f"{name} blocks {' '.join(map(str, order))} along axis {axis}"
        case Split(axis, count, drop):
            return f"split in {count} along axis {axis}{' and drop it' if drop else ''}"
        case Stack(axis, count, new):
            return f"join {count} along {'a new ' if new else ''}axis {axis}"
        case Pick(order):
            return f"arrays {' '.join(map(str, order))}"
        case Flip(axes):
            return f"reverse axes {' '.join(map(str, axes))}"
        case Fill(shape, value, dtype):
            return f"fill {' '.join(map(str, shape)) or 'scalar'} with {value!r} {dtype}"
        case Unfill(fill):
            return f"drop what is: {spelled(fill)}"
        case _:
            raise TypeError(f"no spelling for {type(move).__name__}")


def numbers(text: str) -> tuple[int, ...]:
    """Numbers apart by blanks."""
    return tuple(int(word) for word in text.split())


def layout(found: re.Match[str]) -> Move:
    """``h w -> w h, h=2``."""
    pairs = (pair.split("=") for pair in (found["sizes"] or "").split())
    return Layout(found["pattern"], {axis: int(size) for axis, size in pairs})


def fill(found: re.Match[str]) -> Move:
    """``fill 3 4 with 0.0 float32``."""
    shape = () if found["shape"] == "scalar" else numbers(found["shape"])
    return Fill(shape, float(found["value"]), found["dtype"])


GRAMMAR: tuple[tuple[str, Callable[[re.Match[str]], Move]], ...] = (
    (r"(?P<pattern>[\w() ]+ -> [\w() ]+?)(, (?P<sizes>\w+=\d+( \w+=\d+)*))?", layout),
    (rf"(?P<name>\w+) blocks (?P<order>[\d ]+) along axis (?P<axis>{NUMBER})",
     lambda m: Reorder(m["name"], int(m["axis"]), numbers(m["order"]))),
    (rf"split in (?P<count>\d+) along axis (?P<axis>{NUMBER})(?P<drop> and drop it)?",
     lambda m: Split(int(m["axis"]), int(m["count"]), drop=bool(m["drop"]))),
    (rf"join (?P<count>\d+) along (?P<new>a new )?axis (?P<axis>{NUMBER})",
     lambda m: Stack(int(m["axis"]), int(m["count"]), new=bool(m["new"]))),
    (r"arrays (?P<order>[\d ]+)", lambda m: Pick(numbers(m["order"]))),
    (r"reverse axes (?P<axes>[-\d ]+)", lambda m: Flip(numbers(m["axes"]))),
    (r"fill (?P<shape>scalar|[\d ]+) with (?P<value>\S+) (?P<dtype>\w+)", fill),
    (r"drop what is: (?P<fill>.+)", lambda m: parsed(m["fill"]).inverse),
)  # fmt: skip


def parsed(text: str) -> Move:
    """
    The move that a text spells.

    Raises:
        ValueError: It spells none.
    """
    for pattern, make in GRAMMAR:
        if found := re.fullmatch(pattern, text.strip()):
            return make(found)
    raise ValueError(
        f"{quote(text)} is no move; expected an einops pattern such as 'kh kw cin cout -> cout cin kh kw', or "
        "'gate blocks 1 0 2 along axis -1', 'split in 4 along axis 0', 'join 2 along axis -1', 'reverse axes 0 1'"
    )
