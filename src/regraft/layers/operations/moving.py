"""Operations that move, add or drop axes: transpose, expand_dims, squeeze. In PyTorch most of them move nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation, declare
from regraft.layers.operations.operands import Given
from regraft.layers.operations.parsing import axes, integer, integers, some_axes
from regraft.layers.operations.reductions import reduced_order
from regraft.layers.order import AxisOrder, converted
from regraft.layers.settings import setting


def checked(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor of rank {rank}")
    return axis % rank


def widened(order: AxisOrder, new: Sequence[int]) -> AxisOrder:
    """
    The order with new axes, numbered as in the result; each goes behind the axis that is before it in Keras.

    >>> widened(AxisOrder.channels_first(4), [4])
    AxisOrder(axes=(0, 3, 4, 1, 2), flat=())
    """
    found = list(order.axes)
    for axis in sorted(new):
        found = [a + (a >= axis) for a in found]
        found.insert(found.index(axis - 1) + 1 if axis else 0, axis)
    return AxisOrder(tuple(found))


class Permuted(Operation, abstract=True):
    """The axes in another order. Nothing moves: from here on another Keras axis is known to lie in each dimension."""

    def permutation(self, rank: int) -> tuple[int, ...]:
        """For each axis of the result the axis of the input."""
        raise NotImplementedError

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        return tuple(shape[axis] for axis in self.permutation(len(shape)))

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies, where that is an order in which layers take their inputs; else in the order of Keras."""
        order = AxisOrder(arrival.orders[0].axes)
        rank = len(order.axes)
        found = self.renamed(order)
        usual = found.axes in (AxisOrder.channels_first(rank).axes, AxisOrder.keras(rank).axes)
        return Arranged((order,), (found if usual else AxisOrder.keras(rank),))

    def renamed(self, order: AxisOrder) -> AxisOrder:
        """The order of the same tensor under the numbers its axes have in the result."""
        places = self.permutation(len(order.axes))
        return AxisOrder(tuple(places.index(axis) for axis in order.axes))

    def torch(self, site: Site) -> Form:
        if not site.orders[0].axes:
            raise UnknownLayerError(f"{self.keras_class} of a tensor of unknown rank")
        return Form((converted("%0", self.renamed(site.orders[0]), site.output_orders[0]),))


@dataclass(frozen=True, kw_only=True)
class Transpose(Permuted, abstract=True):
    """The axes in a given order, or in reverse."""

    axes: tuple[int, ...] | None = setting(None, parse=lambda v, _: None if v is None else integers(v))

    def permutation(self, rank: int) -> tuple[int, ...]:
        if self.axes is None:
            return tuple(range(rank))[::-1]
        found = tuple(checked(axis, rank) for axis in self.axes)
        if sorted(found) != list(range(rank)):
            raise ValueError(f"{rank} axes cannot be permuted by {self.axes}")
        return found


@dataclass(frozen=True, kw_only=True)
class Swapaxes(Permuted, abstract=True):
    """Two axes change places."""

    axis1: int = setting(parse=integer)
    axis2: int = setting(parse=integer)

    def permutation(self, rank: int) -> tuple[int, ...]:
        one, other = checked(self.axis1, rank), checked(self.axis2, rank)
        return tuple(other if i == one else one if i == other else i for i in range(rank))


