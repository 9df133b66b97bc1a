"""Operations along one axis that keep the shape: softmax, sums up to a place, sorting, turning round."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Setting, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation, declare, signatures
from regraft.layers.operations.operands import Given, Operand
from regraft.layers.operations.parsing import (
    axes,
    count,
    float_dtype,
    integers,
    optional_integer,
    optional_number,
    real,
)
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting


def one_axis(value: Any, _: object = None) -> int | None:
    """One axis, or None for all elements in the order of Keras."""
    return optional_integer(value)


def shifts(value: Any, _: object = None) -> int | tuple[int, ...]:
    """How far, along each axis."""
    found = integers(value)
    return found if isinstance(value, list | tuple) else found[0]


@dataclass(frozen=True, kw_only=True)
class Along(Operation, abstract=True):
    """Along one axis, which follows the axis order; without an axis, over all elements in the order of Keras."""

    #: The expression, with ``{dim}``.
    template: ClassVar[str] = ""
    snippets: ClassVar[tuple[str, ...]] = ()

    axis: int | None = setting(-1, parse=one_axis)

    @property
    def passes_order(self) -> bool:
        return self.axis is not None

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        if self.axis is None:
            return (None if None in shape else math.prod(n or 0 for n in shape),)
        if not -len(shape) <= self.axis < len(shape):
            raise ValueError(f"axis {self.axis} of a tensor of rank {len(shape)}")
        return shape

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies, if an axis is named."""
        if self.axis is None:
            return super().arrange(arrival)
        (order, *others) = arrival.orders
        kept = AxisOrder(order.axes)
        return Arranged((kept, *(AxisOrder.keras(len(o.axes)) for o in others)), (kept,))

    def dim(self, site: Site) -> int:
        """The axis in PyTorch."""
        return 0 if self.axis is None else site.orders[0].dim(self.axis)

    def torch(self, site: Site) -> Form:
        operand: Operand = self.at(site)["x"]
        value = operand.text if self.axis is not None else f"{operand.text}.flatten()"
        fields = {name: getattr(self, name) for name in self.config}
        return Form((self.template.format(**{**fields, "x": value, "dim": self.dim(site)}),), snippets=self.snippets)


@dataclass(frozen=True, kw_only=True)
class Cumulative(Along, abstract=True):
    """Sums or products up to each place of an axis."""

    axis: int | None = setting(None, parse=one_axis)
    dtype: str | None = setting(None, parse=float_dtype)


@dataclass(frozen=True, kw_only=True)
class Scan(Along, abstract=True):
    """Sums up to each place, with or without the place itself, from either end."""

    axis: int | None = setting(0, parse=one_axis)
    exclusive: bool = setting(False)
    reverse: bool = setting(False)

    def torch(self, site: Site) -> Form:
        dim = self.dim(site)
        turned = f".flip({dim})" if self.reverse else ""
        text = f"%0{turned}.cumsum(dim={dim}){turned}"
        return Form((f"{text} - %0" if self.exclusive else text,))


@dataclass(frozen=True, kw_only=True)
class Normalize(Along, abstract=True):
    """Vectors along an axis divided by their norm."""

    order: float = setting(2, parse=real)
    epsilon: float | None = setting(None, parse=optional_number)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        # TensorFlow bounds the square of the norm, Keras the norm.
        axis = values.get("axis")
        axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis  # type: ignore[reportUnknownVariableType]
        return {**values, "axis": axis, "epsilon": math.sqrt(real(values["epsilon"]))}

    @classmethod
    def to_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "epsilon": (1e-7 if values.get("epsilon") is None else values["epsilon"]) ** 2}

    def torch(self, site: Site) -> Form:
        power = "" if self.order == 2 else f"p={self.order!r}, "
        epsilon = 1e-7 if self.epsilon is None else self.epsilon
        return Form((f"F.normalize(%0, {power}dim={self.dim(site)}, eps={epsilon!r})",))


