"""What both modules are run on: seeded numbers that the file's model takes, or that have the shapes the user names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from regraft.errors import OutputError, RegraftError, ShapeMismatchError
from regraft.graft.filling import tensor_of
from regraft.grafting.source import Converted
from regraft.verify.inputs import cases, fill
from regraft.verify.needs import Need, needs

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
    wanted = needs(source.blueprint)
    rng = np.random.default_rng(SEED)
    if shapes:
        if len(shapes) != len(wanted):
            raise ShapeMismatchError(
                f"the file's model takes {len(wanted)} inputs, {len(shapes)} shapes are given: one --input-shape for each"
            )
        whole = [tuple(size or (OPEN if i else BATCH) for i, size in enumerate(shape)) for shape in shapes]
        return tuple(tensor_of(single(unmasked(rng, shape, need))) for shape, need in zip(whole, wanted, strict=True))
    case = next(cases(source.blueprint, SEED), None)
    if case is None:
        raise OutputError(
            "the file leaves the sizes of its inputs open: give the shape that the module takes, batch first, with "
            "--input-shape N,C,H,W"
        )
    found: list[Any] = []
    for array, need, order in zip(case.arrays, wanted, source.module.input_orders, strict=True):
        numbers = single(unmasked(rng, array.shape, need))
        found.append(tensor_of(np.ascontiguousarray(numbers.transpose(order.axes) if order.axes else numbers)))
    return tuple(found)


def unmasked(rng: np.random.Generator, shape: tuple[int, ...], need: Need) -> np.ndarray:
    """Numbers of one input, none of which masks a step."""
    array = fill(rng, shape, replace(need, mask=None))
    if need.mask is not None and need.kind == "integer" and need.count > 1:
        array[array == need.mask] = 1
    return array


def telling(source: Converted, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """
    An example that shows something: of one number throughout (``torch.zeros``) the shape is taken, with random numbers.

    Nothing that is wrong with a kernel, a factor or a border shows on a map of zeros.
    """
    if not any(map(constant, inputs)):
        return tuple(inputs)
    try:
        drawn = example_for(source, [tuple(tensor.shape) for tensor in inputs])
    except RegraftError:
        return tuple(inputs)
    return tuple(
        new.to(dtype=old.dtype, device=old.device) if constant(old) else old
        for new, old in zip(drawn, inputs, strict=True)
    )


def constant(tensor: Any) -> bool:
    """Whether a tensor of several numbers holds one number only."""
    return tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all())


def single(array: np.ndarray) -> np.ndarray:
    """Floats in single precision, as a module has them that nobody has widened."""
    return array.astype(np.float32) if array.dtype.kind == "f" else array
