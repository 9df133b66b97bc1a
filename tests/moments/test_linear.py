from __future__ import annotations

import numpy as np
import pytest
from tests.moments.forward import conv2d, measured

from regraft.moments.borders import window_shares
from regraft.moments.linear import linear

RNG = np.random.default_rng(3)


def constant_map(mean: np.ndarray, h: int, w: int) -> np.ndarray:
    return np.broadcast_to(mean, (1, h, w, len(mean)))


@pytest.mark.parametrize(
    ("size", "padding", "pad", "stride", "dilation"),
    [
        ((7, 9), "valid", ((0, 0), (0, 0)), 1, 1),
        ((7, 9), "same", ((1, 1), (2, 2)), 1, 1),
        ((7, 9), "same", ((2, 2), (4, 4)), 1, 2),
        ((8, 10), "same", ((0, 1), (1, 2)), 2, 1),
    ],
)
def test_the_mean_through_a_convolution_is_exact(size, padding, pad, stride, dilation) -> None:
    kernel, bias, mean = RNG.normal(size=(3, 5, 4, 6)), RNG.normal(size=6), RNG.normal(size=4)
    layer = linear("Conv2D", {"kernel": kernel, "bias": bias})
    assert layer is not None
    shares = window_shares((3, 5), size, padding, stride, dilation)
    real = conv2d(constant_map(mean, *size), kernel, pad=pad, stride=stride, dilation=dilation) + bias
    np.testing.assert_allclose(layer.mean(mean, shares), real.mean((0, 1, 2)))
    np.testing.assert_allclose(layer.means_of_shares(mean, shares[None])[0], real.mean((0, 1, 2)))


def test_many_hypotheses_are_one_call() -> None:
    layer = linear("Conv2D", {"kernel": RNG.normal(size=(3, 3, 4, 6))})
    assert layer is not None
    means = RNG.normal(size=(5, 2, 4))
    assert layer.mean(means).shape == (5, 2, 6)
    np.testing.assert_allclose(layer.mean(means)[3, 1], layer.mean(means[3, 1]))


def test_the_variance_is_exact_for_independent_inputs() -> None:
    kernel = RNG.normal(size=(3, 2, 4, 6))
    sd, mean = np.array([0.5, 1.0, 2.0, 0.1]), np.zeros(4)
    x = RNG.normal(size=(40, 30, 30, 4)) * sd + mean
    layer = linear("Conv2D", {"kernel": kernel})
    assert layer is not None
    np.testing.assert_allclose(layer.variance(sd**2), measured(conv2d(x, kernel))[1], rtol=0.06)


def test_dense() -> None:
    kernel, bias = RNG.normal(size=(4, 6)), RNG.normal(size=6)
    layer = linear("Dense", {"kernel": kernel, "bias": bias})
    assert layer is not None
    assert (layer.taps, layer.cin, layer.cout) == ((), 4, 6)
    np.testing.assert_allclose(layer.mean(np.arange(4.0)), np.arange(4.0) @ kernel + bias)
    np.testing.assert_allclose(layer.variance(np.ones(4)), (kernel**2).sum(0))


def test_a_depthwise_kernel_keeps_channels_apart() -> None:
    kernel, mean = RNG.normal(size=(3, 3, 4, 2)), RNG.normal(size=4)
    layer = linear("DepthwiseConv2D", {"kernel": kernel})
    assert layer is not None
    assert (layer.cin, layer.cout) == (4, 8)
    shares = window_shares((3, 3), (5, 7))
    expected = np.concatenate(
        [conv2d(constant_map(mean[c : c + 1], 5, 7), kernel[:, :, c : c + 1], pad=((1, 1), (1, 1))).mean((0, 1, 2))
         for c in range(4)]
    )  # fmt: skip
    np.testing.assert_allclose(layer.mean(mean, shares), expected)
    np.testing.assert_allclose(layer.means_of_shares(mean, shares[None])[0], expected)


def test_a_separable_layer_is_its_two_convolutions() -> None:
    deep, point, bias = RNG.normal(size=(3, 3, 4, 2)), RNG.normal(size=(1, 1, 8, 5)), RNG.normal(size=5)
    layer = linear("SeparableConv2D", {"depthwise_kernel": deep, "pointwise_kernel": point, "bias": bias})
    first = linear("DepthwiseConv2D", {"kernel": deep})
    assert layer is not None
    assert first is not None
    mean, shares = RNG.normal(size=4), window_shares((3, 3), (6, 5))
    np.testing.assert_allclose(layer.mean(mean, shares), first.mean(mean, shares) @ point[0, 0] + bias)
    np.testing.assert_allclose(layer.means_of_shares(mean, shares[None])[0], layer.mean(mean, shares))
    np.testing.assert_allclose(layer.variance(mean**2, shares), first.variance(mean**2, shares) @ point[0, 0] ** 2)


def test_groups_read_their_own_channels() -> None:
    kernel, mean = RNG.normal(size=(3, 2, 6)), RNG.normal(size=4)  # two groups of two channels, three filters each
    layer = linear("Conv1D", {"kernel": kernel}, groups=2)
    assert layer is not None
    assert layer.cin == 4
    total = kernel.sum(0)
    expected = np.concatenate([mean[:2] @ total[:, :3], mean[2:] @ total[:, 3:]])
    np.testing.assert_allclose(layer.mean(mean), expected)
    np.testing.assert_allclose(layer.means_of_shares(mean, np.ones((1, 3)))[0], expected)


def test_a_transposed_kernel_has_its_channels_the_other_way_round() -> None:
    kernel, mean = RNG.normal(size=(3, 3, 6, 4)), RNG.normal(size=4)  # kh kw cout cin
    layer = linear("Conv2DTranspose", {"kernel": kernel})
    assert layer is not None
    assert (layer.cin, layer.cout) == (4, 6)
    np.testing.assert_allclose(layer.mean(mean), kernel.sum((0, 1)) @ mean)


@pytest.mark.parametrize("kind", ["Conv3D", "Conv1D"])
def test_other_ranks(kind: str) -> None:
    rank = int(kind[4])
    layer = linear(kind, {"kernel": np.ones((*(3, 2, 5)[:rank], 4, 6))})
    assert layer is not None
    assert layer.taps == (3, 2, 5)[:rank]


@pytest.mark.parametrize("kind", ["LSTM", "BatchNormalization", "ConvLSTM2D", "Embedding"])
def test_other_types_are_not_linear(kind: str) -> None:
    assert linear(kind, {"kernel": np.ones((3, 3, 2, 8))}) is None


def test_a_missing_kernel() -> None:
    assert linear("Dense", {}) is None
    assert linear("SeparableConv2D", {"depthwise_kernel": np.ones((3, 3, 2, 1))}) is None
