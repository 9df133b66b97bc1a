"""Mean and variance of every channel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Moments(NamedTuple):
    """
    Mean and variance of every channel over the batch and all positions.

    Attributes:
        mean: ``(..., c)``; leading axes, where there are any, count hypotheses.
        variance: The same shape. Behind a linear layer it is rough: see ``linear``.
    """

    mean: np.ndarray
    variance: np.ndarray


def moments(mean: np.ndarray, variance: np.ndarray | float = 0.0) -> Moments:
    """Moments in float64, the variance spread to the shape of the mean."""
    mean = np.asarray(mean, np.float64)
    return Moments(mean, np.broadcast_to(np.asarray(variance, np.float64), mean.shape))