@dataclass(frozen=True, kw_only=True)
class Flip(Along, abstract=True):
    """The other way round along axes."""

    axis: int | tuple[int, ...] | None = setting(None, parse=axes)  # type: ignore[assignment]

    @property
    def passes_order(self) -> bool:
        return True

    def result(self, given: Given) -> Shape:
        return given["x"].shape

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies."""
        order = AxisOrder(arrival.orders[0].axes)
        return Arranged((order,), (order,))

    def torch(self, site: Site) -> Form:
        order = site.orders[0]
        chosen = range(len(order.axes)) if self.axis is None else integers(self.axis)
        return Form((f"%0.flip({', '.join(str(order.dim(axis)) for axis in chosen)})",))


@dataclass(frozen=True, kw_only=True)
class Roll(Along, abstract=True):
    """Elements moved along axes, those that leave put in at the other end."""

    shift: int | tuple[int, ...] = setting(parse=shifts)
    axis: int | tuple[int, ...] | None = setting(None, parse=axes)  # type: ignore[assignment]

    def result(self, given: Given) -> Shape:
        return given["x"].shape

    def torch(self, site: Site) -> Form:
        if self.axis is None:
            return Form((f"%0.roll({self.shift})",))
        dims = tuple(site.orders[0].dim(axis) for axis in integers(self.axis))
        return Form((f"%0.roll({self.shift}, {dims if isinstance(self.axis, tuple) else dims[0]})",))


@dataclass(frozen=True, kw_only=True)
class Glu(Along, abstract=True):
    """One half of an axis, gated by the other."""

    def result(self, given: Given) -> Shape:
        shape = super().result(given) or ()
        axis = (self.axis or 0) % len(shape)
        return tuple(None if n is None else n // 2 if i == axis else n for i, n in enumerate(shape))


class Crelu(Along, abstract=True):
    """The ReLU of a tensor and of its negative, joined along an axis."""

    def result(self, given: Given) -> Shape:
        shape = super().result(given) or ()
        axis = (self.axis or 0) % len(shape)
        return tuple(None if n is None else 2 * n if i == axis else n for i, n in enumerate(shape))


@dataclass(frozen=True, kw_only=True)
class TopK(Operation, abstract=True):
    """The largest values along the last axis, and their places."""

    k: int = setting(parse=count)
    sorted: bool = setting(True)

    def output_count(self) -> int:
        return 2

    def result(self, given: Given) -> Any:
        return ((*given["x"].shape[:-1], self.k),) * 2

    def call_kind(self, arguments: Mapping[str, Setting], kinds: tuple[str, ...]) -> tuple[str, ...]:
        return kinds[0], "int"

    def check(self, given: Given) -> None:
        """In any order there is no place to compare."""
        if not self.sorted:
            raise UnknownLayerError(f"top_k in any order (sorted = {quote(self.sorted)})")

    def torch(self, site: Site) -> Form:
        return Form((f"%0.topk({self.k}, dim=-1)",))


def along(
    name: str,
    template: str,
    functions: str = "",
    nodes: str = "",
    module: str = "numpy",
    family: type[Operation] = Along,
    **facts: Any,
) -> None:
    """A row of the table; ``functions`` are named with the usual arguments ``(x, axis)``."""
    found = signatures(functions, "x, axis")
    facts = {"template": template, **facts} if issubclass(family, Along) else facts
    declare(family, name, module, template, functions=found, nodes=signatures(nodes, "x, axis"), **facts)


along(
    "Softmax", "F.softmax({x}, dim={dim})", "nn.softmax(logits=x, axis=(axis, -1))", "Softmax(x)", "nn", gives="float"
)
along(
    "LogSoftmax",
    "F.log_softmax({x}, dim={dim})",
    "nn.log_softmax(logits=x, axis=(axis, -1))",
    "LogSoftmax(x)",
    "nn",
    gives="float",
)
along("Sparsemax", "sparsemax({x}, dim={dim})", module="nn", snippets=("sparsemax",), gives="float")
along("Glu", "F.glu({x}, dim={dim})", module="nn", family=Glu, gives="float")
along(
    "Crelu",
    "torch.cat([F.relu({x}), F.relu(-{x})], dim={dim})",
    "nn.crelu(features=x, axis=(axis, -1)) | compat.v1.nn.crelu(features=x, axis=(axis, -1))",
    module="tensorflow",
    family=Crelu,
)
along(
    "Cumsum",
    "{x}.cumsum(dim={dim})",
    "math.cumsum(x, axis=(axis, 0), exclusive=False, reverse=False)",
    "Cumsum(x, axis, exclusive=False, reverse=False)",
    family=Cumulative,
)
along(
    "Cumprod",
    "{x}.cumprod(dim={dim})",
    "math.cumprod(x, axis=(axis, 0), exclusive=False, reverse=False)",
    family=Cumulative,
)
along(
    "Scan",
    "{x}.flip(dim).cumsum(dim).flip(dim) - {x}",
    "math.cumsum(x, axis=(axis, 0), exclusive, reverse)",
    "Cumsum(x, axis, exclusive, reverse)",
    "tensorflow",
    Scan,
)
along("Sort", "{x}.sort(dim={dim}).values", "sort(values=x, axis=(axis, -1), direction='ASCENDING')")
along(
    "Argsort",
    "{x}.argsort(dim={dim}, stable=True)",
    "argsort(values=x, axis=(axis, -1), direction='ASCENDING', stable=False)",
    gives="int",
)
along("Flip", "{x}.flip(dim)", "reverse(tensor=x, axis)", "ReverseV2(x, axis)", family=Flip)
along("Roll", "{x}.roll(shift, dim)", "roll(input=x, shift, axis)", "Roll(x, shift, axis)", family=Roll)
along(
    "Normalize",
    "F.normalize({x}, dim={dim})",
    "math.l2_normalize(x, axis, epsilon=(epsilon, 1e-12)) | "
    "linalg.l2_normalize(x, axis, epsilon=(epsilon, 1e-12)) | "
    "nn.l2_normalize(x, axis, epsilon=(epsilon, 1e-12))",
    module="nn",
    family=Normalize,
    gives="float",
)
along(
    "TopK",
    "{x}.topk(k)",
    "math.top_k(input=x, k=(k, 1), sorted=(sorted, True)) | nn.top_k(input=x, k=(k, 1), sorted=(sorted, True))",
    "TopKV2(x, k, sorted)",
    "math",
    TopK,
)