@dataclass(frozen=True, kw_only=True)
class Moveaxis(Permuted, abstract=True):
    """Axes go to other places; the rest keep their order."""

    source: int | tuple[int, ...] = setting(parse=some_axes)
    destination: int | tuple[int, ...] = setting(parse=some_axes)

    def permutation(self, rank: int) -> tuple[int, ...]:
        sources = [checked(axis, rank) for axis in integers(self.source)]
        goals = [checked(axis, rank) for axis in integers(self.destination)]
        found = [axis for axis in range(rank) if axis not in sources]
        for goal, source in sorted(zip(goals, sources, strict=True)):
            found.insert(goal, source)
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class ExpandDims(Operation, abstract=True):
    """New axes of length 1."""

    axis: int | tuple[int, ...] = setting(parse=some_axes)

    def new(self, rank: int) -> tuple[int, ...]:
        """The new axes in the result."""
        chosen = integers(self.axis)
        return tuple(sorted(checked(axis, rank + len(chosen)) for axis in chosen))

    def result(self, given: Given) -> Shape:
        old = iter(given["x"].shape)
        new = self.new(len(given["x"].shape))
        return tuple(1 if i in new else next(old) for i in range(len(given["x"].shape) + len(new)))

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies; a new axis goes behind the axis that is before it in Keras."""
        order, shape = AxisOrder(arrival.orders[0].axes), arrival.shapes[0]
        if shape is None:
            return super().arrange(arrival)
        return Arranged((order,), (widened(order, self.new(len(shape))),))

    def torch(self, site: Site) -> Form:
        if site.inputs[0] is None:
            chosen = integers(self.axis)
            if len(chosen) != 1:
                raise UnknownLayerError(f"expand_dims of a tensor of unknown rank by {quote(self.axis)}")
            return Form((f"%0.unsqueeze({chosen[0]})",))
        dims = sorted(site.output_orders[0].axes.index(axis) for axis in self.new(site.rank))
        if len(dims) == 1:
            last = dims[0] == site.rank
            return Form((f"%0.unsqueeze({-1 if last else dims[0]})",))
        places = ["None" if i in dims else ":" for i in range(max(dims) + 1)]
        return Form((f"%0[{', '.join(places)}]",))


@dataclass(frozen=True, kw_only=True)
class Squeeze(Operation, abstract=True):
    """Axes of length 1 dropped: those that are named, or all."""

    axis: int | tuple[int, ...] | None = setting(None, parse=axes)

    def gone(self, shape: Shape) -> tuple[int, ...]:
        """The axes that are dropped."""
        known = shape or ()
        if self.axis is None or self.axis == ():
            return tuple(i for i, n in enumerate(known) if n == 1)
        found = tuple(sorted(checked(axis, len(known)) for axis in integers(self.axis)))
        if any(known[axis] not in (1, None) for axis in found):
            raise ValueError(f"axis {self.axis} is not of length 1")
        return found

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        return tuple(n for i, n in enumerate(shape) if i not in self.gone(shape))

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies."""
        order, shape = AxisOrder(arrival.orders[0].axes), arrival.shapes[0]
        if shape is None:
            return super().arrange(arrival)
        return Arranged((order,), (reduced_order(order, self.gone(shape), keepdims=False),))

    def torch(self, site: Site) -> Form:
        if site.inputs[0] is None:
            raise UnknownLayerError("squeeze of a tensor of unknown rank")
        dims = tuple(sorted(site.orders[0].dim(axis) for axis in self.gone(site.inputs[0])))
        return Form(("%0" if not dims else f"%0.squeeze({dims[0] if len(dims) == 1 else dims})",))


class Shape_(Operation, abstract=True):  # noqa: N801 - the name Shape is taken
    """The lengths of the axes, as a tensor of integers."""

    def result(self, given: Given) -> Shape:
        return (len(given["x"].shape),)

    def torch(self, site: Site) -> Form:
        return Form(("torch.tensor(%0.shape)",))


def declared(
    family: type[Operation], name: str, pytorch: str, functions: str = "", nodes: str = "", **facts: Any
) -> None:
    """A row of the table."""
    cells = [tuple(cell.strip() for cell in text.split("|") if cell.strip()) for text in (functions, nodes)]
    declare(family, name, facts.pop("module", "numpy"), pytorch, functions=cells[0], nodes=cells[1], **facts)


declared(
    Transpose,
    "Transpose",
    "x.permute(axes)",
    "compat.v1.transpose(a=x, perm=axes, conjugate=False) | transpose(a=x, perm=axes, conjugate=False)",
    "Transpose(x, axes)",
)
declared(Swapaxes, "Swapaxes", "x.transpose(axis1, axis2)")
declared(Moveaxis, "Moveaxis", "x.movedim(source, destination)")
declared(
    ExpandDims,
    "ExpandDims",
    "x.unsqueeze(axis)",
    "expand_dims(input=x, axis) | compat.v1.expand_dims(input=x, axis)",
    "ExpandDims(x, axis)",
)
declared(
    Squeeze,
    "Squeeze",
    "x.squeeze(axis)",
    "compat.v1.squeeze(input=x, axis) | squeeze(input=x, axis) | compat.v1.squeeze(input=x, squeeze_dims=axis)",
    "Squeeze(x, squeeze_dims=axis)",
)
declared(
    Shape_,
    "Shape",
    "torch.tensor(x.shape)",
    "compat.v1.shape(input=x, out_type='int32'/'int64') | shape(input=x, out_type='int32'/'int64')",
    "Shape(x, out_type='DT_INT32'/'DT_INT64')",
    module="tensorflow",
    gives="int",
)
