from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.emit.bfloat16 import from_float32


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (1.0, 0x3F80),
        (1.0 + 2**-8, 0x3F80),  # half way: to even, down
        (1.0 + 3 * 2**-8, 0x3F82),  # half way: to even, up
        (1.0 + 2**-8 + 2**-20, 0x3F81),
        (-0.0, 0x8000),
        (3.4e38, 0x7F80),  # the carry reaches infinity
        (float("-inf"), 0xFF80),
    ],
)
def test_rounding(value: float, rounded: int) -> None:
    assert from_float32(np.array([value], np.float32)).tolist() == [rounded]


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1))
def test_agrees_with_ml_dtypes(patterns: list[int]) -> None:
    values = np.array(patterns, np.uint32).view(np.float32)
    with np.errstate(invalid="ignore"):
        expected = values.astype(ml_dtypes.bfloat16)
    found = from_float32(values).view(ml_dtypes.bfloat16)
    number = ~np.isnan(values)
    assert found[number].tobytes() == expected[number].tobytes()
    assert np.isnan(found[~number].astype(np.float32)).all()
