from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.moments.blueprints import chain
from tests.moments.forward import batch_norm, conv2d, measured

from regraft.blueprint import Blueprint
from regraft.moments.moment import Moments
from regraft.moments.selfcheck import check

BN = "BatchNormalization"
CONV = {"filters": 12, "kernel_size": (3, 3), "padding": "valid", "use_bias": False}
Arrays = dict[str, dict[str, np.ndarray]]


def run(kernels: dict[str, np.ndarray], norms: dict[str, Any], x: np.ndarray) -> tuple[Arrays, dict[str, Moments]]:
    """Four blocks ``conv, norm, relu``: the variables with true statistics, and what reaches each norm."""
    arrays: Arrays = {name: {"kernel": kernel} for name, kernel in kernels.items()}
    reached: dict[str, Moments] = {}
    for i in range(1, 5):
        y = conv2d(x, kernels[f"c{i}"])
        reached[f"n{i}"] = Moments(*measured(y))
        y, arrays[f"n{i}"] = batch_norm(y, *norms[f"n{i}"])
        x = np.maximum(y, 0)
    return arrays, reached


def weights(seed: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    rng = np.random.default_rng(seed)
    shapes = {"c1": (3, 3, 3, 12), **{f"c{i}": (3, 3, 12, 12) for i in (2, 3, 4)}}
    kernels = {n: rng.normal(0.02, 1, size=s) / np.sqrt(np.prod(s[:3])) for n, s in shapes.items()}
    norms = {f"n{i}": (rng.uniform(0.5, 1.5, 12), rng.normal(0.0, 0.7, 12)) for i in range(1, 5)}
    return kernels, norms


@pytest.fixture(scope="module")
def case() -> tuple[Blueprint, Arrays]:
    kernels, norms = weights(3)
    arrays, _ = run(kernels, norms, np.random.default_rng(4).normal(size=(30, 20, 20, 3)))
    layers = [
        layer
        for i in range(1, 5)
        for layer in ((f"c{i}", "Conv2D", CONV), (f"n{i}", BN, {}), (f"a{i}", "Activation", {"activation": "relu"}))
    ]
    return chain((20, 20, 3), *layers), arrays


def changed(net: Blueprint, layer: str, **settings: Any) -> Blueprint:
    layers = tuple(replace(s, config={**s.config, **settings}) if s.name == layer else s for s in net.layers)
    return replace(net, layers=layers)


def without(net: Blueprint, layer: str) -> Blueprint:
    """The chain with one layer left out."""
    names = {s.name: s for s in net.layers}
    rest = [(s.name, s.type, dict(s.config)) for s in names.values() if s.name not in ("input", layer)]
    return chain((20, 20, 3), *rest)


def test_a_right_network_passes(case) -> None:
    found = check(*case)
    assert [layer.verdict for layer in found.layers] == ["cannot tell", "fits", "fits", "fits"]
    assert found.passed is True
    assert found.rivals == ()
    assert "all 3 BatchNorms that can be predicted (4 in all) agree" in found.summary


def test_a_wrong_activation_is_found_and_named(case) -> None:
    net, arrays = case
    found = check(changed(net, "a2", activation="linear"), arrays)
    assert found.passed is False
    assert {layer.layer: layer.verdict for layer in found.layers}["n3"] == "contradicts"
    assert found.rivals[0].layers == ("a2",)
    assert "relu instead of linear in a2" in found.summary


def test_a_missing_layer_is_found(case) -> None:
    net, arrays = case
    found = check(without(net, "a3"), arrays)
    assert found.passed is False
    assert {layer.layer: layer.verdict for layer in found.layers}["n4"] == "contradicts"


def test_swapped_layers_are_found_and_named(case) -> None:
    net, arrays = case
    found = check(net, {**arrays, "c2": arrays["c3"], "c3": arrays["c2"]})
    assert found.passed is False
    assert found.rivals[0].layers == ("c2", "c3")
    found = check(net, {**arrays, "n2": arrays["n3"], "n3": arrays["n2"]})
    assert found.passed is False


def test_rivals_are_not_asked_for_in_vain(case) -> None:
    net, arrays = case
    found = check(changed(net, "a2", activation="linear"), arrays, look_for_rivals=False)
    assert found.rivals == ()
    assert "of 3 BatchNorms contradict the architecture, first n3" in found.summary


def test_an_activation_that_cannot_give_what_is_stored() -> None:
    # Nothing is known of what enters, but no relu has a negative mean.
    net = chain((8,), ("d", "Dense", {"units": 4, "activation": "relu"}), ("n", BN, {}))
    statistics = {"moving_mean": np.array([1.0, -2.0, 0.5, -1.0]), "moving_variance": np.ones(4)}
    found = check(net, {"d": {"kernel": np.ones((8, 4))}, "n": statistics})
    assert found.layers[0].verdict == "contradicts"
    assert "50% of its channels" in found.layers[0].reason
    assert any("linear instead of relu" in rival.said for rival in found.rivals)


@pytest.mark.parametrize(
    ("layers", "arrays", "summary"),
    [
        ((("d", "Dense", {"units": 4}),), {}, "no BatchNorm"),
        (
            (("n", BN, {}),),
            {"n": {"moving_mean": np.zeros(8), "moving_variance": np.ones(8)}},
            "Nothing could be checked",
        ),
    ],
)
def test_where_nothing_can_be_checked(layers, arrays, summary: str) -> None:
    found = check(chain((8,), *layers), arrays)
    assert found.passed is None
    assert summary in found.summary


# ---- with samples


@pytest.fixture(scope="module")
def sampled() -> tuple[Arrays, Any]:
    kernels, norms = weights(6)
    arrays, _ = run(kernels, norms, np.random.default_rng(8).normal(0.3, 1.0, size=(30, 20, 20, 3)))

    def on(x: np.ndarray) -> dict[str, Moments]:
        """What reaches each norm when the trained network runs on ``x``."""
        reached: dict[str, Moments] = {}
        for i in range(1, 5):
            y = conv2d(x, kernels[f"c{i}"])
            reached[f"n{i}"] = Moments(*measured(y))
            n = arrays[f"n{i}"]
            x = np.maximum((y - n["moving_mean"]) / np.sqrt(n["moving_variance"] + 1e-3) * n["gamma"] + n["beta"], 0)
        return reached

    return arrays, on


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda x: x, "fits"),
        (lambda x: x / 255, "contradicts"),
        (lambda x: x * 8, "contradicts"),
        (lambda x: x + 4, "contradicts"),
    ],
    ids=["right", "divided", "multiplied", "shifted"],
)
def test_a_wrong_preprocessing_shows_on_samples(case, sampled, change, verdict: str) -> None:
    arrays, on = sampled
    found = check(case[0], arrays, on(change(np.random.default_rng(1).normal(0.3, 1.0, size=(6, 20, 20, 3)))))
    assert found.layers[0].verdict == verdict
    assert found.passed is (verdict == "fits")
    assert "samples" in found.summary


def test_samples_that_are_no_numbers(case, sampled) -> None:
    arrays, _ = sampled
    broken = {"n1": (np.full(12, np.nan), np.ones(12))}
    assert "no numbers" in check(case[0], arrays, broken).layers[0].reason


def test_samples_with_other_channels(case, sampled) -> None:
    arrays, _ = sampled
    assert check(case[0], arrays, {"n1": (np.zeros(5), np.ones(5))}).layers[0].verdict == "contradicts"
