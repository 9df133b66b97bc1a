"""Differences, limits and verdicts on made-up tensors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.verify.subjects import chain, layer

from regraft.verify.compare import Comparison, agreement
from regraft.verify.difference import blocks, difference
from regraft.verify.precision import FLOAT32_STEP, MARGIN
from regraft.verify.subject import Spot

NAN, INF = np.nan, np.inf
MODEL = chain(layer("a"), layer("b"))
A, B = Spot(("a",), (0,)), Spot(("b",), (0,))


@pytest.mark.parametrize(
    ("ours", "theirs", "error", "words"),
    [
        ([1.0, -4.0], [1.0, -4.0], 0.0, ""),
        ([1.0, -3.0], [1.0, -4.0], 0.25, ""),
        ([0.0, 0.0], [0.0, 0.0], 0.0, ""),
        ([1.0, NAN], [1.0, NAN], 0.0, "NaN or infinite at the same 1 places on both sides"),
        ([1.0, NAN], [2.0, NAN], 0.5, "NaN or infinite at the same 1 places on both sides"),
        ([INF, 1.0], [INF, 1.0], 0.0, "NaN or infinite at the same 1 places on both sides"),
        ([INF, 1.0], [-INF, 1.0], INF, "1 NaN or infinite numbers, in Keras 1"),
        ([1.0, NAN], [1.0, 2.0], INF, "1 NaN or infinite numbers, in Keras 0"),
        ([1.0, 2.0], [NAN, 2.0], INF, "0 NaN or infinite numbers, in Keras 1"),
        ([1.0], [1.0, 1.0], INF, "shape (1,), in Keras (2,)"),
        ([], [], 0.0, ""),
        ([1e-12, 0.0], [0.0, 0.0], 1e-12, ""),  # nothing to be relative to
    ],
)
def test_difference(ours: list[float], theirs: list[float], error: float, words: str) -> None:
    found = difference(np.array(ours), np.array(theirs))
    assert (found.error, found.note) == (error, words)


@given(
    arrays.arrays(np.float64, (3, 5), elements=st.floats(-1e6, 1e6, allow_subnormal=False)),
    st.integers(0, 14),
    st.floats(1e-6, 1e3),
    st.floats(1e-3, 1e3),
)
def test_one_wrong_number_is_found_and_scale_does_not_matter(
    base: np.ndarray, at: int, step: float, scale: float
) -> None:
    assume(base.any())
    wrong = base.copy()
    wrong.flat[at] += step * max(1.0, np.abs(base).max())
    error = difference(wrong, base).error
    assert error >= step * 0.99
    assert difference(wrong * scale, base * scale).error == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("shape", [(), (7,), (300_000,), (2, 70_001, 3), (3, 5, 40_000), (2, 3, 4, 9000, 3), (0, 4)])
def test_blocks_cover_an_array_once(shape: tuple[int, ...]) -> None:
    counts = np.zeros(shape)
    sizes = [counts[place].size for place in blocks(shape)]
    for place in blocks(shape):
        counts[place] += 1
    assert (counts == 1).all()
    assert max(sizes, default=0) <= 1 << 17
    assert len(sizes) <= 2 + counts.size / 1000, "no loop over small pieces"


@pytest.mark.parametrize("place", [0, 99_999, 140_000, 299_999])
def test_a_large_array_is_compared_everywhere(place: int) -> None:
    theirs = np.random.default_rng(5).standard_normal((3, 50_000, 2)).astype("float32")
    ours = np.ascontiguousarray(theirs.transpose(2, 0, 1))
    ours[place % 2, place // 100_000, place // 2 % 50_000] += 8.0
    assert difference(ours.transpose(1, 2, 0), theirs).error == pytest.approx(8.0 / np.abs(theirs).max(), rel=1e-6)


def test_float32_numbers_whose_difference_is_none() -> None:
    assert difference(np.array([3e38], "float32"), np.array([-3e38], "float32")).error == pytest.approx(2.0)


def test_argmax_agreement_counts_rows() -> None:
    theirs = np.eye(3)
    ours = theirs[[0, 1, 1]]
    assert agreement(ours, theirs) == "argmax agrees in 2 of 3"
    assert not agreement(ours[:, :1], theirs[:, :1])


def seen(error64: float, error32: float, noise: float | None) -> Comparison:
    """A comparison in which the largest value of both tensors is 1 and ``a`` has the given errors."""
    one = np.array([1.0, 0.5])
    comparison = Comparison()
    for spot, wide, narrow in ((A, error64, error32), (B, 0.0, 0.0)):
        comparison.see(spot, one + np.array([0, wide]), one, wide=True)
        comparison.see(spot, one + np.array([0, narrow]), one, wide=False)
        if noise is not None:
            comparison.noise(spot, noise if spot == A else 0.0)
    return comparison


@pytest.mark.parametrize(
    ("error64", "error32", "noise", "ok"),
    [
        (9e-11, 1e-7, 1e-8, True),
        (2e-10, 1e-7, 1e-8, False),  # beyond the float64 gate
        (0.0, 1.5e-6, 1e-8, True),  # 8 x 2e-7 is allowed at least
        (0.0, 1.7e-6, 1e-8, False),
        (0.0, 7e-5, 1e-5, True),  # Keras itself is off by 1e-5
        (0.0, 9e-5, 1e-5, False),
        (0.0, 1e-4, None, True),  # no float64 to compare with
        (0.0, 3e-4, None, False),
    ],
)
def test_gates(error64: float, error32: float, noise: float | None, ok: bool) -> None:
    first, second = seen(error64, error32, noise).checks(MODEL)
    assert (first.layer, first.ok, second.ok) == ("a", ok, True)


def test_the_float32_error_that_reaches_a_layer_counts_as_its_own() -> None:
    """The last tensor of a deep network may be exact by luck."""
    one = np.array([1.0])
    comparison = Comparison()
    comparison.noise(A, 1e-5)
    comparison.noise(B, 0.0)
    comparison.see(B, one * (1 + 5e-5), one, wide=False)
    (check,) = comparison.checks(MODEL)
    assert check.ok
    assert check.limit32 == pytest.approx(MARGIN * 1e-5)
    assert check.limit32 > MARGIN * FLOAT32_STEP


def test_checks_come_in_graph_order_and_outputs_last() -> None:
    comparison = Comparison()
    out = Spot(("(output 1)",), (0,))
    for spot in (out, B, A):
        comparison.see(spot, np.ones((2, 3)), np.ones((2, 3)), wide=True)
    comparison.fail(B, "the emitted module raised RuntimeError")
    checks = comparison.checks(MODEL, [(out, B)])
    assert [(c.layer, c.type, c.ok) for c in checks] == [
        ("a", "Activation", True),
        ("b", "Activation", False),
        ("(output 1)", "output", True),
    ]
