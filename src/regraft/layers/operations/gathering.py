"""Operations that pick elements by their places: take, gather, sums of rows by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation
from regraft.layers.operations.joining import index_of
from regraft.layers.operations.moving import checked, declared
from regraft.layers.operations.operands import Given, Operand, array_of, shape_of, tensor_text
from regraft.layers.operations.parsing import integer, optional_integer
from regraft.layers.operations.reductions import reduced_order
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting


@dataclass(frozen=True, kw_only=True)
class Take(Operation, abstract=True):
    """The elements at given places of an axis; without an axis, of all elements in the order of Keras."""

    call_arguments = ("x", "indices")

    axis: int | None = setting(None, parse=optional_integer)

    def check(self, given: Given) -> None:
        """Integers, or a tensor."""
        if "indices" not in given or not isinstance(given.get("x"), Operand):
            raise UnknownLayerError("take from a constant, or without indices")
        if not isinstance(given["indices"], Operand) and array_of(given["indices"]).dtype.kind not in "iu":
            raise UnknownLayerError(f"take at the places {quote(given['indices'])}")

    def places(self, given: Given) -> tuple[int | None, ...]:
        """The shape of the indices."""
        return shape_of(given["indices"])

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        if self.axis is None:
            return self.places(given)
        axis = checked(self.axis, len(shape))
        return (*shape[:axis], *self.places(given), *shape[axis + 1 :])

    def call_kind(self, arguments: Any, kinds: tuple[str, ...]) -> str:
        return kinds[0]

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies, for one row of places."""
        given = self.arriving(arrival)
        shape, order = arrival.shapes[0], AxisOrder(arrival.orders[0].axes)
        if shape is None or self.axis is None or isinstance(given["indices"], Operand):
            return super().arrange(arrival)
        rank = len(self.places(given))
        if rank > 1:
            return super().arrange(arrival)
        gone = (checked(self.axis, len(shape)),)
        return Arranged((order,), (order if rank else reduced_order(order, gone, keepdims=False),))

    def torch(self, site: Site) -> Form:
        given = self.at(site)
        value = given["indices"]
        if isinstance(value, Operand):
            text = value.text if value.kind == "int" else f"{value.text}.long()"
        else:
            text = str(array_of(value).tolist())
        if self.axis is None:
            return Form((f"%0.flatten()[{text}]",))
        axis = self.axis
        dim = site.orders[0].dim(axis % site.rank) if site.rank else axis
        if dim < 0:
            text = f"..., {text}{', :' * (-1 - dim)}"
            return Form((f"%0[{text}]",))
        return Form((f"%0{index_of([*[':'] * dim, text])}",))


@dataclass(frozen=True, kw_only=True)
class TakeAlongAxis(Operation, abstract=True):
    """For every place of a second tensor the element of the first that lies there along an axis."""

    call_arguments = ("x", "indices")

    axis: int | None = setting(None, parse=optional_integer)

    def check(self, given: Given) -> None:
        """Two values."""
        if len(given) != 2 or not isinstance(given.get("x"), Operand):
            raise UnknownLayerError("take_along_axis from a constant, or without indices")

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        places = shape_of(given["indices"])
        if self.axis is None:
            return places
        axis = checked(self.axis, len(shape))
        return tuple(k if i == axis else n if k == 1 else k for i, (n, k) in enumerate(zip(shape, places, strict=True)))

    def call_kind(self, arguments: Any, kinds: tuple[str, ...]) -> str:
        return kinds[0]

    def torch(self, site: Site) -> Form:
        value = self.at(site)["indices"]
        text = (
            f"{value.text}.long()"
            if isinstance(value, Operand)
            else f"torch.tensor({array_of(value).tolist()}, device=%0.device)"
        )
        if self.axis is None:
            return Form((f"%0.flatten()[{text}.flatten()]",))
        return Form((f"torch.take_along_dim(%0, {text}, dim={self.axis})",))


@dataclass(frozen=True, kw_only=True)
class GatherBatched(Operation, abstract=True):
    """For every sample the elements at its own places of the second axis."""

    call_arguments = ("x", "indices")

    axis: int = setting(1, parse=integer)
    batch_dims: int = setting(1, parse=integer)

    def check(self, given: Given) -> None:
        """One batch axis."""
        if (self.axis, self.batch_dims) != (1, 1) or "indices" not in given or not isinstance(given["x"], Operand):
            raise UnknownLayerError(f"gather along axis {self.axis} with {self.batch_dims} batch axes")

    def result(self, given: Given) -> Shape:
        places = shape_of(given["indices"])
        return (*places, *given["x"].shape[2:])

    def torch(self, site: Site) -> Form:
        value = self.at(site)["indices"]
        if isinstance(value, Operand):
            text, rank = f"{value.text}.long()" if value.kind != "int" else value.text, len(value.shape or ())
        else:
            text, rank = tensor_text(array_of(value).astype("int64"), Operand(0, kind="int")), array_of(value).ndim
        rows = f"torch.arange(%0.shape[0], device=%0.device)[{', '.join([':', *['None'] * (rank - 1)])}]"
        return Form((f"%0[{rows}, {text}]",))


@dataclass(frozen=True, kw_only=True)
class SegmentSum(Operation, abstract=True):
    """The sums of the rows that bear the same number."""

    call_arguments = ("data", "segment_ids")

    num_segments: int | None = setting(None, parse=optional_integer)
    sorted: bool = setting(False)

    def check(self, given: Given) -> None:
        """A known number of segments."""
        if self.num_segments is None or "segment_ids" not in given or not isinstance(given.get("data"), Operand):
            raise UnknownLayerError("segment_sum without num_segments")

    def result(self, given: Given) -> Shape:
        return (self.num_segments, *given["data"].shape[1:])

    def call_kind(self, arguments: Any, kinds: tuple[str, ...]) -> str:
        return kinds[0]

    def torch(self, site: Site) -> Form:
        value = self.at(site)["segment_ids"]
        text = (
            f"{value.text}.long()"
            if isinstance(value, Operand)
            else f"torch.tensor({array_of(value).tolist()}, device=%0.device)"
        )
        return Form((f"%0.new_zeros({self.num_segments}, *%0.shape[1:]).index_add(0, {text}, %0)",))


declared(
    Take,
    "Take",
    "x[:, indices]",
    "compat.v1.gather(params=x, indices, axis=(axis, 0), batch_dims=0) | gather(params=x, indices, axis=(axis, 0), batch_dims=0)",
    "GatherV2(x, indices, axis, batch_dims=0)",
)
declared(TakeAlongAxis, "TakeAlongAxis", "torch.take_along_dim(x, indices, axis)")
declared(
    GatherBatched,
    "GatherBatched",
    "x[rows, indices]",
    "compat.v1.gather(params=x, indices, axis, batch_dims) | gather(params=x, indices, axis, batch_dims)",
    module="tensorflow",
)
declared(
    SegmentSum,
    "SegmentSum",
    "x.index_add(0, segment_ids, data)",
    "math.unsorted_segment_sum(data, segment_ids, num_segments)",
    "UnsortedSegmentSum(data, segment_ids, num_segments)",
    module="math",
)
