"""
Means behind an activation, where the spread in front of it is not stored.

``conv -> relu -> BatchNorm`` stores moments behind the relu. The mean in front of it follows from the layers before, its
variance only roughly; but the stored variance tells it: the spread in front is the one that gives it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from regraft.moments.activations import Function, after
from regraft.moments.moment import Moments

#: Spreads that are tried, against the stored one or the rough one: a factor of 16 up and down, finely.
FACTORS = np.exp2(np.linspace(-4.0, 4.0, 33))


def mean_at_spread(
    behind: Callable[[np.ndarray], Moments], sd: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """
    Mean behind some functions of an element, with the spread in front chosen for each channel.

    Args:
        behind: Moments behind them, ``(..., c)``, for a standard deviation in front, ``(..., c)``.
        sd: A first guess of it.
        variance: Stored variance behind, ``(c,)``.

    Returns:
        The mean behind, ``(..., c)``, and the standard deviation in front. Where no spread gives the variance, those of
        the nearest that was tried.
    """
    found = [behind(sd * factor) for factor in FACTORS]
    means = np.stack([moments.mean for moments in found])
    # The variance grows with the spread for nearly all functions; where it does not, its largest value so far counts.
    spreads = np.log(np.maximum(np.maximum.accumulate(np.stack([m.variance for m in found]), axis=0), 1e-30))
    wanted = np.log(np.maximum(np.broadcast_to(variance, spreads.shape[1:]), 1e-30))
    upper = np.clip((spreads < wanted).sum(0), 1, len(FACTORS) - 1)[None]
    low, high = (np.take_along_axis(spreads, upper - i, 0)[0] for i in (1, 0))
    share = np.clip((wanted - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    mean_low, mean_high = (np.take_along_axis(means, upper - i, 0)[0] for i in (1, 0))
    factor = FACTORS[upper[0] - 1] * (FACTORS[1] / FACTORS[0]) ** share
    return mean_low + share * (mean_high - mean_low), sd * factor


def mean_behind(activation: str | Function, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """
    Mean behind an activation that a BatchNorm follows: for ``linear -> activation -> BatchNorm``.

    Args:
        activation: A name, or a function.
        mean: In front of the activation, ``(..., c)``, as ``Linear.mean`` gives it.
        variance: Stored variance of the BatchNorm, ``(c,)``.

    Returns:
        ``(..., c)``, to be compared with the stored mean by ``norms.misfit``.
    """
    mean = np.asarray(mean, np.float64)
    start = np.broadcast_to(np.sqrt(np.maximum(variance, 1e-12)), mean.shape)
    return mean_at_spread(lambda sd: after(activation, mean, np.square(sd)), start, variance)[0]
