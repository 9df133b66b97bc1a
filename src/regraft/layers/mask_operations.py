"""
Operations with which Keras 3 computes a mask.

A functional model of Keras 3 lists them beside its layers: ``Embedding(mask_zero=True)`` brings ``NotEqual``, ``Masking``
brings ``NotEqual`` and ``Any``, a sum of masked tensors ``LogicalOr``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any as AnyValue
from typing import ClassVar

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, setting


class MaskOperation(Layer, abstract=True):
    """An operation of two tensors, or of a tensor and a number, element by element."""

    keras_module: ClassVar = "keras.src.ops.numpy"
    call_arguments: ClassVar = ("x1", "x2")
    masks: ClassVar = "drop"
    operator: ClassVar[str]

    def torch(self, site: Site) -> Form:
        other = site.arguments.get("x2")
        if isinstance(other, int | float):
            return Form((f"%0 {self.operator} {other!r}",))
        if len(site.inputs) != 2:
            raise UnknownLayerError(f"{type(self).__name__} of {quote(other)}")
        return Form((f"%0 {self.operator} %1",))


@dataclass(frozen=True, kw_only=True)
class NotEqual(MaskOperation):
    """
    True where two tensors differ, or a tensor differs from a number.

    Keras: ``keras/src/ops/numpy.py``; PyTorch: ``!=``.
    """

    operator: ClassVar = "!="


@dataclass(frozen=True, kw_only=True)
class LogicalOr(MaskOperation):
    """
    True where one of two masks is.

    Keras: ``keras/src/ops/numpy.py``; PyTorch: ``|``.
    """

    operator: ClassVar = "|"


@dataclass(frozen=True, kw_only=True)
class LogicalAnd(MaskOperation):
    """
    True where both masks are.

    Keras: ``keras/src/ops/numpy.py``; PyTorch: ``&``.
    """

    operator: ClassVar = "&"


def one_axis(value: AnyValue, _: Reading) -> int:
    """A single axis."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnknownLayerError(f"Any over the axes {quote(value)}")
    return value


@dataclass(frozen=True, kw_only=True)
class Any(Layer):
    """
    True where anything along an axis is true.

    Keras: ``keras/src/ops/numpy.py``; PyTorch: ``torch.any``.
    """

    keras_module: ClassVar = "keras.src.ops.numpy"
    call_arguments: ClassVar = ("x",)
    axis_order: ClassVar = "keras"
    masks: ClassVar = "drop"

    axis: int = setting(parse=one_axis)
    keepdims: bool = setting(False)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        if inputs[0] is None:
            return None
        axes = list(inputs[0])
        axes[self.axis : self.axis + 1 or None] = [1] if self.keepdims else []
        return tuple(axes)

    def torch(self, site: Site) -> Form:
        return Form((f"%0.any(dim={self.axis}{', keepdim=True' if self.keepdims else ''})",))


@dataclass(frozen=True, kw_only=True)
class ConvertToTensor(Layer):
    """
    The tensor itself; attention brings it for the mask of its query.

    Keras: ``keras/src/ops/core.py``; PyTorch: nothing.
    """

    keras_module: ClassVar = "keras.src.ops.core"
    call_arguments: ClassVar = ("x",)
    masks: ClassVar = "drop"

    def torch(self, site: Site) -> Form:
        return Form(("%0",))
