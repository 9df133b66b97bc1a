"""Windows: the arithmetic of "same" padding, and its simplest form in PyTorch."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.errors import UnknownLayerError
from regraft.layers import KerasVersion, Reading
from regraft.layers.window import dilated, number, option, padded, same_totals, slid, window_padding

sizes, windows, strides = st.integers(1, 500), st.integers(1, 15), st.integers(1, 8)


@given(n=sizes, window=windows, stride=strides)
def test_same_padding_is_that_of_tensorflow(n: int, window: int, stride: int) -> None:
    # tensorflow/core/framework/common_shape_fns.cc: GetWindowedOutputSizeVerbose
    out = -(-n // stride)
    assert same_totals(n, window, stride) == {max((out - 1) * stride + window - n, 0)}


@given(window=windows, stride=strides)
def test_an_unknown_size_gives_every_total_that_occurs(window: int, stride: int) -> None:
    known = {total for n in range(1, 50) for total in same_totals(n, window, stride)}
    assert same_totals(None, window, stride) == known


@given(n=sizes, window=windows, stride=strides)
def test_the_result_has_as_many_places_as_the_window_finds(n: int, window: int, stride: int) -> None:
    places = sum(start + window <= n for start in range(0, n, stride))
    assert slid((n,), (window,), (stride,), "valid") == (places if n >= window else (n - window) // stride + 1,)
    assert slid((n, None), (window, window), (stride, stride), "same") == (math.ceil(n / stride), None)
    assert slid((n,), (window,), (stride,), "causal") == (math.ceil(n / stride),)


@pytest.mark.parametrize(
    ("padding", "size", "window", "stride", "expression", "argument"),
    [
        ("valid", (9, 12), (3, 3), (2, 2), "%0", ""),
        ("same", (9, 12), (3, 3), (1, 1), "%0", ", padding=1"),
        ("same", (None, None), (3, 5), (1, 1), "%0", ", padding=(1, 2)"),
        ("same", (9, 12), (1, 1), (2, 2), "%0", ""),
        ("same", (None, None), (1, 1), (2, 2), "%0", ""),
        ("same", (9, 13), (3, 3), (2, 2), "%0", ", padding=1"),
        ("same", (10, 12), (3, 3), (2, 2), "F.pad(%0, (0, 1, 0, 1))", ""),
        ("same", (9, 12), (3, 3), (2, 2), "F.pad(%0, (0, 1, 1, 1))", ""),
        ("same", (9, 12), (2, 5), (1, 1), "F.pad(%0, (2, 2, 0, 1))", ""),
        ("same", (9, None), (3, 3), (2, 2), "pad_same(%0, (3, 3), (2, 2))", ""),
        ("same", (4, 5, 6), (2, 3, 4), (1, 1, 1), "F.pad(%0, (1, 2, 1, 1, 0, 1))", ""),
        ("causal", (9,), (5,), (2,), "F.pad(%0, (4, 0))", ""),
        ("causal", (9,), (1,), (1,), "%0", ""),
    ],
)
def test_padding_is_written_as_simply_as_the_sizes_allow(
    padding: str,
    size: tuple[int, ...],
    window: tuple[int, ...],
    stride: tuple[int, ...],
    expression: str,
    argument: str,
) -> None:
    found = padded(padding, size, window, stride)
    assert (found.x, found.argument) == (expression, argument)
    assert found.snippets == (("pad_same",) if "pad_same" in expression else ())


def test_padding_with_another_value_cannot_be_left_to_the_module() -> None:
    assert padded("same", (9,), (3,), (1,), fill="-1.0").x == "F.pad(%0, (1, 1), value=-1.0)"


@pytest.mark.parametrize(("value", "rank"), [("full", 2), ("causal", 2), ("half", 1), (None, 1), (3, 2)])
def test_other_paddings_are_refused(value: object, rank: int) -> None:
    reading = Reading(KerasVersion(1, 2, 2), {}, layer=lambda _: None, model=lambda _: None, rank=rank)  # type: ignore[arg-type, return-value]
    with pytest.raises(UnknownLayerError, match="padding"):
        window_padding(value, reading)


def test_numbers_are_written_once_where_they_are_equal() -> None:
    assert (number((3, 3, 3)), number((1, 2))) == ("3", "(1, 2)")
    assert (option("stride", (1, 1)), option("stride", (1, 2)), option("padding", (0,), 0)) == (
        "",
        ", stride=(1, 2)",
        "",
    )
    assert dilated((3, 4), (2, 1)) == (5, 4)
