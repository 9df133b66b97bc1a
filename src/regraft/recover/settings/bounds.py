"""
What the statistics of a BatchNorm say of a function right in front of it, by its range alone.

Behind ``relu`` no mean is negative; behind ``sigmoid`` and ``tanh`` mean and variance are bounded. One channel outside
the range excludes the function, and dozens inside a narrow range are no accident. Moving averages start at mean 0 and
variance 1, so a short training leaves a rest of those: the bounds are taken with that much room.
"""

from __future__ import annotations

from math import inf, log

import numpy as np

from regraft.moments.norms import Norm

#: Smallest and largest value of each function.
RANGES: dict[str, tuple[float, float]] = {
    "linear": (-inf, inf),
    "relu": (0.0, inf),
    "relu6": (0.0, 6.0),
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "softplus": (0.0, inf),
    "exponential": (0.0, inf),
    "elu": (-1.0, inf),
    "selu": (-1.7581, inf),
    "silu": (-0.2785, inf),
    "gelu": (-0.17, inf),
    "mish": (-0.3089, inf),
}
#: An excluded function costs this much a channel outside, up to a limit.
OUTSIDE, EXCLUDED = 6.0, 40.0
#: What a channel inside a range is worth against functions without that bound: a mean is positive by chance every other
#: time, and channels of one layer are not independent.
INSIDE = 0.5 * log(2.0)
SLACK = 0.02
#: Where the mean squares of all channels end between these and 1, a function that ends there is likelier by this.
FILLED, FILLS = 0.4, 2.0


def outside(bn: Norm, low: float, high: float) -> int:
    """How many live channels have statistics that a function with this range cannot give."""
    mean, variance = bn.mean[bn.live], bn.variance[bn.live]
    sd = np.sqrt(variance)
    wrong = (mean < low - SLACK * sd) | (mean > high + SLACK * sd)
    if low > -inf and high < inf:
        # Bhatia and Davis: no distribution on [low, high] has a larger variance.
        room = (np.clip(mean, low, high) - low) * (high - np.clip(mean, low, high))
        wrong |= variance > 1.1 * room + 0.02
    return int(wrong.sum())


def nats_in_front(bn: Norm, functions: tuple[str, ...], *, raised: bool = False) -> dict[str, float]:
    """
    Costs of the functions right in front of a BatchNorm, in nats, 0 for the best.

    Args:
        bn: Its statistics.
        functions: Short names; a leaky function has no bounds, its means are rarely negative.
        raised: Whether a maximum over neighbours stands between, which makes means positive anyhow.

    Returns:
        All zero where nothing can be told.
    """
    count = int(bn.live.sum())
    if bn.trouble or not count:
        return dict.fromkeys(functions, 0.0)
    square = np.square(bn.mean[bn.live]) + bn.variance[bn.live]
    close = FILLED < float(square.max()) <= 1.0 + SLACK
    positive = float((bn.mean[bn.live] > 0).mean())
    found: dict[str, float] = {}
    for name in functions:
        low, high = RANGES.get(name, (-inf, inf))
        cost = min(OUTSIDE * outside(bn, low, high), EXCLUDED)
        if positive == 1.0 and low < 0 and not raised:
            # A function that gives negative values too would have to hide them in every channel.
            cost += min(INSIDE * count * (1.0 if low == -inf and not name.startswith("leaky") else 0.5), EXCLUDED / 2)
        if close and not (low > -inf and high < inf):
            cost += FILLS
        found[name] = cost
    least = min(found.values())
    return {name: cost - least for name, cost in found.items()}
