"""Predicted against stored BatchNorm means, one small plot a layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from regraft.report.html.bounds import MOST_PLOTS, some
from regraft.report.value import StatisticRow

SIDE = 160
"""Side of the square, in units of its own; y counts from above."""
EDGE = 8
#: Half the width of the band around the diagonal, in stored standard deviations: beyond it a layer is doubtful.
BAND = 0.25


@dataclass(frozen=True)
class Scatter:
    """
    One plot, both axes from ``low`` to ``high``.

    Attributes:
        row: What is plotted.
        dots: A path of dots: stored mean from left to right, predicted mean from bottom to top.
        band: Half the height of the band around the diagonal.
        shown: Number of channels drawn.
    """

    row: StatisticRow
    dots: str
    band: float
    low: str
    high: str
    shown: int


def scatters(rows: Sequence[StatisticRow]) -> tuple[Scatter, ...]:
    """The plots of all BatchNorms that can be predicted, the worst first."""
    known = [row for row in rows if row.points and row.misfit is not None]
    worst = sorted(known, key=lambda row: -(row.misfit or 0.0))
    return tuple(scatter(row) for row in some(worst, MOST_PLOTS, lambda row: int(row.verdict != "fits")))


def scatter(row: StatisticRow) -> Scatter:
    """The plot of one BatchNorm."""
    values = [value for point in row.points for value in point[:2]]
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or abs(high) or 1.0
    low, high = low - room, high + room
    unit = (SIDE - 2 * EDGE) / (high - low)

    def x(value: float) -> int:
        return round(EDGE + (value - low) * unit)

    dots = "".join(f"M{x(stored)} {SIDE - x(predicted)}h0" for predicted, stored, _ in row.points)
    band = BAND * median(sd for _, _, sd in row.points) * unit
    return Scatter(row, dots, round(min(band, SIDE), 1), number(low), number(high), len(row.points))


def number(value: float) -> str:
    """The end of an axis in two or three digits."""
    if value == 0 or not math.isfinite(value):
        return "0"
    return f"{value:.2g}" if abs(value) < 1000 or abs(value) >= 1e5 else f"{value:.0f}"
