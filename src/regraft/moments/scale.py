"""The standard deviation of an input, from the stored variance behind the first linear layer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from regraft.moments.linear import Linear
from regraft.moments.norms import Norm

#: How alike two inputs are that lie one step apart, and two channels at one place: what is tried.
NEIGHBOURS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
CHANNELS = (0.0, 0.3, 0.6, 0.9, 0.97)
#: Kernels with more taps are not asked: the work grows with their square.
MOST_TAPS = 225


class Scale(NamedTuple):
    """
    A standard deviation and how far others fit nearly as well.

    Attributes:
        sd: The best.
        low: The smallest that fits nearly as well; for stored statistics the smallest of all channels.
        high: The largest.
        factor: By which factor the best may be off: more where few stored variances agree less.
    """

    sd: float
    low: float
    high: float
    factor: float = 1.0


def scale(
    kernel: Linear, bn: Norm, shares: np.ndarray | None = None, borders: np.ndarray | float = 0.0
) -> Scale | None:
    """
    The standard deviation of the input of a convolution or a dense layer, the same for all channels.

    Inputs are taken to be alike the more the nearer they lie, ``rho ** distance``; ``rho`` and the likeness of the
    channels are those that explain the stored variances of all output channels best.

    Args:
        kernel: The first linear layer; plain, not depthwise.
        bn: The BatchNorm behind it.
        shares: What each tap sees of the input, ``(taps...)``; None if it sees all.
        borders: Variance that the zeros around the input give by themselves, ``(cout,)``.
    """
    weights = kernel.kernel.reshape(-1, *kernel.kernel.shape[-2:])[..., bn.live]
    if shares is not None:
        weights = weights * np.sqrt(shares).reshape(-1, 1, 1)
    taps, cin, count = weights.shape
    if taps > MOST_TAPS or count < 4:
        return None
    places = np.stack(np.meshgrid(*map(np.arange, kernel.taps), indexing="ij"), -1).reshape(taps, -1)
    distance = np.sqrt(np.square(places[:, None] - places[None]).sum(-1))
    stored = np.log(np.maximum(bn.variance - borders, 0.01 * bn.variance)[bn.live])
    whole = weights.sum(1)
    fits: list[tuple[float, float]] = []
    for near in NEIGHBOURS if taps > 1 else (0.0,):
        alike = np.power(near, distance) if near else np.eye(taps)
        apart = np.einsum("tio,ts,sio->o", weights, alike, weights, optimize=True)
        together = np.einsum("to,ts,so->o", whole, alike, whole, optimize=True)
        for channel in CHANNELS if cin > 1 else (0.0,):
            ratio = stored - np.log(np.maximum((1 - channel) * apart + channel * together, 1e-30))
            fits.append((float(ratio.std()), float(np.exp(0.5 * ratio.mean()))))
    best = min(fits)
    near_best = [sd for spread, sd in fits if spread <= 1.15 * best[0] + 0.02]
    return Scale(best[1], min(near_best), max(near_best), float(np.exp(0.1 + best[0] / np.sqrt(count))))
