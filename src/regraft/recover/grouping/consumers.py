"""
Gammas and betas put together by what takes them: the pair predicts the mean that the next norm has stored.

A gamma and a beta make the moments of a tensor, the kernel that takes it turns these into the mean that the norm behind
that kernel stores. So a right pair has a kernel that it suits better than any wrong pair does. Which statistics a pair
stands behind shows less directly: no norm stands behind the kernel that takes what it makes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from einops import rearrange

from regraft.moments.activations import after
from regraft.moments.moment import Moments
from regraft.moments.norms import norm
from regraft.moments.takers import Taker, Takers, takers
from regraft.recover.grouping.affinity import beta_of_gamma, clean, finite, gamma_of_mean, gamma_of_variance, odds
from regraft.recover.grouping.assignment import assign
from regraft.recover.grouping.bag import Bag, Body

#: Channels of all pairs of a gamma and a beta of one width, and outputs of all kernels that take them.
MOST_CHANNELS, MOST_OUTPUTS = 200_000, 8192
#: What a shortcut, a kernel of size 1 beside another of its widths, is the less likely to have in front of a kernel that
#: takes what it makes alone and makes as many channels.
SHORTCUT = 3.0
#: What is as far as evidence goes.
MOST = 12.0
#: Rank correlation of the sizes of channels and of the weights that read them, and its spread: measured on 102 kernels
#: behind one norm; of those behind another 0.01.
READ = 0.3, 0.3


@dataclass(frozen=True)
class Placed:
    """
    A norm with all four vectors, by their places in the file.

    Attributes:
        body: The layer that feeds it; None if unknown.
        bias: That layer's bias, -1 if it has none.
    """

    gamma: int
    beta: int
    mean: int
    variance: int
    body: Body | None
    bias: int = -1


class Behind(NamedTuple):
    """
    The kernels that take so many channels.

    Attributes:
        placed: The norms behind them.
        kernels: They themselves.
        rows: Norms of what reads each channel, ``(kernels, channels)``.
    """

    placed: list[Placed]
    kernels: Takers
    rows: np.ndarray


def rejoined(bag: Bag, placed: Sequence[Placed]) -> list[Placed]:
    """
    The norms with gammas and betas dealt out anew, in the same order.

    Args:
        bag: All arrays.
        placed: The norms of all widths.
    """
    wanted = kernels_behind(bag, placed)
    found = list(placed)
    by_width: dict[int, list[int]] = defaultdict(list)
    for i, one in enumerate(placed):
        by_width[bag.shapes[one.gamma][0]].append(i)
    for width, places in by_width.items():
        behind = wanted.get(width)
        if behind is None or len(places) < 2 or behind.kernels.sizes.sum() > MOST_OUTPUTS:
            continue
        if len(places) ** 2 * width > MOST_CHANNELS:
            continue
        for i, one in zip(places, dealt_anew(bag, [placed[i] for i in places], behind), strict=True):
            found[i] = one
    return found


def kernels_behind(bag: Bag, placed: Sequence[Placed]) -> dict[int, Behind]:
    """For each number of channels the kernels that take so many."""
    found: dict[int, list[tuple[Placed, Taker]]] = defaultdict(list)
    for one in placed:
        taker = taker_of(bag, one)
        if taker is not None:
            found[len(taker.kernel)].append((one, taker))
    return {
        width: Behind(
            [one for one, _ in some],
            takers([taker for _, taker in some]),
            np.array([entering(bag, one.body) for one, _ in some if one.body is not None]),
        )
        for width, some in found.items()
    }


def entering(bag: Bag, body: Body) -> np.ndarray:
    """The norm of what reads each channel that enters a layer, as far as its first kernel tells: ``(cin,)``."""
    kernel = finite(bag.read(body.places[0]))
    return np.sqrt(np.square(kernel).sum(axis=(*range(kernel.ndim - 2), kernel.ndim - 1)))


def taker_of(bag: Bag, one: Placed) -> Taker | None:
    """The kernel in front of a norm; None where it is transposed, recurrent or unknown."""
    if one.body is None or one.body.type.endswith("Transpose") or one.body.wraps:
        return None
    kernel = folded(bag, one.body)
    stored = norm({"moving_mean": bag.read(one.mean), "moving_variance": bag.read(one.variance)})
    if kernel is None or kernel.shape[1] != stored.channels or stored.trouble:
        return None
    bias = finite(bag.read(one.bias)) if one.bias >= 0 else np.zeros(stored.channels)
    live = stored.live
    return Taker(kernel[:, live], bias[live], stored.mean[live], stored.sd[live])


def folded(bag: Bag, body: Body) -> np.ndarray | None:
    """The kernel of a layer summed over its taps, ``(cin, cout)``."""
    kernel = finite(bag.read(body.places[0]))
    if not body.type.startswith(("Conv", "Dense", "Depthwise", "Separable")) or kernel.ndim < 2:
        return None
    summed = kernel.reshape(-1, *kernel.shape[-2:]).sum(axis=0)
    if body.type.startswith("Depthwise"):
        return np.diag(summed[:, 0]) if summed.shape[1] == 1 else None
    if body.type.startswith("Separable"):
        point = finite(bag.read(body.places[1]))
        return rearrange(summed, "cin mult -> (cin mult)")[:, None] * point.reshape(-1, point.shape[-1])
    return summed


def dealt_anew(bag: Bag, mine: Sequence[Placed], behind: Behind) -> list[Placed]:
    """The norms of one width, their gammas and betas chosen by what takes them."""
    gammas = np.array([finite(bag.read(one.gamma)) for one in mine])
    betas = np.array([finite(bag.read(one.beta)) for one in mine])
    count = len(gammas)
    rows: list[np.ndarray] = []
    read: list[np.ndarray] = []
    for gamma in gammas:
        moments = Moments(betas, np.broadcast_to(gamma**2, betas.shape))
        bent = after("relu", moments.mean, moments.variance)
        rows.append(-behind.kernels.direct(moments, bent))
        read.append(odds(clean(np.sqrt(bent.mean**2 + bent.variance)), clean(behind.rows), *READ))
    told = np.array(rows)  # (gammas, betas, kernels)
    ahead = np.clip(told - best_elsewhere(told), 0.0, MOST)
    vectors = bag.vector_rows([one.gamma for one in mine]), bag.vector_rows([one.beta for one in mine])
    together = beta_of_gamma(vectors[1], vectors[0]).T + ahead.max(axis=2)
    beta_of = assign(-together)
    suits = (told + np.array(read))[np.arange(count), beta_of]  # (pairs, kernels)
    stands = gamma_of_variance(vectors[0], bag.vector_rows([one.variance for one in mine]))
    stands = stands + gamma_of_mean(vectors[0], bag.vector_rows([one.mean for one in mine]))
    stands -= np.array([[against(bag, one, behind.placed, row) for one in mine] for row in suits])
    statistics = assign(-stands)
    found = list(mine)
    for pair, i in enumerate(statistics):
        found[i] = replace(mine[i], gamma=mine[pair].gamma, beta=mine[int(beta_of[pair])].beta)
    return found


def best_elsewhere(told: np.ndarray) -> np.ndarray:
    """For each pair of a row and a column the largest number in the other rows and columns; more axes are kept."""
    found = np.empty_like(told)
    for row in range(len(told)):
        columns = np.delete(told, row, axis=0).max(axis=0)
        first = columns.argmax(axis=0)
        highest = columns.max(axis=0)
        second = np.sort(columns, axis=0)[-2]
        found[row] = np.where(np.arange(len(columns))[:, None] == first, second, highest)
    return found


def against(bag: Bag, one: Placed, behind: Sequence[Placed], suits: np.ndarray) -> float:
    """What speaks against a pair standing behind the statistics of a norm, by the kernels that take what it makes."""
    own = np.array([other is one for other in behind])
    cost = 0.0
    if own.any() and not own.all():
        cost += max(0.0, float(suits[own].max() - suits[~own].max()))
    if one.body is not None and shortcut(bag, one.body):
        alike = np.array([other.body is not None and other.body.width == one.body.width for other in behind])
        margin = float(suits[alike].max() - suits[~alike].max(initial=0.0)) if alike.any() else 0.0
        cost += min(SHORTCUT, max(0.0, margin))
    return cost


def shortcut(bag: Bag, body: Body) -> bool:
    """Whether a layer changes the number of channels at one point, as shortcuts do."""
    taps = bag.shapes[body.places[0]][:-2]
    return bool(taps) and max(taps) == 1 and body.cin != body.width
