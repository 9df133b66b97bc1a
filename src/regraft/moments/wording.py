"""Means and spreads of inputs in plain words: scaled to [0, 1], to [-1, 1], standardised, left as bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from regraft.moments.scale import Scale

#: R^2 from which the mean is trusted, and what it may leave unexplained, in stored standard deviations, otherwise.
TRUSTED, UNEXPLAINED = 0.8, 0.1


@dataclass(frozen=True)
class Convention:
    """
    One usual way to scale inputs.

    Attributes:
        words: What it is called.
        mean: Typical mean.
        around: How far means lie around it.
        sd: Typical standard deviation.
        factor: By which factor those of single data sets differ from it.
        low: Smallest value; None if there is none.
        high: Largest value.
    """

    words: str
    mean: float
    around: float
    sd: float
    factor: float
    low: float | None = None
    high: float | None = None


#: Photographs have a mean of 0.4 to 0.5 and a standard deviation of 0.23 to 0.29 in [0, 1] (ImageNet: 0.45 and 0.27;
#: CIFAR-10: 0.47 and 0.25), handwritten digits 0.13 and 0.31; the other conventions follow from that.
CONVENTIONS = (
    Convention("inputs scaled to [0, 1]", 0.4, 0.2, 0.27, 1.6, 0.0, 1.0),
    Convention("inputs scaled to [-1, 1]", -0.15, 0.35, 0.53, 1.6, -1.0, 1.0),
    Convention("inputs left as bytes, 0 to 255", 105.0, 50.0, 68.0, 1.6, 0.0, 255.0),
    Convention("inputs standardised to mean 0 and standard deviation 1", 0.0, 0.15, 1.0, 1.15),
    Convention("bytes with the mean subtracted, as in the caffe models", 0.0, 12.0, 65.0, 1.6, -255.0, 255.0),
)


#: From so many nats off its own typical values a convention is not named; so many nats apart two are named alone.
TOO_FAR, APART = 4.5, 1.5


def distance(convention: Convention, mean: float, error: float, size: Scale | None) -> float:
    """How far from typical a mean and a spread are, in nats; infinite if the convention cannot have them."""
    if convention.low is not None and convention.high is not None:
        low, high = convention.low - 2 * error, convention.high + 2 * error
        if not low <= mean <= high or (size is not None and size.low**2 > 1.2 * (mean - low) * (high - mean)):
            return math.inf
    found = 0.5 * ((mean - convention.mean) / math.hypot(convention.around, error)) ** 2
    if size is not None:
        width = math.hypot(math.log(convention.factor), math.log(size.factor))
        found += 0.5 * (math.log(max(size.sd, 1e-12) / convention.sd) / width) ** 2
    return found


def ranked(mean: np.ndarray, error: np.ndarray, size: Scale | None) -> list[tuple[float, Convention]]:
    """
    The conventions that are near enough, cheapest first, with their costs in nats.

    A cost is the distance from typical and the logarithm of how widely the convention spreads, in its own units.
    """
    m, e = float(np.mean(mean)), float(np.sqrt(np.mean(np.square(error))))
    away = [(distance(c, m, e, size), c) for c in CONVENTIONS]
    costs = [(d + math.log(c.around / c.sd) + math.log(math.log(c.factor)), c) for d, c in away if d < TOO_FAR]
    return sorted(costs, key=lambda pair: pair[0])


def one_hot(mean: np.ndarray, size: Scale | None) -> bool:
    """Whether inputs look like words or letters: shares that add up to one, spread as of zeros and ones."""
    if len(mean) < 3 or (mean < 0).any() or not 0.8 <= mean.sum() <= 1.02 or size is None:
        return False
    return 0.8 < size.sd / math.sqrt(float(np.mean(mean * (1 - mean)))) < 1.25


def trusted(r2: float, rest: float) -> bool:
    """Whether the equations agree; those of inputs of mean 0 have a small R^2 and leave little unexplained."""
    return r2 >= TRUSTED or rest <= UNEXPLAINED


def said(mean: np.ndarray, error: np.ndarray, size: Scale | None, r2: float, rest: float) -> str:
    """The finding as a sentence; honest where the equations do not agree."""
    if not trusted(r2, rest):
        return (
            f"the scaling of the input cannot be told: its mean explains only {r2:.0%} of the stored means (R^2) "
            f"and leaves {rest:.2g} standard deviations"
        )
    numbers = f"mean {figures(mean)}" + ("" if size is None else f", standard deviation about {size.sd:.2g}")
    if size is not None and size.high > 4 * size.low > 0:
        numbers += f" (between {size.low:.2g} and {size.high:.2g})"
    numbers += f" (R^2 {r2:.3f})" if r2 >= TRUSTED else f" ({rest:.2g} standard deviations unexplained)"
    if one_hot(mean, size):
        return f"one-hot inputs: {numbers}"
    order = ranked(mean, error, size)
    if not order:
        return f"no usual scaling: {numbers}"
    words = " or ".join(c.words for cost, c in order if cost < order[0][0] + APART)
    return f"{words}: {numbers}{colours(mean, error, size)}"


def colours(mean: np.ndarray, error: np.ndarray, size: Scale | None) -> str:
    """A remark on the order of three channels: photographs have more red than blue."""
    if len(mean) != 3 or size is None:
        return ""
    difference, noise = float(mean[0] - mean[2]), float(np.hypot(error[0], error[2]))
    if abs(difference) < 3 * noise or abs(difference) < 0.1 * size.sd:
        return ""
    return f"; the {'first' if difference > 0 else 'last'} channel is the brightest, as red is in most photographs"


def figures(mean: np.ndarray) -> str:
    """Up to four means one by one, else their range."""
    if len(mean) <= 4:
        return ", ".join(f"{value:.3g}" for value in mean)
    return f"{mean.min():.3g} to {mean.max():.3g} over {len(mean)} channels"
