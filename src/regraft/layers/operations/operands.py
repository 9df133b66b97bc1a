"""What an operation receives: tensors, numbers, arrays of numbers, lists of these; and how they are written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from regraft.blueprint import Setting, Shape, TensorRef, refs_in
from regraft.errors import UnknownLayerError, quote
from regraft.layers.broadcasting import indexed
from regraft.layers.order import AxisOrder

Kind = Literal["float", "int", "bool", ""]
"""What a tensor holds, as far as it is known; empty for unknown."""

#: An array that stands in the file with more numbers than this is not written into the code.
LONGEST_ARRAY = 4096


UNKNOWN_ORDER = AxisOrder(())


@dataclass(frozen=True)
class Operand:
    """
    A tensor among the arguments of an operation.

    Attributes:
        place: Its number among the tensors of the call: ``%0``.
        shape: In Keras order, batch first.
        order: Axis order in which it is at hand.
        kind: What it holds.
    """

    place: int
    shape: Shape = None
    order: AxisOrder = UNKNOWN_ORDER
    kind: Kind = ""

    @property
    def text(self) -> str:
        """Its token."""
        return f"%{self.place}"


Given = dict[str, Any]
"""The arguments of one call by name: operands, constants, tuples of these."""


def bound(
    names: Sequence[str],
    arguments: Mapping[str, Setting],
    shapes: Sequence[Shape],
    orders: Sequence[AxisOrder] = (),
    kinds: Sequence[Kind] = (),
    *,
    listed: bool = False,
) -> Given:
    """
    The arguments of a call by name, tensors as operands.

    Args:
        names: Names of the call's arguments; the tensors that come first belong to the first of them.
        arguments: The other arguments of the call.
        shapes: Of all tensors, those of the first argument first.
        orders: Their axis orders, if settled.
        kinds: What they hold, if known.
        listed: The first argument is a list.
    """
    operands = [
        Operand(
            i,
            shape,
            orders[i] if i < len(orders) else AxisOrder(()),
            kinds[i] if i < len(kinds) else "",
        )
        for i, shape in enumerate(shapes)
    ]
    count = len(shapes) - sum(1 for _ in refs_in(dict(arguments)))
    rest = iter(operands[count:])

    def filled(value: Any) -> Any:
        if isinstance(value, TensorRef):
            return next(rest)
        if isinstance(value, tuple):
            return tuple(filled(item) for item in cast("tuple[Any, ...]", value))
        return value

    named = {name: filled(value) for name, value in arguments.items()}
    first = (
        {names[0] if names else "0": tuple(operands[:count]) if listed or count > 1 else operands[0]} if count else {}
    )
    return {**first, **named}


def operands_in(value: Any) -> Iterator[Operand]:
    """Every tensor inside an argument, in order."""
    if isinstance(value, Operand):
        yield value
    elif isinstance(value, tuple | list):
        for item in cast("Sequence[Any]", value):
            yield from operands_in(item)


def array_of(value: Any) -> np.ndarray:
    """
    A constant: a number, nested lists of numbers, or an array as Keras 3 writes it.

    Raises:
        UnknownLayerError: If it is something else, is not finite, or is too large to stand in code.
    """
    dtype = None
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        value, dtype = held.get("array"), held.get("dtype")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        raise UnknownLayerError(f"expected numbers, found {quote(value)}") from None
    if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise UnknownLayerError(f"expected numbers, found {quote(value)}")
    if array.size > LONGEST_ARRAY:
        raise UnknownLayerError(f"a constant of {array.size} numbers, which is too much to be written as code")
    if isinstance(dtype, str):
        array = array.astype("float64" if "float" in dtype else "bool" if dtype == "bool" else "int64")
    return array


def kind_of(value: Any) -> Kind:
    """What a constant or a tensor holds."""
    if isinstance(value, Operand):
        return value.kind
    return {"b": "bool", "f": "float"}.get(array_of(value).dtype.kind, "int")  # type: ignore[return-value]


def promoted(kinds: Sequence[Kind]) -> Kind:
    """What comes of several tensors: floats win over integers, integers over booleans."""
    if "float" in kinds:
        return "float"
    return "" if "" in kinds or not kinds else "int" if "int" in kinds else "bool"


def number(value: Any) -> str:
    """
    A number as code, in brackets if it has a sign.

    >>> number(2.0), number(-1), number(True)
    ('2.0', '(-1)', 'True')
    """
    if not isinstance(value, bool | int | float) or not math.isfinite(value):
        raise UnknownLayerError(f"expected a number, found {quote(value)}")
    return f"({value!r})" if value < 0 else repr(value)


def tensor_text(value: Any, like: Operand | None) -> str:
    """A constant as a tensor on the device of another, in its dtype where that holds the numbers."""
    array = array_of(value)
    text = str(array.tolist())
    if like is None:
        return f"torch.tensor({text})"
    if like.kind == "float" and array.dtype.kind != "b":
        return f"{like.text}.new_tensor({text})"
    return f"torch.tensor({text}, device={like.text}.device)"


def aligned(text: str, order: AxisOrder, target: AxisOrder) -> str:
    """
    A tensor of lower rank beside one of higher rank, its last axis under the other's last as in NumPy, in order ``target``.

    >>> aligned("mean", AxisOrder.keras(1), AxisOrder.channels_first(4))
    'mean[:, None, None]'
    >>> aligned("mean", AxisOrder.keras(1), AxisOrder.keras(4))
    'mean'
    """
    missing = len(target.axes) - len(order.axes)
    wanted = [axis - missing if axis >= missing else None for axis in target.axes]
    while wanted and wanted[0] is None:
        wanted.pop(0)
    return indexed(text, [None if axis is None else order.axes.index(axis) for axis in wanted])


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """
    The shape of an elementwise result, axes aligned at the end.

    >>> broadcast([(None, 4, 1), (5,)])
    (None, 4, 5)
    """
    if any(shape is None for shape in shapes):
        return None
    known = [shape for shape in shapes if shape is not None]
    rank = max(map(len, known), default=0)
    padded = [(1,) * (rank - len(shape)) + shape for shape in known]
    found: list[int | None] = []
    for lengths in zip(*padded, strict=True):
        longer = {n for n in lengths if n not in (1, None)}
        if len(longer) > 1:
            raise ValueError(f"lengths {sorted(n or 0 for n in longer)} cannot be joined")
        found.append(longer.pop() if longer else None if None in lengths else 1)
    return tuple(found)


def shape_of(value: Any) -> tuple[int | None, ...]:
    """
    The shape of a tensor or a constant.

    Raises:
        ValueError: If its rank is not known.
    """
    if not isinstance(value, Operand):
        return array_of(value).shape
    if value.shape is None:
        raise ValueError("a tensor of unknown rank")
    return value.shape


def tensor_of(value: Any, like: Operand | None) -> str:
    """A tensor or a constant as code."""
    return value.text if isinstance(value, Operand) else tensor_text(value, like)
