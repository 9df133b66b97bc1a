"""What both modules are run on: seeded numbers that the file's model takes, or that have the shapes the user names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from regraft.errors import OutputError, ShapeMismatchError
from regraft.graft.filling import tensor_of
from regraft.grafting.source import Converted
from regraft.verify.inputs import cases, fill
from regraft.verify.needs import needs

SEED = 0
#: Batch, and any other axis, where the user leaves the size open.
BATCH, OPEN = 2, 7


def example_for(source: Converted, shapes: Sequence[tuple[int | None, ...]] = ()) -> tuple[Any, ...]:
    """
    Inputs for a user's module, in the axis order of PyTorch.

    Args:
        source: The file's model, which says whether an input takes integers, and how many values they have.
        shapes: Of each input as the module takes it, batch first, None for an axis that may be anything; none for those of
            the file's model, channels first.

    Raises:
        ShapeMismatchError: Another number of shapes than the model has inputs.
        OutputError: The model leaves sizes open for which nothing could be chosen.
    """
    wanted = [replace(need, mask=None) for need in needs(source.blueprint)]
    rng = np.random.default_rng(SEED)
    if shapes:
        if len(shapes) != len(wanted):
            raise ShapeMismatchError(
                f"the file's model takes {len(wanted)} inputs, {len(shapes)} shapes are given: one --input-shape for each"
            )
        whole = [tuple(size or (OPEN if i else BATCH) for i, size in enumerate(shape)) for shape in shapes]
        return tuple(tensor_of(single(fill(rng, shape, need))) for shape, need in zip(whole, wanted, strict=True))
    case = next(cases(source.blueprint, SEED), None)
    if case is None:
        raise OutputError(
            "the file leaves the sizes of its inputs open: give the shape that the module takes, batch first, with "
            "--input-shape N,C,H,W"
        )
    found: list[Any] = []
    for array, need, order in zip(case.arrays, wanted, source.module.input_orders, strict=True):
        numbers = single(fill(rng, array.shape, need))
        found.append(tensor_of(np.ascontiguousarray(numbers.transpose(order.axes) if order.axes else numbers)))
    return tuple(found)


def masks(source: Converted) -> bool:
    """Whether the file's model masks steps, which the example does not try."""
    return any(need.mask is not None for need in needs(source.blueprint))


def single(array: np.ndarray) -> np.ndarray:
    """Floats in single precision, as a module has them that nobody has widened."""
    return array.astype(np.float32) if array.dtype.kind == "f" else array
