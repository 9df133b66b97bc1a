"""Inputs of a few kilobytes for the self-test: those of the check, one sample, coarse numbers, large axes in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from regraft.blueprint import Blueprint
from regraft.verify.inputs import cases, masked
from regraft.verify.needs import Need, needs

#: So many different numbers an input; where it has more, neighbours are equal, which compresses.
NUMBERS = 4096
#: Steps to which numbers are rounded: few levels compress, and float32 holds each of them.
NORMAL_STEP, IMAGE_STEP = 1 / 4, 8.0


def small_inputs(blueprint: Blueprint) -> Iterator[tuple[np.ndarray, ...]]:
    """
    Inputs that the model should accept, best first; in Keras order, batch first, as ``inputs.cases`` has them.

    The batch is one sample unless the model fixes it.
    """
    declared = [blueprint.by_name[ref.layer].config.get("batch_shape") for ref in blueprint.inputs]
    fixed = any(isinstance(shape, tuple) and shape and shape[0] is not None for shape in declared)
    wanted = needs(blueprint)
    for case in cases(blueprint):
        arrays = case.arrays if fixed else tuple(array[:1] for array in case.arrays)
        yield tuple(coarse(array, need) for array, need in zip(arrays, wanted, strict=True))


def coarse(array: np.ndarray, need: Need) -> np.ndarray:
    """The same kind of numbers, fewer of them: in blocks along the large axes, rounded, masked as before."""
    places = [np.arange(n) // size for n, size in zip(array.shape, block(array.shape), strict=True)]
    found = array[np.ix_(*places)] if array.ndim else array
    if found.dtype.kind == "f":
        step = IMAGE_STEP if need.kind == "image" else NORMAL_STEP
        found = np.round(found / step) * step
    if need.mask is not None and found.ndim >= 2:
        masked(found, need.mask)
    return found


def block(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The size of a block along each axis."""
    sizes = [1] * len(shape)
    while prod(blocks := [-(-n // size) for n, size in zip(shape, sizes, strict=True)]) > NUMBERS:
        sizes[blocks.index(max(blocks))] *= 2
    return tuple(sizes)
