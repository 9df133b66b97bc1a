"""Operations that join tensors, and that take them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.concatenate import same, total
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation
from regraft.layers.operations.moving import checked, declared, widened
from regraft.layers.operations.operands import Given, Operand, array_of, operands_in, shape_of, tensor_of
from regraft.layers.operations.parsing import integer, integers, optional_parts, partition
from regraft.layers.operations.reductions import reduced_order
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting


class Joined(Operation, abstract=True):
    """Tensors in one."""

    call_arguments = ("xs",)
    listed = True

    def check(self, given: Given) -> None:
        """Tensors, and perhaps constants."""
        for value in given.get(self.call_arguments[0], ()):
            if not isinstance(value, Operand):
                array_of(value)

    def shapes(self, given: Given) -> list[tuple[int | None, ...]]:
        """The shapes of the parts."""
        return [shape_of(value) for value in given[self.call_arguments[0]]]

    def one_order(self, arrival: Arrival) -> AxisOrder | None:
        """An order for all parts; None if they differ in rank or a part is a constant."""
        ranks = {len(order.axes) for order in arrival.orders}
        parts = self.arriving(arrival)[self.call_arguments[0]]
        constants = len(list(operands_in(parts))) < len(parts)
        if len(ranks) != 1 or constants or 0 in ranks:
            return None
        first = AxisOrder(arrival.orders[0].axes)
        return next((AxisOrder(o.axes) for o in arrival.orders if not o.is_keras), first)

    def parts(self, site: Site) -> str:
        """The parts as code."""
        values = self.at(site)[self.call_arguments[0]]
        like = next(operands_in(values))
        return f"[{', '.join(tensor_of(value, like) for value in values)}]"


@dataclass(frozen=True, kw_only=True)
class Concatenate(Joined, abstract=True):
    """Joined along an axis, which follows the axis order."""

    axis: int = setting(0, parse=integer)

    def result(self, given: Given) -> Shape:
        shapes = self.shapes(given)
        axis = checked(self.axis, len(shapes[0]))
        return tuple(total(n) if i == axis else same(n) for i, n in enumerate(zip(*shapes, strict=True)))

    def arrange(self, arrival: Arrival) -> Arranged:
        """All in one order."""
        order = self.one_order(arrival)
        return Arranged((order,) * len(arrival.orders), (order,)) if order else super().arrange(arrival)

    def torch(self, site: Site) -> Form:
        return Form((f"torch.cat({self.parts(site)}, dim={site.output_orders[0].dim(self.axis)})",))


@dataclass(frozen=True, kw_only=True)
class Stack(Joined, abstract=True):
    """Side by side along a new axis."""

    call_arguments = ("x",)
    axis: int = setting(0, parse=integer)

    def result(self, given: Given) -> Shape:
        shapes = self.shapes(given)
        shape = tuple(same(n) for n in zip(*shapes, strict=True))
        axis = checked(self.axis, len(shape) + 1)
        return (*shape[:axis], len(shapes), *shape[axis:])

    def arrange(self, arrival: Arrival) -> Arranged:
        """All in one order, to which the new axis is added."""
        order = self.one_order(arrival)
        if order is None:
            return super().arrange(arrival)
        wider = widened(order, [checked(self.axis, len(order.axes) + 1)])
        return Arranged((order,) * len(arrival.orders), (wider,))

    def torch(self, site: Site) -> Form:
        order = site.output_orders[0]
        return Form((f"torch.stack({self.parts(site)}, dim={order.dim(self.axis) if order.axes else self.axis})",))


class Aligned(Joined, abstract=True):
    """Joined along the axis for which NumPy has a name."""

    axis_: int = 0
    template: str = ""

    def result(self, given: Given) -> Shape:
        shapes = self.shapes(given)
        if min(map(len, shapes)) <= self.axis_:
            raise ValueError(f"{self.keras_class} of tensors of rank {min(map(len, shapes))}")
        return tuple(total(n) if i == self.axis_ else same(n) for i, n in enumerate(zip(*shapes, strict=True)))

    def arrange(self, arrival: Arrival) -> Arranged:
        """All in one order."""
        order = self.one_order(arrival)
        return Arranged((order,) * len(arrival.orders), (order,)) if order else super().arrange(arrival)

    def torch(self, site: Site) -> Form:
        return Form((f"torch.cat({self.parts(site)}, dim={site.output_orders[0].dim(self.axis_)})",))


def index_of(items: Sequence[str]) -> str:
    """
    An index as code, without the full slices at its end.

    >>> index_of([":", "1", ":"])
    '[:, 1]'
    """
    kept = list(items)
    while kept and kept[-1] == ":":
        kept.pop()
    return f"[{', '.join(kept)}]" if kept else ""


@dataclass(frozen=True, kw_only=True)
class Split(Operation, abstract=True):
    """Parts along an axis: so many of equal length, or cut at places."""

    indices_or_sections: int | tuple[int, ...] = setting(parse=partition)
    axis: int = setting(0, parse=integer)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        sizes = values["indices_or_sections"]
        if isinstance(sizes, tuple):
            known = integers(sizes)
            if -1 in known[:-1]:
                raise UnknownLayerError(f"split into parts of {quote(sizes)}")
            sizes = tuple(accumulate(known[:-1]))
        return {**values, "indices_or_sections": sizes}

    @classmethod
    def to_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        cuts = values["indices_or_sections"]
        if isinstance(cuts, tuple):
            places = (0, *integers(cuts))
            cuts = (*(b - a for a, b in pairwise(places)), -1)
        return {**values, "indices_or_sections": cuts}

    def output_count(self) -> int:
        cuts = self.indices_or_sections
        return len(cuts) + 1 if isinstance(cuts, tuple) else cuts

    def result(self, given: Given) -> Any:
        shape = given["x"].shape
        axis = checked(self.axis, len(shape))
        n, cuts = shape[axis], self.indices_or_sections
        if isinstance(cuts, tuple):
            if any(cut < 0 for cut in cuts):
                raise ValueError(f"cuts at {cuts}")
            ends = [*cuts, n]
            lengths = [None if b is None else max(b - a, 0) for a, b in zip([0, *cuts], ends, strict=True)]
        elif n is not None and n % cuts:
            raise ValueError(f"an axis of length {n} in {cuts} parts")
        else:
            lengths = [None if n is None else n // cuts] * cuts
        found = tuple((*shape[:axis], length, *shape[axis + 1 :]) for length in lengths)
        return found if len(found) != 1 else found[0]

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies."""
        order = AxisOrder(arrival.orders[0].axes)
        return Arranged((order,), (order,) * self.output_count())

    def torch(self, site: Site) -> Form:
        dim, parts = site.orders[0].dim(self.axis), self.indices_or_sections
        if self.output_count() == 1:
            return Form(("%0",))
        if isinstance(parts, tuple):
            return Form((f"%0.tensor_split({parts}, dim={dim})",))
        return Form((f"%0.chunk({parts}, dim={dim})",))


