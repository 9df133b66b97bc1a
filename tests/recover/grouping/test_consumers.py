"""Gammas and betas that were dealt out wrongly are put together by the norms that stored what they make."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from regraft.recover.grouping.bag import Bag, Body
from regraft.recover.grouping.consumers import Placed, rejoined
from regraft.recover.grouping.vectors import Looks


def network(seed: int, depth: int, width: int) -> tuple[list[np.ndarray], list[Placed]]:
    """A chain of kernels, norms and relus as arrays, five a layer: kernel, gamma, beta, mean, variance."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(6000, 5))
    arrays: list[np.ndarray] = []
    placed: list[Placed] = []
    for _ in range(depth):
        kernel = rng.normal(size=(x.shape[1], width)) / np.sqrt(x.shape[1])
        y = x @ kernel
        gamma, beta = np.exp(rng.normal(size=width)), rng.normal(size=width)
        first = len(arrays)
        arrays += [kernel, gamma, beta, y.mean(0), y.var(0)]
        body = Body("Conv1D", [first], width, x.shape[1])
        placed.append(Placed(first + 1, first + 2, first + 3, first + 4, body))
        x = np.maximum(gamma * (y - y.mean(0)) / y.std(0) + beta, 0.0)
    arrays = [a[None] if a.ndim == 2 else a for a in arrays]
    return arrays, placed


def bag_of(arrays: list[np.ndarray]) -> Bag:
    def reader(a: np.ndarray) -> Callable[[], np.ndarray]:
        return lambda: a

    looks = Looks([reader(a) for a in arrays], [a.size for a in arrays])
    return Bag([a.shape for a in arrays], looks, arrays.__getitem__)


@pytest.mark.parametrize("seed", range(3))
def test_betas_find_their_gammas(seed: int) -> None:
    arrays, placed = network(seed, 4, 24)
    wrong = [
        Placed(one.gamma, other.beta, one.mean, one.variance, one.body)
        for one, other in zip(placed, [placed[1], placed[0], *placed[2:]], strict=True)
    ]
    found = rejoined(bag_of(arrays), wrong)
    pairs = {(one.gamma, one.beta) for one in found}
    # Nothing takes what the last norm makes: its pair is what is left over.
    assert pairs == {(one.gamma, one.beta) for one in placed}


def test_no_pair_stands_behind_the_kernel_that_takes_it() -> None:
    arrays, placed = network(11, 3, 24)
    taken_by = {one.gamma: after.mean for one, after in pairwise(placed)}
    found = rejoined(bag_of(arrays), placed)
    assert all(taken_by.get(one.gamma) != one.mean for one in found)


def test_every_vector_is_used_once_and_statistics_stay() -> None:
    arrays, placed = network(5, 4, 16)
    found = rejoined(bag_of(arrays), placed)
    assert sorted(one.gamma for one in found) == sorted(one.gamma for one in placed)
    assert sorted(one.beta for one in found) == sorted(one.beta for one in placed)
    assert [(one.mean, one.variance, one.body) for one in found] == [(o.mean, o.variance, o.body) for o in placed]


def test_one_norm_is_left_alone() -> None:
    arrays, placed = network(5, 1, 16)
    assert rejoined(bag_of(arrays), placed) == placed
