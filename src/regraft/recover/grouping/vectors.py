"""
What the values of a vector say of its role: a variance is never negative, a gamma is mostly positive, a beta is not.

Costs are minus log probabilities in nats, up to a constant, and deliberately flat: a trained layer may look odd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log, log1p

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


#: Elements that are looked at, evenly spread over an array.
ENOUGH = 4096


def look(values: np.ndarray) -> Look:
    """A vector at a glance; any shape is read as flat."""
    flat = np.asarray(values, "f8").ravel()
    if not flat.size or not np.isfinite(flat).all():
        return Look(flat.size, True, None, 0.0, 0.0, 0.0)
    low, high = float(flat.min()), float(flat.max())
    flat = flat[:: -(-flat.size // ENOUGH)]
    size = np.abs(flat)
    logs = np.log(size[size > 1e-12])
    return Look(
        np.size(values),
        False,
        low if low == high else None,
        float((flat < 0).mean()),
        float(np.median(size)),
        float(logs.std()) if logs.size else 0.0,
    )


@dataclass(frozen=True)
class Usual:
    """
    How a role looks in trained layers: mean and deviation of the logarithms of ``median`` and ``spread``.

    Measured on 154 BatchNormalization layers and 166 biases of published models. Zero-mean normal numbers have a spread
    of 1.1 whatever their scale, which is why it tells signed roles from gammas and variances.
    """

    median: tuple[float, float]
    spread: tuple[float, float]

    def cost(self, seen: Look) -> float:
        """How far a vector is from that; few elements tell less."""
        weight = min(1.0, seen.size / 16.0)
        far = _tail(log(seen.median + 1e-9), *self.median) + weight * _tail(log(seen.spread + 1e-3), *self.spread)
        return min(far, ODDEST)


def _tail(x: float, mean: float, deviation: float) -> float:
    """Minus the logarithm of Student's density with three degrees of freedom: far out it grows slowly."""
    return 2.0 * log1p(((x - mean) / deviation) ** 2 / 3.0)


#: Trained layers may look odd: no more is held against a vector than this.
ODDEST = 4.0
GAMMA = Usual((0.0, 0.4), (-2.0, 0.8))
BETA = Usual((-1.7, 1.3), (-0.2, 0.5))
MEAN = Usual((-0.5, 2.0), (-0.15, 0.5))
VARIANCE = Usual((0.1, 2.5), (-1.0, 0.7))
BIAS = Usual((-2.4, 1.7), (-0.1, 0.5))


def _one_sign(seen: Look, most: float) -> float:
    """Cost of hardly any negative element where both signs are usual: one bit an element, but never more than ``most``."""
    return min(0.7 * seen.size, most) if seen.negative < 0.06 and seen.constant != 0.0 else 0.0


def _variance(seen: Look) -> float:
    if seen.negative:
        return 12.0
    if seen.constant is not None:
        return 4.0 if seen.constant == 0.0 else 0.0
    return VARIANCE.cost(seen)


def _gamma(seen: Look) -> float:
    if seen.constant is not None:
        return 0.0 if seen.constant == 1.0 else 3.0
    # Of 154 gammas three had more than one negative element in fifty.
    return min(14.0 * seen.negative, 7.0) + GAMMA.cost(seen)


def _beta(seen: Look) -> float:
    if seen.constant is not None:
        return 0.0 if seen.constant == 0.0 else 4.0
    return _one_sign(seen, 3.0) + BETA.cost(seen)


def _mean(seen: Look) -> float:
    if seen.constant is not None:
        return 0.0 if seen.constant == 0.0 else 4.0
    # Behind relu all means are positive.
    return _one_sign(seen, 1.0) + MEAN.cost(seen)


def _bias(seen: Look) -> float:
    if seen.constant is not None:
        return 0.0 if seen.constant == 0.0 else 3.0
    return _one_sign(seen, 3.0) + BIAS.cost(seen)


def _alpha(seen: Look) -> float:
    if seen.constant is not None:
        return 0.0 if seen.constant in (0.0, 0.1, 0.2, 0.25, 0.3) else 4.0
    return 1.5 if seen.median < 1.5 else 4.0


def _gate_bias(seen: Look) -> float:
    """Three quarters of zeros and one of ones to begin with; anything later. As odd as any other trained vector."""
    return 0.0 if seen.constant == 0.0 else 1.0


def _layer_scale(seen: Look) -> float:
    """It starts at one in a million, at most a tenth."""
    if seen.constant is not None:
        return 0.0 if 0.0 < seen.constant <= 0.1 else 3.0
    return 2.0 if seen.median < 1.0 else 4.0


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
    "gate_bias": _gate_bias,
    "layer_scale": _layer_scale,
}


def role_cost(role: str, seen: Look) -> float:
    """
    How unlikely a vector of this look is in a role, in nats.

    Args:
        role: ``gamma``, ``moving_variance``, ``bias``; unknown roles cost nothing.
        seen: The vector.
    """
    cost = ROLES.get(role)
    return 0.0 if cost is None or seen.strange else cost(seen)


class Looks:
    """
    Arrays at a glance, each read when it is first asked for.

    Args:
        readers: Gives each array; one that cannot be read looks strange.
        sizes: Elements of each.
    """

    #: Larger arrays are no vectors of any layer.
    MOST = 300_000

    def __init__(self, readers: Sequence[Callable[[], np.ndarray]], sizes: Sequence[int]) -> None:
        self._readers, self._sizes = readers, sizes
        self._found: dict[int, Look] = {}

    def __call__(self, place: int) -> Look:
        """One array at a glance."""
        if place not in self._found:
            known = self._sizes[place] <= self.MOST
            self._found[place] = look(self._readers[place]()) if known else look(np.zeros(0))
        return self._found[place]
