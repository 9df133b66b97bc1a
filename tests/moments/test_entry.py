from __future__ import annotations

import numpy as np
import pytest
from tests.moments.blueprints import chain
from tests.moments.forward import batch_norm, conv2d

from regraft.moments.entry import entries

BN = "BatchNormalization"
CONV = {"filters": 24, "kernel_size": (3, 3), "padding": "same"}


def images(channels: int, seed: int = 0) -> np.ndarray:
    """Smooth random images in [0, 1], as photographs are, with more in the first channels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 24, 24, channels))
    for axis in (1, 2):
        for _ in range(6):
            x = x + np.roll(x, 1, axis)
    x = (x - x.mean()) / x.std() * 0.18
    return np.clip(x + np.linspace(0.5, 0.35, channels), 0, 1)


def entry_of(x: np.ndarray, seed: int = 1):
    rng = np.random.default_rng(seed)
    kernel, bias = rng.normal(size=(3, 3, x.shape[-1], 24)), rng.normal(size=24)
    out = conv2d(x, kernel, pad=((1, 1), (1, 1))) + bias
    net = chain(x.shape[1:], ("conv", "Conv2D", CONV), ("drop", "Dropout", {"rate": 0.1}), ("norm", BN, {}))
    statistics = batch_norm(out, np.ones(24), np.zeros(24))[1]
    (entry,) = entries(net, {"conv": {"kernel": kernel, "bias": bias}, "norm": statistics})
    return entry


CAFFE = np.array([0.40, 0.43, 0.48])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x, "scaled to [0, 1]"),
        (lambda x: 2 * x - 1, "scaled to [-1, 1]"),
        (lambda x: 255 * x, "0 to 255"),
        (lambda x: (x - x.mean((0, 1, 2))) / x.std((0, 1, 2)), "standardised"),
        (lambda x: 255 * (x - x.mean((0, 1, 2))) / x.std() * 0.26, "mean subtracted"),
        (lambda x: 1e4 * x + 5e4, "no usual scaling"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_usual_scalings_are_named(change, words: str, channels: int) -> None:
    x = change(images(channels))
    entry = entry_of(x)
    assert entry.layer == "conv"
    assert entry.input == "input"
    assert words in entry.words.split(": mean")[0]
    assert " or " not in entry.words.split(": mean")[0]
    np.testing.assert_allclose(entry.mean, x.mean((0, 1, 2)), atol=0.05 * x.std())
    assert entry.misfit < 0.05
    assert entry.scale is not None
    assert entry.scale.sd == pytest.approx(x.std(), rel=0.5)


def test_the_brightest_channel_is_named() -> None:
    assert "first channel is the brightest" in entry_of(images(3)).words
    assert "last channel is the brightest" in entry_of(images(3)[..., ::-1]).words
    assert "brightest" not in entry_of(images(1)).words


def test_one_hot_letters() -> None:
    rng = np.random.default_rng(4)
    letters = np.eye(4)[rng.choice(4, size=(200, 30, 1), p=[0.3, 0.2, 0.2, 0.3])]
    assert entry_of(letters).words.startswith("one-hot inputs")


def test_statistics_on_the_input_itself() -> None:
    statistics = {"moving_mean": np.array([0.1, -0.1]), "moving_variance": np.array([1.1, 0.9])}
    (entry,) = entries(chain((5, 2), ("norm", BN, {}), ("d", "Dense", {"units": 3})), {"norm": statistics})
    assert entry.layer == "norm"
    assert entry.r2 == 1.0
    np.testing.assert_allclose(entry.mean, [0.1, -0.1])
    assert "standardised" in entry.words


def test_noise_explains_nothing_and_that_is_said() -> None:
    rng = np.random.default_rng(9)
    net = chain((24, 24, 3), ("conv", "Conv2D", CONV), ("norm", BN, {}))
    statistics = {"moving_mean": rng.normal(size=24), "moving_variance": np.ones(24)}
    (entry,) = entries(net, {"conv": {"kernel": rng.normal(size=(3, 3, 3, 24))}, "norm": statistics})
    assert entry.r2 < 0.5
    assert "cannot be told" in entry.words


def test_more_inputs_than_equations() -> None:
    rng = np.random.default_rng(9)
    net = chain((40,), ("d", "Dense", {"units": 24}), ("norm", BN, {}))
    statistics = {"moving_mean": rng.normal(size=24), "moving_variance": np.ones(24)}
    (entry,) = entries(net, {"d": {"kernel": rng.normal(size=(40, 24))}, "norm": statistics})
    assert entry.mean is None
    assert "too many" in entry.words


@pytest.mark.parametrize(
    "layers",
    [
        (("conv", "Conv2D", {**CONV, "activation": "relu"}), ("norm", BN, {})),
        (("conv", "Conv2D", CONV), ("act", "Activation", {"activation": "relu"}), ("norm", BN, {})),
    ],
)
def test_behind_an_activation_nothing_is_linear(layers) -> None:
    rng = np.random.default_rng(9)
    statistics = {"moving_mean": rng.normal(size=24), "moving_variance": np.ones(24)}
    net = chain((24, 24, 3), *layers)
    assert entries(net, {"conv": {"kernel": rng.normal(size=(3, 3, 3, 24))}, "norm": statistics}) == ()


def test_a_norm_that_was_never_trained_is_left_out() -> None:
    net = chain((5, 2), ("norm", BN, {}))
    assert entries(net, {"norm": {"moving_mean": np.zeros(2), "moving_variance": np.ones(2)}}) == ()