@dataclass(frozen=True, kw_only=True)
class Unstack(Operation, abstract=True):
    """The places of an axis, each a tensor."""

    num: int | None = setting(None, parse=optional_parts)
    axis: int = setting(0, parse=integer)

    def output_count(self) -> int:
        return self.num or 0

    def result(self, given: Given) -> Any:
        shape = given["x"].shape
        axis = checked(self.axis, len(shape))
        count = self.num or shape[axis]
        rest = (*shape[:axis], *shape[axis + 1 :])
        return rest if self.num == 1 else (rest,) * count

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies."""
        order = AxisOrder(arrival.orders[0].axes)
        gone = (self.axis % len(order.axes),) if order.axes else ()
        return Arranged((order,), (reduced_order(order, gone, keepdims=False),) * (self.num or arrival.outputs))

    def torch(self, site: Site) -> Form:
        dim = site.orders[0].dim(self.axis)
        if dim < 0:
            return Form(tuple(f"%0.select({dim}, {i})" for i in range(len(site.outputs))))
        return Form(tuple(f"%0{index_of([*[':'] * dim, str(i)])}" for i in range(len(site.outputs))))


declared(Concatenate, "Concatenate", "torch.cat(xs, dim=axis)", "concat(values=xs, axis)", "ConcatV2(*xs, axis)")
declared(Stack, "Stack", "torch.stack(x, dim=axis)", "stack(values=x, axis=(axis, 0))", "Pack(*x, axis)")
declared(Aligned, "Hstack", "torch.cat(xs, dim=1)", axis_=1)
declared(Aligned, "Vstack", "torch.cat(xs, dim=0)", axis_=0)
declared(Aligned, "Dstack", "torch.cat(xs, dim=2)", axis_=2)
declared(
    Split,
    "Split",
    "x.chunk(n, dim=axis)",
    "split(value=x, num_or_size_splits=indices_or_sections, axis=(axis, 0))",
    "Split(axis, x, num_split=indices_or_sections)",
)
declared(Unstack, "Unstack", "x[:, i]", "unstack(value=x, num, axis=(axis, 0))", "Unpack(x, num, axis)", module="core")
