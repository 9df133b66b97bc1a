"""
Arithmetic that Keras 3 records in a functional model: ``x + 3.0``, ``1 - x``, ``x * y``.

The operation ``Add`` bears the name of the layer ``Add``; here it is ``AddOperation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import Shape, TensorRef
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder


class Arithmetic(Layer, abstract=True):
    """An operation of two tensors, or of a tensor and a number; shapes are aligned at the end, as in NumPy."""

    keras_module: ClassVar = "keras.src.ops.numpy"
    call_arguments: ClassVar = ("x1", "x2")
    takes_trainable: ClassVar = False
    masks: ClassVar = "drop"
    expression: ClassVar[str] = ""

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if any(shape is None for shape in inputs):
            return None
        known = [shape for shape in inputs if shape is not None]
        rank = max(map(len, known))
        padded = [(1,) * (rank - len(shape)) + shape for shape in known]
        return tuple(next((n for n in lengths if n != 1), 1) for lengths in zip(*padded, strict=True))

    def arrange(self, arrival: Arrival) -> Arranged:
        """Any order while the ranks are equal; else that of Keras, in which NumPy's rule holds."""
        ranks = {len(order.axes) for order in arrival.orders}
        if len(ranks) == 1:
            return super().arrange(arrival)
        wanted = tuple(AxisOrder.keras(len(order.axes)) for order in arrival.orders)
        return Arranged(wanted, (AxisOrder.keras(max(ranks)),))

    def torch(self, site: Site) -> Form:
        left, right = sides(site)
        return Form((self.expression.format(left, right),))


def sides(site: Site) -> tuple[str, str]:
    """The two operands as text: tensors, or the numbers among the call's arguments."""
    tensors = iter(f"%{i}" for i in range(len(site.inputs)))
    found = [] if "x1" in site.arguments else [next(tensors)]
    for name in ("x1", "x2"):
        value = site.arguments.get(name)
        if isinstance(value, TensorRef):
            found.append(next(tensors))
        elif isinstance(value, int | float):
            found.append(repr(value))
        elif value is not None:
            raise UnknownLayerError(f"operation {quote(site.name)} on {quote(value)}")
    if len(found) != 2 or next(tensors, None) is not None:
        raise UnknownLayerError(f"operation {quote(site.name)} on {len(found)} values")
    return found[0], found[1]


def limit(site: Site, function: str, side: str) -> Form:
    """``torch.maximum`` of two tensors, or ``clamp`` where one is a number."""
    left, right = sides(site)
    if left.startswith("%") and right.startswith("%"):
        return Form((f"torch.{function}({left}, {right})",))
    tensor, number = (left, right) if left.startswith("%") else (right, left)
    return Form((f"{tensor}.clamp({side}={number})",))


@dataclass(frozen=True, kw_only=True)
class AddOperation(Arithmetic):
    """
    Sum.

    Keras: ``keras/src/ops/numpy.py``; PyTorch: ``+``.
    """

    keras_class: ClassVar = "Add"
    expression: ClassVar = "{} + {}"


@dataclass(frozen=True, kw_only=True)
class SubtractOperation(Arithmetic):
    """
    Difference.

    Keras: ``keras/src/ops/numpy.py``; PyTorch: ``-``.
    """

    keras_class: ClassVar = "Subtract"
    expression: ClassVar = "{} - {}"


@dataclass(frozen=True, kw_only=True)
class MultiplyOperation(Arithmetic):
    """
    Product.

    Keras: ``keras/src/ops/numpy.py``; PyTorch: ``*``.
    """

    keras_class: ClassVar = "Multiply"
    expression: ClassVar = "{} * {}"


@dataclass(frozen=True, kw_only=True)
class TrueDivideOperation(Arithmetic):
    """
    Quotient.

    Keras: ``keras/src/ops/numpy.py``; PyTorch: ``/``.
    """

    keras_class: ClassVar = "TrueDivide"
    aliases: ClassVar = ("TrueDivide",)
    expression: ClassVar = "{} / {}"


@dataclass(frozen=True, kw_only=True)
class MaximumOperation(Arithmetic):
    """
    The larger of two values.

    Keras: ``keras/src/ops/numpy.py``; PyTorch: ``torch.maximum``, or ``clamp`` for a number.
    """

    keras_class: ClassVar = "Maximum"

    def torch(self, site: Site) -> Form:
        return limit(site, "maximum", "min")


@dataclass(frozen=True, kw_only=True)
class MinimumOperation(Arithmetic):
    """
    The smaller of two values.

    Keras: ``keras/src/ops/numpy.py``; PyTorch: ``torch.minimum``, or ``clamp`` for a number.
    """

    keras_class: ClassVar = "Minimum"

    def torch(self, site: Site) -> Form:
        return limit(site, "minimum", "max")
