"""Paddings and map sizes from stored means: maps are made, convolved and averaged in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from tests.recover.geometry.nets import draft, setting

from regraft.blueprint import LayerSpec
from regraft.layers import build
from regraft.moments.norms import Norm
from regraft.recover.draft import Hints
from regraft.recover.geometry import fit
from regraft.recover.geometry.borders import before_relu, borders, coarse

CHANNELS = 24


def padded_mean(kernel: np.ndarray, mean: np.ndarray, side: int, padding: str) -> np.ndarray:
    """The mean of a convolution over a map of constant channels, position by position."""
    margin = 1 if padding == "same" else 0
    inside = np.pad(np.ones((side, side)), margin)
    total = np.zeros(kernel.shape[-1])
    places = inside.shape[0] - 2
    for y in range(places):
        for x in range(places):
            window = inside[y : y + 3, x : x + 3]
            total += np.einsum("hw,hwio,i->o", window, kernel, mean)
    return total / places**2


def net(padding: str, side: int) -> list:
    """BatchNorm, ReLU, 3x3 convolution, BatchNorm, whose means are those of a map of this side."""
    rng = np.random.default_rng(side)
    beta, gamma = rng.normal(0.6, 0.6, 16), rng.uniform(0.3, 1.0, 16)
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    entering = (np.maximum(beta[:, None] + gamma[:, None] * nodes, 0) * weights).sum(1) / weights.sum()
    kernel = rng.normal(0.05, 0.25, (3, 3, 16, CHANNELS))
    mean = padded_mean(kernel, entering, side, padding)
    first = {
        "gamma": gamma,
        "beta": beta,
        "moving_mean": rng.normal(size=16),
        "moving_variance": rng.uniform(0.5, 2, 16),
    }
    second = {
        "gamma": np.ones(CHANNELS),
        "beta": np.zeros(CHANNELS),
        "moving_mean": mean + rng.normal(0, 0.02, CHANNELS),
        "moving_variance": np.full(CHANNELS, 1.0),
    }
    settings = {"filters": CHANNELS, "kernel_size": (3, 3), "use_bias": False}
    return [
        ("map", "InputLayer", {}, {}),
        ("before", "BatchNormalization", {}, first),
        ("relu", "ReLU", {}, {}),
        ("conv", "Conv2D", settings, {"kernel": kernel}),
        ("after", "BatchNormalization", {}, second),
        ("mean", "GlobalAveragePooling2D", {}, {}),
    ]


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_stored_means_tell_padding(padding: str) -> None:
    best = fit(draft(net(padding, 9)), Hints(((9, 9, 16),)))[0]
    assert setting(best, "conv.padding") == padding
    assert {c.subject: c.label for c in best.choices}["conv.padding"] == "supported"


@pytest.mark.parametrize("side", [5, 8, 13])
def test_stored_means_tell_the_size_of_a_map(side: int) -> None:
    made = draft(net("same", side))
    site = borders(made.blueprint, made.grouping.tree).sites["conv"]
    layer = build(LayerSpec("conv", "Conv2D", {"filters": 4, "kernel_size": (3, 3), "padding": "same"}))
    prices = {n: site.price(layer, (n, n)) for n in (3, 5, 8, 13, 28)}
    assert min(prices, key=prices.__getitem__) == side


def test_never_trained_statistics_say_nothing() -> None:
    rows = net("same", 9)
    for _, kind, _, arrays in rows:
        if kind == "BatchNormalization":
            arrays["moving_mean"], arrays["moving_variance"] = (
                0 * arrays["moving_mean"],
                1 + 0 * arrays["moving_variance"],
            )
    made = draft(rows)
    assert not borders(made.blueprint, made.grouping.tree).sites


def test_before_relu_is_the_inverse_of_relu() -> None:
    rng = np.random.default_rng(1)
    mean, sd = np.array([-0.8, 0.1, 1.5]), np.array([0.9, 0.5, 0.7])
    after = np.maximum(rng.normal(mean, sd, (400_000, 3)), 0)
    ones = np.ones(3)
    stored = Norm(ones, 0 * ones, after.mean(0), after.var(0), 1e-3, ones > 0)
    found = before_relu(stored)
    assert found.mean == pytest.approx(mean, abs=0.02)
    assert found.sd == pytest.approx(sd, abs=0.02)


def test_large_sides_are_told_apart_coarsely() -> None:
    assert [coarse(n) for n in (7, 24, 61, 10_000, None)] == [7, 24, 60, None, None]
