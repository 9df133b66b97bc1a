from __future__ import annotations

import numpy as np
import pytest

from regraft.moments.borders import axis_shares, padding_before, spread_shares, window_shares


@pytest.mark.parametrize(
    ("taps", "size", "padding", "stride", "dilation", "expected"),
    [
        (3, 10, "same", 1, 1, [0.9, 1, 0.9]),
        (5, 10, "same", 1, 1, [0.8, 0.9, 1, 0.9, 0.8]),
        (3, 10, "same", 1, 4, [0.6, 1, 0.6]),
        (3, 10, "valid", 1, 1, [1, 1, 1]),
        (3, None, "same", 1, 1, [1, 1, 1]),
        (2, 10, "same", 1, 1, [1, 0.9]),  # TensorFlow puts the odd zero at the end
        (3, 10, "causal", 1, 1, [0.8, 0.9, 1]),
        (3, 8, "same", 2, 1, [1, 1, 0.75]),  # no zero in front, one behind
        (3, 9, "same", 2, 1, [0.8, 1, 0.8]),
        (3, 8, (1, 1), 2, 1, [0.75, 1, 1]),  # a padding layer puts one on both ends, of which one is not reached
        (1, 7, "same", 1, 1, [1]),
    ],
)
def test_shares_of_an_axis(taps, size, padding, stride, dilation, expected) -> None:
    np.testing.assert_allclose(axis_shares(taps, size, padding, stride, dilation), expected)


@pytest.mark.parametrize("size", [5, 6, 11])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("taps", [2, 3, 4])
def test_shares_are_what_ones_see(taps: int, size: int, stride: int) -> None:
    window = taps
    before, after = padding_before(size, window, stride, "same")
    padded = np.pad(np.ones(size), (before, after))
    count = -(-size // stride)
    seen = [[padded[i * stride + t] for t in range(taps)] for i in range(count)]
    np.testing.assert_allclose(axis_shares(taps, size, "same", stride), np.mean(seen, axis=0))


def test_axes_multiply_and_may_differ() -> None:
    shares = window_shares((3, 1, 2), (10, None, 4), ["same", "same", (1, 0)], (1, 1, 1), 1)
    assert shares.shape == (3, 1, 2)
    np.testing.assert_allclose(shares[:, 0, 0], [0.9 * 0.75, 0.75, 0.9 * 0.75])
    np.testing.assert_allclose(shares[:, 0, 1], [0.9, 1, 0.9])


@pytest.mark.parametrize(
    ("taps", "size", "length", "cut", "stride", "expected"),
    [
        (2, 5, 10, 0, 2, [0.5, 0.5]),
        (3, 5, 10, 0, 2, [0.5, 0.5, 0.4]),  # "same": 11 in full, the last cut off
        (4, 5, 10, 1, 2, [0.4, 0.5, 0.5, 0.4]),
        (3, None, None, 0, 2, [0.5, 0.5, 0.5]),
    ],
)
def test_shares_of_a_transposed_axis(taps, size, length, cut, stride, expected) -> None:
    np.testing.assert_allclose(spread_shares(taps, size, length, cut, stride, 1), expected)


def test_shares_cannot_be_changed_by_a_caller() -> None:
    with pytest.raises(ValueError, match="read-only"):
        axis_shares(3, 10)[0] = 5
