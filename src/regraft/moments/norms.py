"""
What a BatchNorm stores: the moments of what reached it, and those of what leaves it.

Its output has mean ``beta`` and standard deviation ``|gamma|`` in every channel, its input had ``moving_mean`` and
``moving_variance``: so each BatchNorm of a trained file is a test vector for the layers in front of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from regraft.moments.moment import Moments

#: Channels whose variance is below this share of the median one are dead: their units of measure mean nothing.
DEAD_SHARE = 1e-4
DEAD = 1e-9
#: Means and standard deviations from here on are no activations of a network that was trained.
DIVERGED = 1e12


@dataclass(frozen=True, eq=False)
class Norm:
    """
    One BatchNorm, made ready for comparisons.

    Attributes:
        gamma: ``(c,)``; ones where the layer has none.
        beta: ``(c,)``; zeros where the layer has none.
        mean: Stored mean of the input, ``(c,)``.
        variance: Stored variance of the input, ``(c,)``.
        epsilon: What is added to the variance.
        live: Channels that can be compared, ``(c,)`` of bool: finite statistics, a variance that is not near 0.
        trouble: Why nothing can be learnt from it, in words; empty if something can.
    """

    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    epsilon: float
    live: np.ndarray
    trouble: str = ""

    @cached_property
    def sd(self) -> np.ndarray:
        """Standard deviation of the input, ``(c,)``; 1 for dead channels."""
        return np.sqrt(np.where(self.live, self.variance, 1.0))

    @cached_property
    def output(self) -> Moments:
        """Moments of what leaves: mean ``beta``, variance ``gamma^2 * v / (v + epsilon)``, which is 0 for a dead channel."""
        known = np.where(self.variance > 0, self.variance, 0.0)
        return Moments(self.beta, np.square(self.gamma) * known / (known + self.epsilon))

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.mean)


def norm(arrays: Mapping[str, np.ndarray], epsilon: float = 1e-3, *, deviation: bool = False) -> Norm:
    """
    A BatchNorm from its variables.

    Args:
        arrays: ``moving_mean`` and ``moving_variance``, ``gamma`` and ``beta`` if the layer has them.
        epsilon: The layer's setting. A wrong one changes the output of channels with a small variance only.
        deviation: Whether the variance is stored as a standard deviation (Keras 1.0.0 to 1.0.5).

    Raises:
        KeyError: If a statistic is missing.
    """
    mean = np.asarray(arrays["moving_mean"], np.float64)
    variance = np.asarray(arrays["moving_variance"], np.float64)
    if deviation:
        variance = np.square(variance)
    gamma, beta = arrays.get("gamma"), arrays.get("beta")
    gamma = np.ones_like(mean) if gamma is None else np.asarray(gamma, np.float64)
    beta = np.zeros_like(mean) if beta is None else np.asarray(beta, np.float64)
    sound = (np.abs(mean) < DIVERGED) & (variance < DIVERGED**2) & (variance >= 0)
    if gamma.shape == beta.shape == mean.shape:
        sound &= np.isfinite(gamma) & np.isfinite(beta)
    alive = sound & (variance > DEAD)
    if alive.any():
        some = np.sort(variance[alive])
        alive &= variance > DEAD_SHARE * some[len(some) // 2]
    return Norm(gamma, beta, mean, variance, epsilon, alive, trouble_of(mean, variance, sound, alive))


def trouble_of(mean: np.ndarray, variance: np.ndarray, sound: np.ndarray, alive: np.ndarray) -> str:
    """Why a BatchNorm tells nothing, in words; empty if it does."""
    if not sound.all():
        wrong = int((~sound).sum())
        return f"{wrong} of {len(sound)} channels have values that are no number or beyond all measure, or a negative variance"
    if (mean == 0).all() and (variance == 1).all():
        return "never trained: its moving mean is 0 and its moving variance 1 in every channel"
    if not alive.any():
        return "every channel is constant: its moving variance is 0"
    return ""


def misfit(predicted: np.ndarray, bn: Norm) -> float:
    """
    How far a predicted mean of the input is from the stored one.

    It is the root mean square over the live channels, in units of the stored standard deviation.

    Args:
        predicted: ``(c,)``.
        bn: The BatchNorm.

    Returns:
        NaN if nothing can be compared (``bn.trouble``).
    """
    return float(misfits(predicted, bn))


def misfits(predicted: np.ndarray, bn: Norm) -> np.ndarray:
    """As ``misfit``, for many predictions: ``(..., c)`` gives ``(...)``."""
    if bn.trouble and not bn.live.any():
        return np.full(np.shape(predicted)[:-1], np.nan)
    away = (np.asarray(predicted, np.float64) - bn.mean)[..., bn.live] / bn.sd[bn.live]
    return np.sqrt(np.mean(np.square(away), axis=-1))


#: What a ratio of misfits is worth, see ``nats``.
NATS_PER_E = 3.0
#: Misfits of this size arise by chance: real channels have no known distribution.
FLOOR = 0.03
#: From here on a hypothesis is as wrong as it gets.
CEILING = 1.0
#: With so many channels a misfit is worth half of what it is worth with many.
HALF_CHANNELS = 8


def nats(found: Sequence[float] | np.ndarray, channels: int = 64) -> np.ndarray:
    """
    Costs of rival hypotheses about one BatchNorm from their misfits, in nats, 0 for the best.

    The cost is ``3 * log(misfit)`` between a floor and a ceiling, less with few channels. On 250 questions put to 14
    trained networks (which of 12 activations, padded or not, which of the BatchNorms of equal width) the likelihood is
    highest at 4 to 6 a unit; with 3 the answers with a probability above 0.9 were right in 88 of 88 cases, those above
    0.7 in 135 of 135.

    Args:
        found: One misfit a hypothesis; NaN where there is no prediction.
        channels: How many channels were compared.

    Returns:
        The same shape; a hypothesis without a prediction costs as much as the mean of the others, all 0 if none has one.
    """
    values = np.asarray(found, np.float64)
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(values.shape)
    worth = NATS_PER_E * channels / (channels + HALF_CHANNELS)
    cost = worth * np.log(np.minimum(np.hypot(np.where(known, values, 1.0), FLOOR), CEILING))
    cost = np.where(known, cost, cost[known].mean())
    return cost - cost.min()


def pooled(costs: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """
    Costs of the same hypotheses from several BatchNorms in one, ``(norms, hypotheses)`` to ``(hypotheses,)``.

    Layers of one network err alike (their channels have the same tails), so n of them count as the root of n.
    """
    every = np.asarray(costs, np.float64)
    total = every.sum(0) / max(len(every), 1) ** 0.5
    return total - total.min()
