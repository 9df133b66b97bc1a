"""Operations that pick elements: slices, take, gather."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation
from regraft.layers.operations.joining import index_of
from regraft.layers.operations.moving import checked, declared
from regraft.layers.operations.operands import Given, Operand, array_of, tensor_text
from regraft.layers.operations.parsing import integer, integers, optional_integer
from regraft.layers.operations.reductions import reduced_order
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting

SLICE = re.compile(r"(-?[0-9]{1,10})?:(-?[0-9]{1,10})?(?::(-?[0-9]{1,10}))?")
ELLIPSIS, NEW = "...", "None"


def slice_of(text: str) -> slice:
    """
    A slice as Python has it.

    >>> slice_of("1:"), slice_of("::-2")
    (slice(1, None, None), slice(None, None, -2))
    """
    found = SLICE.fullmatch(text)
    if not found:
        raise UnknownLayerError(f"the index {quote(text)}")
    return slice(*(None if part is None else int(part) for part in found.groups()))


def item_of(value: Any) -> Any:
    """An item of a key from the form of Keras 3 or tf.keras; a computed one stays as it is."""
    if value is None:
        return NEW
    if not isinstance(value, Mapping):
        return value
    held = cast("Mapping[str, Any]", value)
    if held.get("class_name") == "__ellipsis__":
        return ELLIPSIS
    part = cast("Mapping[str, Any]", held.get("config") if held.get("class_name") == "__slice__" else held)
    ends = [part.get(name) for name in ("start", "stop", "step")]
    if any(isinstance(end, bool) or not isinstance(end, int | None) for end in ends):
        return value
    texts = ["" if end is None else str(end) for end in ends]
    return ":".join(texts if ends[2] not in (None, 1) else texts[:2])


def written_item(item: Any, *, modern: bool) -> Any:
    """The inverse."""
    if item == NEW:
        return None
    if item == ELLIPSIS:
        return {"class_name": "__ellipsis__", "config": {}} if modern else {"class_name": "__ellipsis__"}
    if not isinstance(item, str):
        return item
    part = slice_of(item)
    config = {"start": part.start, "stop": part.stop, "step": part.step}
    return {"class_name": "__slice__", "config": config} if modern else config


@dataclass(frozen=True, kw_only=True)
class GetItem(Operation, abstract=True):
    """
    ``x[:, 1:, ..., None]``: slices, places and new axes; every item stays with its axis, wherever that lies.

    A key is a tuple of integers and texts: ``"1:5"`` for a slice, ``"..."``, ``"None"`` for a new axis. Slices that step
    backwards, lists and tensors as indices are not done.
    """

    call_arguments = ("x", "key")

    @classmethod
    def read_arguments(cls, values: dict[str, Any]) -> dict[str, Any]:
        key = values.get("key")
        items = tuple(map(item_of, cast("tuple[Any, ...]", key))) if isinstance(key, tuple) else item_of(key)
        return {**values, "key": items}

    @classmethod
    def write_arguments(cls, values: dict[str, Any], *, modern: bool) -> dict[str, Any]:
        key = values.get("key", NEW)
        items = cast("tuple[Any, ...]", key) if isinstance(key, tuple) else (key,)
        return {**values, "key": tuple(written_item(item, modern=modern) for item in items)}

    def items(self, given: Given) -> tuple[Any, ...]:
        """The items of the key."""
        key = given.get("key", "None")
        return cast("tuple[Any, ...]", key) if isinstance(key, tuple) else (key,)

    def check(self, given: Given) -> None:
        """Integers, slices forwards, new axes, one ellipsis."""
        items = self.items(given)
        for item in items:
            if isinstance(item, str) and item not in (ELLIPSIS, NEW):
                if (slice_of(item).step or 1) < 1:
                    raise UnknownLayerError(f"a slice that steps backwards: {item}")
            elif not isinstance(item, str):
                if isinstance(item, Operand | tuple):
                    raise UnknownLayerError("an index that is a tensor or a list")
                integer(item)
        if items.count(ELLIPSIS) > 1:
            raise UnknownLayerError("an index with two ellipses")

    def full(self, given: Given) -> list[Any]:
        """The items for all axes, the ellipsis spelled out."""
        items, rank = list(self.items(given)), len(given["x"].shape)
        used = sum(item not in (ELLIPSIS, NEW) for item in items)
        if used > rank:
            raise ValueError(f"an index of {used} items for a tensor of rank {rank}")
        place = items.index(ELLIPSIS) if ELLIPSIS in items else len(items)
        return [*items[:place], *[":"] * (rank - used), *items[place + 1 :]]

    def result(self, given: Given) -> Shape:
        found: list[int | None] = []
        lengths = iter(given["x"].shape)
        for item in self.full(given):
            if item == NEW:
                found.append(1)
                continue
            length = next(lengths)
            if isinstance(item, str):
                part = slice_of(item)
                found.append(sliced(part, length))
        return tuple(found)

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies, unless there are new axes."""
        given = self.arriving(arrival)
        order, shape = AxisOrder(arrival.orders[0].axes), arrival.shapes[0]
        rest = tuple(AxisOrder(o.axes) for o in arrival.orders[1:])
        if shape is None or NEW in self.items(given):
            return super().arrange(arrival)
        gone = tuple(i for i, item in enumerate(self.full(given)) if not isinstance(item, str))
        return Arranged((order, *rest), (reduced_order(order, gone, keepdims=False),))

    def torch(self, site: Site) -> Form:
        given = self.at(site)
        if site.inputs[0] is None:
            return Form((f"%0[{', '.join(map(str, self.items(given)))}]",))
        items = self.full(given)
        if NEW not in items:
            items = [items[axis] for axis in site.orders[0].axes]
        return Form((f"%0{index_of([str(item) for item in items])}",))


