"""How far two arrays of one shape are apart, relative to what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

#: Numbers that are compared at a time: what stays in the cache, and no array of differences is as large as a tensor.
BLOCK = 1 << 16


@dataclass(frozen=True)
class Difference:
    """
    Two arrays of one shape.

    Attributes:
        error: Largest absolute difference relative to the largest absolute value of the second, as it is where that
            is zero; infinite where one side has NaN or an infinity that the other has not.
        scale: That largest value.
        note: About NaN and infinities, else empty.
    """

    error: float
    scale: float
    note: str = ""


def difference(ours: np.ndarray, theirs: np.ndarray) -> Difference:
    """
    Compare our array with the reference.

    >>> difference(np.array([1.0, 2.5]), np.array([1.0, 2.0]))
    Difference(error=0.25, scale=2.0, note='')
    """
    if ours.shape != theirs.shape:
        return Difference(np.inf, 0.0, f"shape {ours.shape}, in Keras {theirs.shape}")
    if not theirs.size:
        return Difference(0.0, 0.0)
    delta, scale = largest(ours, theirs)
    if not np.isfinite(delta) or not np.isfinite(scale):
        return of_odd_numbers(ours, theirs)
    return Difference(delta / scale if scale else delta, scale)


def largest(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """
    The largest absolute difference, and the largest absolute value of the second.

    Block by block over the first axes. Two float32 arrays are subtracted as such: where they are close, that is exact.
    """
    dtype = np.float32 if ours.dtype == theirs.dtype == np.float32 else np.float64
    delta = scale = 0.0
    with np.errstate(all="ignore"):
        for place in blocks(theirs.shape):
            block = theirs[place].astype(dtype, copy=False)
            space = np.subtract(ours[place], block, dtype=dtype, casting="unsafe")
            found, value = reach(space), reach(block)
            if not (np.isfinite(found) and np.isfinite(value)):
                return np.inf, np.inf
            delta, scale = max(delta, found), max(scale, value)
    return delta, scale


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[int | slice, ...]]:
    """Indices that cut an array into pieces of about ``BLOCK`` numbers: first axes one by one, the next in slices."""
    axis, inside = 0, prod(shape[1:])
    while axis < len(shape) - 1 and inside > BLOCK:
        axis += 1
        inside = prod(shape[axis + 1 :])
    if not shape:
        yield ()
        return
    step = max(1, BLOCK // max(1, inside))
    for place in np.ndindex(shape[:axis]):
        for start in range(0, shape[axis], step):
            yield (*place, slice(start, start + step))


def reach(array: np.ndarray) -> float:
    """The largest absolute value."""
    return max(float(array.max()), -float(array.min()))


def of_odd_numbers(ours: np.ndarray, theirs: np.ndarray) -> Difference:
    """Compare arrays with NaN or infinities, or with numbers so large that their difference is none in float32."""
    ours, theirs = ours.astype(np.float64, copy=False), theirs.astype(np.float64, copy=False)
    odd, other = ~np.isfinite(ours), ~np.isfinite(theirs)
    if not np.array_equal(ours[odd], theirs[other], equal_nan=True) or not np.array_equal(odd, other):
        words = f"{np.count_nonzero(odd)} NaN or infinite numbers, in Keras {np.count_nonzero(other)}"
        return Difference(np.inf, 0.0, words)
    note = f"NaN or infinite at the same {np.count_nonzero(odd)} places on both sides" if odd.any() else ""
    if odd.all():
        return Difference(0.0, 0.0, note)
    with np.errstate(all="ignore"):
        delta, scale = float(np.abs(ours[~odd] - theirs[~odd]).max()), float(np.abs(theirs[~odd]).max())
    if not np.isfinite(delta):
        return Difference(np.inf, scale, note)
    return Difference(delta / scale if scale else delta, scale, note)
