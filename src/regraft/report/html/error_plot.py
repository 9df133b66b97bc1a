"""The error of every compared tensor, on a log scale with its limit: float64 and float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from regraft.report.html.bounds import MOST_CHECKS, some
from regraft.report.html.scale import log_scale, percent
from regraft.report.value import CheckRow

HEIGHT = 300
TOP = 12
ROW = 24
"""Height of a row below the scale: errors that are exactly 0, and tensors that were not compared."""


@dataclass(frozen=True)
class Point:
    """One error: place from the left in percent, from above in pixels, and whether its tensor passed."""

    x: str
    y: float
    ok: bool


@dataclass(frozen=True)
class Limit:
    """A piece of a limit line: from and to in percent, height in pixels."""

    start: str
    stop: str
    y: float


@dataclass(frozen=True)
class ErrorPlot:
    """
    Everything that is drawn.

    Attributes:
        checks: The tensors, from left to right.
        ticks: Heights of decades with their words.
        rows: Heights of the rows below the scale with their words.
        points: Errors, by precision.
        limits: Limit lines, by precision.
        left_out: How many compared tensors are not shown.
    """

    checks: tuple[CheckRow, ...]
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[tuple[float, str], ...]
    points: dict[str, tuple[Point, ...]]
    limits: dict[str, tuple[Limit, ...]]
    left_out: int = 0
    height: int = HEIGHT


def error_plot(rows: Sequence[CheckRow]) -> ErrorPlot | None:
    """The plot of a verification; None if nothing was compared."""
    if not rows:
        return None
    checks = some(rows, MOST_CHECKS, lambda row: int(not row.ok))
    errors = [error for row in checks for error in (row.error64, row.error32)]
    bounds = [limit for row in checks for limit in (row.limit64, row.limit32)]
    words = [word for word, present in (("0", 0.0 in errors), ("none", None in errors)) if present]
    bottom = HEIGHT - TOP - ROW * len(words)
    scale = log_scale([value for value in (*errors, *bounds) if value is not None], TOP, bottom)
    below = {word: bottom + ROW * (number + 0.75) for number, word in enumerate(words)}

    def height(error: float | None) -> float:
        return below["none"] if error is None else below["0"] if error == 0 else scale.place(error)

    def points(of: Sequence[float | None]) -> tuple[Point, ...]:
        middle = [percent((i + 0.5) / len(checks)) for i in range(len(checks))]
        return tuple(Point(x, height(e), row.ok) for x, e, row in zip(middle, of, checks, strict=True))

    def limits(of: Sequence[float | None]) -> tuple[Limit, ...]:
        found: list[Limit] = []
        places = [None if value is None or value <= 0 else scale.place(value) for value in of]
        start = 0
        for y, run in groupby(places):
            stop = start + len(list(run))
            if y is not None:
                found.append(Limit(percent(start / len(places)), percent(stop / len(places)), y))
            start = stop
        return tuple(found)

    return ErrorPlot(
        tuple(checks),
        tuple(scale.ticks()),
        tuple((below[word], word) for word in words),
        {"float64": points([c.error64 for c in checks]), "float32": points([c.error32 for c in checks])},
        {"float64": limits([c.limit64 for c in checks]), "float32": limits([c.limit32 for c in checks])},
        len(rows) - len(checks),
    )