def sliced(part: slice, length: int | None) -> int | None:
    """
    The length of a slice; None if it depends on a length that varies.

    >>> sliced(slice(1, -1), 5), sliced(slice(0, 2), None), sliced(slice(None), None)
    (3, None, None)
    """
    return None if length is None else len(range(*part.indices(length)))


@dataclass(frozen=True, kw_only=True)
class Slice(Operation, abstract=True):
    """A block: where it starts and how long it is, along every axis."""

    call_arguments = ("inputs", "start_indices")

    shape_: tuple[int, ...] = setting(old=("shape",), parse=integers)

    def to_keras(self, version: Any) -> dict[str, Any]:
        return {"shape": self.shape_}

    def starts(self, given: Given) -> tuple[int, ...]:
        """Where the block starts."""
        return integers(array_of(given.get("start_indices", ())).tolist())

    def check(self, given: Given) -> None:
        """Known places."""
        if isinstance(given.get("start_indices"), Operand) or len(self.starts(given)) != len(self.shape_):
            raise UnknownLayerError("a block whose place the model computes")

    def result(self, given: Given) -> Shape:
        shape = given["inputs"].shape
        known = zip(shape, self.starts(given), self.shape_, strict=True)
        return tuple(None if n is None and k == -1 else (n or 0) - a if k == -1 else k for n, a, k in known)

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies."""
        order = AxisOrder(arrival.orders[0].axes)
        return Arranged((order, *arrival.orders[1:]), (order,))

    def torch(self, site: Site) -> Form:
        starts = self.starts(self.at(site))
        lengths = site.inputs[0] or (None,) * len(starts)
        items = [
            ":" if start == 0 and size in (-1, length) else f"{start or ''}:{'' if size == -1 else start + size}"
            for start, size, length in zip(starts, self.shape_, lengths, strict=True)
        ]
        axes = site.orders[0].axes or tuple(range(len(items)))
        return Form((f"%0{index_of([items[axis] for axis in axes])}",))


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
        value = given["indices"]
        return value.shape if isinstance(value, Operand) else array_of(value).shape

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
        if len(given) != 2 or not isinstance(given.get("x"), Operand):  # noqa: PLR2004
            raise UnknownLayerError("take_along_axis from a constant, or without indices")

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        value = given["indices"]
        places = value.shape if isinstance(value, Operand) else array_of(value).shape
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
        value = given["indices"]
        places = value.shape if isinstance(value, Operand) else array_of(value).shape
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


def strided(values: dict[str, Any], rank: int) -> Iterator[Any]:
    """The key of a ``StridedSlice``: begin, end, strides and the masks that say which of them count."""
    masks = {
        name: integer(values.get(name) or 0)
        for name in ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    }
    begin, end = (integers(values[name]) for name in ("begin", "end"))
    steps = integers(values.get("strides") or (1,) * rank)
    for i in range(rank):
        bit = 1 << i
        if masks["ellipsis_mask"] & bit:
            yield ELLIPSIS
        elif masks["new_axis_mask"] & bit:
            yield NEW
        elif masks["shrink_axis_mask"] & bit:
            yield begin[i]
        else:
            first = "" if masks["begin_mask"] & bit else begin[i]
            last = "" if masks["end_mask"] & bit else end[i]
            yield f"{first}:{last}{f':{steps[i]}' if steps[i] != 1 else ''}"


class StridedSlice(GetItem, abstract=True):
    """The same, written as numbers and masks."""

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {"x": values["x"], "key": tuple(strided(values, len(integers(values["begin"]))))}


declared(GetItem, "GetItem", "x[key]", "__operators__.getitem(x, slice_spec=key)")
declared(
    StridedSlice,
    "StridedSlice",
    "x[key]",
    "strided_slice(input_=x, begin, end, strides, begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)",
    "StridedSlice(x, begin, end, strides, begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)",
)
declared(
    Slice,
    "Slice",
    "x[start:start + size]",
    "slice(input_=inputs, begin=start_indices, size=shape)",
    "Slice(inputs, start_indices, shape)",
    module="core",
)
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
