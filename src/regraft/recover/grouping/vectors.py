"""
What the values of a vector say of its role: a variance is never negative, a gamma is mostly positive, a beta is not.

Costs are minus log probabilities in nats, up to a constant, and deliberately flat: a trained layer may look odd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Look:
    """
    A vector at a glance.

    Attributes:
        size: Number of elements.
        strange: Holds NaN or infinity, or is empty: nothing can be told.
        constant: The one value of all elements, or None.
        negative: Share of elements below zero.
        median: Of the absolute values.
        spread: Standard deviation of the logarithms of the absolute values that are not zero.
    """

    size: int
    strange: bool
    constant: float | None
    negative: float
    median: float
    spread: float

    @property
    def all_positive(self) -> bool:
        """Whether no element is negative, and not all are zero."""
        return not self.negative and self.constant != 0.0


def look(values: np.ndarray) -> Look:
    """A vector at a glance; any shape is read as flat."""
    flat = np.asarray(values, "f8").ravel()
    if not flat.size or not np.isfinite(flat).all():
        return Look(flat.size, True, None, 0.0, 0.0, 0.0)
    low, high = float(flat.min()), float(flat.max())
    size = np.abs(flat)
    logs = np.log(size[size > 1e-12])
    return Look(
        flat.size,
        False,
        low if low == high else None,
        float((flat < 0).mean()),
        float(np.median(size)),
        float(logs.std()) if logs.size else 0.0,
    )


def _by_chance(seen: Look, most: float) -> float:
    """Cost of all signs being positive where both are usual: one bit an element, but never more than ``most``."""
    return min(0.7 * seen.size, most) if seen.all_positive else 0.0


def _variance(seen: Look) -> float:
    if seen.negative:
        return 12.0
    if seen.constant == 0.0:
        return 4.0
    # One is where it starts; hardly any trained statistic stays near it in all channels.
    near_one = seen.constant is None and 0.5 < seen.median < 2.0 and seen.spread < 0.25
    return 1.0 if near_one else 0.0


def _gamma(seen: Look) -> float:
    if seen.constant is not None:
        return 0.0 if seen.constant == 1.0 else 3.0
    far = 2.5 if not 0.05 < seen.median < 5.0 else 0.0
    return 6.0 * min(seen.negative, 0.5) + far + (2.0 if seen.spread > 1.5 else 0.0)


def _beta(seen: Look) -> float:
    if seen.constant is not None:
        return 0.0 if seen.constant == 0.0 else 4.0
    return _by_chance(seen, 3.0) + (2.5 if seen.median > 8.0 else 0.0)


def _mean(seen: Look) -> float:
    if seen.constant is not None:
        return 0.0 if seen.constant == 0.0 else 4.0
    return _by_chance(seen, 2.0)


def _bias(seen: Look) -> float:
    if seen.constant is not None:
        return 0.0 if seen.constant == 0.0 else 3.0
    return _by_chance(seen, 3.0) + (2.5 if seen.median > 8.0 else 0.0)


def _alpha(seen: Look) -> float:
    if seen.constant is not None:
        return 0.0 if seen.constant in (0.0, 0.1, 0.2, 0.25, 0.3) else 3.0
    return 0.0 if seen.median < 1.5 else 3.0


def _layer_scale(seen: Look) -> float:
    """It starts at one in a million, at most a tenth."""
    if seen.constant is not None:
        return 0.0 if 0.0 < seen.constant <= 0.1 else 3.0
    return 1.0 if seen.median < 1.0 else 3.0


ROLES: Mapping[str, Callable[[Look], float]] = {
    "moving_variance": _variance,
    "variance": _variance,
    "gamma": _gamma,
    "scale": _gamma,
    "beta": _beta,
    "moving_mean": _mean,
    "mean": _mean,
    "bias": _bias,
    "alpha": _alpha,
    "layer_scale": _layer_scale,
}


def role_cost(role: str, seen: Look) -> float:
    """
    How unlikely a vector of this look is in a role, in nats.

    Args:
        role: ``gamma``, ``moving_variance``, ``forward/bias``; unknown roles cost nothing.
        seen: The vector.
    """
    cost = ROLES.get(role.rpartition("/")[2])
    return 0.0 if cost is None or seen.strange else cost(seen)
