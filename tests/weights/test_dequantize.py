from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regraft.weights import dequantize


def pack(values: np.ndarray, axis: int) -> np.ndarray:
    """Two 4-bit numbers a byte along an axis, the first one low: as keras.quantizers.pack_int4 does."""
    values = np.moveaxis(values, axis, 0)
    if len(values) % 2:
        values = np.concatenate([values, np.zeros_like(values[:1])])
    packed = (values[::2] & 0x0F) | (values[1::2] << 4)
    return np.moveaxis(packed.astype(values.dtype), 0, axis)


@pytest.mark.parametrize("axis", [0, -1])
@given(data=st.data())
def test_unpack_undoes_packing(axis: int, data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    signed = data.draw(arrays("i1", shape, elements=st.integers(-8, 7)))
    unsigned = (signed + 8).astype("u1")
    for values, is_signed in ((signed, True), (unsigned, False)):
        found = dequantize.unpack(pack(values, axis), axis, shape[axis], signed=is_signed)
        np.testing.assert_array_equal(found, values)


def test_one_scale_a_channel_divides() -> None:
    found = dequantize.per_channel(np.array([[127, -50], [2, 7]], "i1"), np.array([2, 10], "f4"))
    np.testing.assert_array_equal(found, np.array([[63.5, -5], [1, 0.7]], "f4"))


def test_groups_multiply_after_the_zero_point() -> None:
    quantised = np.array([[1, 2], [3, 4], [5, 6]], "i1")
    scale, zero = np.array([[10, 100], [1000, 1]], "f4"), np.array([[1, 0], [-1, 6]], "i1")
    found = dequantize.grouped(quantised, scale, zero, np.array([1.0, 0, 1]), 0)
    np.testing.assert_array_equal(found, [[2000, -4], [20, 400], [6000, 0]])


@pytest.mark.parametrize("group", [[0, 1, 2], [-1, 0, 1], [0, 1], [np.nan, 0, 0]])
def test_groups_that_do_not_exist(group: list[float]) -> None:
    ones = np.ones((2, 2), "f4")
    with pytest.raises(ValueError, match="does not exist"), np.errstate(invalid="ignore"):
        dequantize.grouped(np.ones((3, 2), "i1"), ones, ones, np.array(group), 0)


@pytest.mark.parametrize(
    ("values", "expected"), [([0x77, -1], False), ([0x08], True), ([-128], True), ([-120], True), ([0x17, 0x79], False)]
)
def test_a_half_byte_of_minus_eight_shows_int8(values: list[int], expected: bool) -> None:
    assert dequantize.shows_int8(np.array(values, "i1")) == expected


@pytest.mark.parametrize(
    ("values", "axes", "expected"),
    [
        ([[127, 3], [0, -127]], (1,), True),
        ([[127, 3], [0, 126]], (1,), False),
        ([[127, 0], [1, 0]], (1,), True),
        ([[127, 0], [1, 0]], (0,), False),
        ([[-128, 127]], (1,), False),
    ],
)
def test_channels_reach_127(values: list[list[int]], axes: tuple[int, ...], expected: bool) -> None:
    assert dequantize.fills_int8(np.array(values, "i1"), axes) == expected
