"""bfloat16 without a library for it: the upper half of a float32."""

from __future__ import annotations

import numpy as np

QUIET = np.uint16(0x0040)  # the bit that keeps a NaN one when the rest of its fraction is cut off


def from_float32(values: np.ndarray) -> np.ndarray:
    """
    Round float32 to bfloat16, half to even as PyTorch does; NaN stays NaN.

    Returns:
        uint16 array of the same shape: the bits of each bfloat16.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    upper = (bits >> 16).astype(np.uint16)
    # Below half: down; above: up; half: to the even neighbour. A carry into the exponent is right, up to infinity.
    lower = bits.astype(np.uint16)
    half = np.uint16(0x8000)
    up = (lower > half) | ((lower == half) & ((upper & 1) == 1))
    nan = (bits & 0x7FFF_FFFF) > 0x7F80_0000
    return np.where(nan, upper | QUIET, upper + up.astype(np.uint16)).astype(np.uint16)
