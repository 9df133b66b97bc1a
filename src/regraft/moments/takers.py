"""
Which of many kernels takes a tensor: each has a BatchNorm behind it that stored the mean of what it made.

The moments of the tensor predict that mean. Whether an activation or a max pool stands in between is not known yet, so the
prediction that fits best counts: through a relu in front of the kernel or behind it, through none, with or without a lift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from regraft.moments.activations import after
from regraft.moments.moment import Moments
from regraft.moments.norms import CEILING, FLOOR, HALF_CHANNELS, NATS_PER_E

#: Outputs of a kernel that are looked at, and of many kernels together.
LEAST_OUTPUTS, MOST_OUTPUTS, ALL_OUTPUTS = 12, 64, 2048
#: How far a max pool lifts a mean, in standard deviations of what it sees: 1.03 for the largest of four independent
#: Gaussians; larger windows and several pools lift more.
LIFT = 1.5
#: Such a lift is fitted: what is one number the better for it.
FITTED = 0.5


class Taker(NamedTuple):
    """
    A kernel with the norm behind it.

    Attributes:
        kernel: Summed over its taps, ``(cin, cout)``.
        bias: ``(cout,)``.
        mean: What the norm stored, ``(cout,)``, and
        deviation: the square root of its variance.
    """

    kernel: np.ndarray
    bias: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True, eq=False)
class Takers:
    """
    Kernels of equally many channels side by side.

    Attributes:
        kernels: ``(cin, all outputs)``.
        biases: ``(all outputs,)``.
        means: That the norms stored.
        deviations: The same.
        starts: Where each kernel begins.
        sizes: How many outputs each has.
        worth: Of a misfit that is e times smaller, in nats.
    """

    kernels: np.ndarray
    biases: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    worth: np.ndarray

    def nats(self, moments: Moments, lift: np.ndarray | None = None) -> np.ndarray:
        """
        What it costs, 0 or less, that each kernel takes a tensor.

        Args:
            moments: Of the tensor in front of any activation, ``(..., cin)``.
            lift: Along which a max pool may have lifted the mean that no activation follows; its deviation if None.

        Returns:
            ``(..., kernels)``.
        """
        bent = after("relu", moments.mean, moments.variance)
        lifted = np.sqrt(bent.variance)
        best = self.direct(moments, bent)
        for mean, more in ((moments.mean, lifted if lift is None else lift), (bent.mean, lifted)):
            away = (mean @ self.kernels + self.biases - self.means) / self.deviations
            moved = more @ self.kernels / self.deviations
            slope = -self._sums(away * moved) / np.maximum(self._sums(moved**2), 1e-12)
            fitted = away + np.repeat(np.clip(slope, 0.0, LIFT), self.sizes, axis=-1) * moved
            best = np.minimum(best, self._worth(fitted) + FITTED)
        return best

    def direct(self, moments: Moments, bent: Moments | None = None) -> np.ndarray:
        """The same without any lift; ``bent`` is the tensor behind a relu, if that is known."""
        bent = bent or after("relu", moments.mean, moments.variance)
        made = after("relu", moments.mean @ self.kernels + self.biases, moments.variance @ self.squares)
        best = self._worth((made.mean - self.means) / self.deviations)
        for mean in (moments.mean, bent.mean):
            best = np.minimum(best, self._worth((mean @ self.kernels + self.biases - self.means) / self.deviations))
        return best

    @cached_property
    def squares(self) -> np.ndarray:
        """Of the kernels."""
        return self.kernels**2

    def _sums(self, values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, self.starts, axis=-1)

    def _worth(self, away: np.ndarray) -> np.ndarray:
        misfit = np.sqrt(self._sums(away**2) / self.sizes)
        return self.worth * np.log(np.minimum(np.hypot(misfit, FLOOR), CEILING))


def takers(found: Sequence[Taker]) -> Takers:
    """Kernels of equally many channels side by side, at most ``MOST_OUTPUTS`` outputs of each; each has at least one."""
    most = max(LEAST_OUTPUTS, min(MOST_OUTPUTS, ALL_OUTPUTS // max(1, len(found))))
    found = [fewer(one, most) for one in found]
    sizes = np.array([one.mean.size for one in found])
    return Takers(
        np.concatenate([one.kernel for one in found], axis=1),
        np.concatenate([one.bias for one in found]),
        np.concatenate([one.mean for one in found]),
        np.concatenate([one.deviation for one in found]),
        np.append(0, np.cumsum(sizes)[:-1]),
        sizes,
        NATS_PER_E * sizes / (sizes + HALF_CHANNELS),
    )


def fewer(one: Taker, most: int) -> Taker:
    """So many outputs of a kernel that more would hardly tell more, evenly spread."""
    count = one.mean.size
    if count <= most:
        return one
    some = np.linspace(0, count - 1, most).astype(int)
    return Taker(one.kernel[:, some], one.bias[some], one.mean[some], one.deviation[some])
