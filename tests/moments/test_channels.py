from __future__ import annotations

import numpy as np
import pytest

from regraft.moments.channels import agreement, correlation, entering, leaving, nats, rows_by_channel

RNG = np.random.default_rng(2)
SIZES = RNG.uniform(0.2, 3.0, 16)


def kernel_into(sizes: np.ndarray, *shape: int) -> np.ndarray:
    """A kernel whose output channels have these norms."""
    kernel = RNG.normal(size=(*shape, len(sizes)))
    return kernel / np.sqrt((kernel**2).sum(tuple(range(kernel.ndim - 1)))) * sizes


def kernel_from(sizes: np.ndarray, *shape: int, cout: int = 7) -> np.ndarray:
    """A kernel whose input channels have these norms."""
    kernel = RNG.normal(size=(*shape, len(sizes), cout))
    axes = (*range(len(shape)), kernel.ndim - 1)
    return kernel / np.sqrt((kernel**2).sum(axes, keepdims=True)) * sizes[:, None]


@pytest.mark.parametrize(
    ("kind", "arrays"),
    [
        ("Dense", {"kernel": kernel_into(SIZES, 5)}),
        ("Conv2D", {"kernel": kernel_into(SIZES, 3, 2, 5)}),
        ("Conv2DTranspose", {"kernel": np.swapaxes(kernel_into(SIZES, 3, 2, 5), -1, -2)}),
        ("Embedding", {"embeddings": kernel_into(SIZES, 9)}),
        ("BatchNormalization", {"gamma": SIZES, "beta": np.zeros(16)}),
        ("DepthwiseConv2D", {"kernel": kernel_into(SIZES, 3, 3).reshape(3, 3, 8, 2)}),
        (
            "SeparableConv1D",
            {"depthwise_kernel": np.ones((1, 5, 1)), "pointwise_kernel": kernel_into(SIZES, 5)[None]},
        ),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_norms_that_leave(kind: str, arrays: dict) -> None:
    np.testing.assert_allclose(leaving(kind, arrays), SIZES)


def test_a_bias_counts_as_one_more_row() -> None:
    found = leaving("Dense", {"kernel": kernel_into(SIZES, 5), "bias": np.full(16, 2.0)})
    np.testing.assert_allclose(found, np.sqrt(SIZES**2 + 4))


@pytest.mark.parametrize(
    ("kind", "arrays"),
    [
        ("Dense", {"kernel": kernel_from(SIZES)}),
        ("Conv3D", {"kernel": kernel_from(SIZES, 2, 3, 2)}),
        ("LSTM", {"kernel": kernel_from(SIZES, cout=12)}),
        ("Conv1DTranspose", {"kernel": np.swapaxes(kernel_from(SIZES, 3), -1, -2)}),
        ("DepthwiseConv1D", {"kernel": kernel_from(SIZES, 3)}),
        (
            "SeparableConv1D",
            {"depthwise_kernel": np.ones((1, 16, 1)), "pointwise_kernel": kernel_from(SIZES)[None]},
        ),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_norms_that_enter(kind: str, arrays: dict) -> None:
    np.testing.assert_allclose(entering(kind, arrays), SIZES)


def test_units_of_a_recurrent_layer_have_a_column_in_every_gate() -> None:
    kernel, own = RNG.normal(size=(5, 12)), RNG.normal(size=(3, 12))
    found = leaving("LSTM", {"kernel": kernel, "recurrent_kernel": own, "bias": np.zeros(12)})
    both = np.concatenate([kernel, own])
    np.testing.assert_allclose(found, [np.sqrt((both[:, j::3] ** 2).sum()) for j in range(3)])


def test_both_directions_of_a_bidirectional_layer() -> None:
    half = {"kernel": RNG.normal(size=(5, 12)), "recurrent_kernel": RNG.normal(size=(3, 12))}
    arrays = {
        f"{part}/{name}": a * scale for part, scale in (("forward", 1), ("backward", 2)) for name, a in half.items()
    }
    one = leaving("LSTM", half)
    assert one is not None
    np.testing.assert_allclose(leaving("Bidirectional", arrays), np.concatenate([one, 2 * one]))
    np.testing.assert_allclose(entering("Bidirectional", arrays), np.sqrt(5) * np.sqrt((half["kernel"] ** 2).sum(1)))


@pytest.mark.parametrize("kind", ["Dropout", "LayerNormalization", "Dense"])
def test_layers_that_say_nothing(kind: str) -> None:
    assert leaving(kind, {}) is None
    assert entering(kind, {}) is None


def test_connected_kernels_agree_and_others_do_not() -> None:
    first = kernel_into(SIZES, 3, 3, 5)
    assert agreement(first, kernel_from(SIZES, 3, 3)) == pytest.approx(1.0)
    assert agreement(first, kernel_from(SIZES[::-1].copy(), 3, 3)) < 0.6
    assert agreement(first, kernel_from(1 / SIZES)) == pytest.approx(-1.0)
    assert np.isnan(agreement(first, kernel_from(SIZES[:15])))


@pytest.mark.parametrize("last", [True, False])
def test_the_rows_behind_a_flatten_tell_its_order(last: bool) -> None:
    sizes = np.tile(SIZES, 6) if last else np.repeat(SIZES, 6)
    rows = entering("Dense", {"kernel": kernel_from(sizes)})
    assert rows is not None
    right, wrong = rows_by_channel(rows, 16, last=last), rows_by_channel(rows, 16, last=not last)
    assert right is not None
    assert wrong is not None
    assert correlation(SIZES, right) == pytest.approx(1.0)
    assert correlation(SIZES, wrong) < 0.9
    assert rows_by_channel(rows, 17) is None


def test_many_rivals_are_one_call() -> None:
    rivals = RNG.normal(size=(5, 16))
    found = correlation(rivals, SIZES)
    assert found.shape == (5,)
    assert found[3] == pytest.approx(float(correlation(rivals[3], SIZES)))


def test_correlation_is_that_of_ranks() -> None:
    assert correlation(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 10.0, 1e3, 1e6])) == pytest.approx(1.0)
    assert correlation(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 4.0, 3.0])) == pytest.approx(0.6)
    assert correlation(np.ones(4), np.arange(4.0)) == 0.0


def test_costs() -> None:
    low, nothing, some, high = nats(np.array([-0.3, 0.0, 0.4, 0.9]), 64)
    assert 0 < nothing < 0.5
    assert 0 < low < 0.5
    assert -3 < some < 0
    assert -4.5 < high < some
    assert nats(0.6, 8) > nats(0.6, 200)
    assert nats(np.nan, 64) == 0
