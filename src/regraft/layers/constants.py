"""Arrays of numbers that stand in a config: means, scales, offsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from regraft.errors import UnknownLayerError, quote
from regraft.layers.order import AxisOrder

#: A number, or nested tuples of numbers.
Constant = Any


def constant(value: Any, _: object = None) -> Constant:
    """
    Read a number, nested lists of numbers, or an array as Keras 2 and 3 write it.

    Raises:
        UnknownLayerError: If it is something else, or its lists have different lengths.
    """
    if isinstance(value, Mapping):
        inner = value.get("config") if value.get("class_name") in ("__numpy__", "__tensor__") else value
        value = inner.get("value") if isinstance(inner, Mapping) else None
    try:
        array = np.asarray(value, dtype="float64")
    except (TypeError, ValueError):
        raise UnknownLayerError(f"expected numbers, found {quote(value)}") from None
    if value is None or not np.isfinite(array).all():
        raise UnknownLayerError(f"expected numbers, found {quote(value)}")
    return nested(array.tolist())


def nested(value: Any) -> Constant:
    """Lists as tuples."""
    return tuple(nested(item) for item in value) if isinstance(value, list) else value


def in_order(value: Constant, axes: Sequence[int], order: AxisOrder, rank: int) -> np.ndarray:
    """
    A constant as an array that broadcasts against a tensor.

    Args:
        value: The constant.
        axes: Keras axes of the tensor along which the constant's axes run, aligned at the right.
        order: Axis order of the tensor.
        rank: Rank of the tensor, batch included.

    Returns:
        The array in PyTorch order, without axes of length 1 in front.
    """
    array = np.asarray(value, dtype="float64")
    shape = [1] * rank
    for axis, length in zip(reversed(axes), reversed(array.shape), strict=False):
        shape[axis] = length
    array = array.reshape(shape)
    array = array.transpose(order.axes) if order.axes else array
    while array.ndim and array.shape[0] == 1:
        array = array[0]
    return array


def written(array: np.ndarray) -> str:
    """
    The array as the expression of a tensor.

    >>> written(np.array([[[0.5]], [[0.25]]]))
    'torch.tensor([0.5, 0.25]).view(2, 1, 1)'
    """
    if not array.ndim:
        return f"torch.tensor({float(array)})"
    text = f"torch.tensor({[float(n) for n in array.ravel()]})"
    return text if array.ndim == 1 else f"{text}.view({', '.join(map(str, array.shape))})"
