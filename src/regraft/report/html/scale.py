"""Logarithmic and linear scales of the plots, in plain numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SUPERSCRIPT = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


@dataclass(frozen=True)
class LogScale:
    """
    Decades from bottom to top.

    Attributes:
        low: Exponent of the lowest value.
        high: Exponent of the highest value.
        top: Place of the highest value, in pixels from above.
        bottom: Place of the lowest value.
    """

    low: int
    high: int
    top: float
    bottom: float

    def place(self, value: float) -> float:
        """Pixels from above; values outside lie on the border."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.bottom - min(1.0, max(0.0, share)) * (self.bottom - self.top), 1)

    def ticks(self, most: int = 8) -> list[tuple[float, str]]:
        """Places of decades and what stands beside them: ``10⁻⁶``."""
        step = next(s for s in (1, 2, 3, 5, 10, 50, 100) if (self.high - self.low) / s <= most)
        shown = [e for e in range(self.low, self.high + 1) if e % step == 0]
        return [(self.place(10.0**e), "1" if e == 0 else f"10{str(e).translate(SUPERSCRIPT)}") for e in shown]


def log_scale(values: Sequence[float], top: float, bottom: float) -> LogScale:
    """A scale that holds all positive values, three decades at least."""
    found = [math.log10(max(1e-300, min(value, 1e300))) for value in values if value > 0]
    low, high = (math.floor(min(found)), math.ceil(max(found))) if found else (-17, 0)
    return LogScale(min(low, high - 3), high, top, bottom)


def percent(share: float) -> str:
    """A share as SVG and CSS have it, short: ``12.34%``."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"
