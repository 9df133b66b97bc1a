"""Operations that pick parts of a tensor: indices, slices, blocks."""

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
from regraft.layers.operations.moving import declared
from regraft.layers.operations.operands import Given, Operand, array_of
from regraft.layers.operations.parsing import integer, integers
from regraft.layers.operations.reductions import reduced_order
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting

SLICE = re.compile(r"(-?[0-9]{1,10})?:(-?[0-9]{1,10})?(?::(-?[0-9]{1,10}))?")
ELLIPSIS, NEW, BACKWARDS = "...", "None", "::-1"


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
    part: Any = held.get("config") if held.get("class_name") == "__slice__" else held
    if not isinstance(part, Mapping):
        return held
    ends: list[Any] = [cast("Mapping[str, Any]", part).get(name) for name in ("start", "stop", "step")]
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

    A key is a tuple of integers and texts: ``"1:5"`` for a slice, ``"..."``, ``"None"`` for a new axis. PyTorch has no
    slices that step backwards: a whole axis is flipped instead. Lists and tensors as indices are not done.
    """

    call_arguments = ("x", "key")

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        if "begin" not in values:
            return values
        return {"x": values["x"], "key": tuple(strided(values, len(integers(values["begin"]))))}

    @classmethod
    def read_arguments(cls, values: dict[str, Any]) -> dict[str, Any]:
        key = values.get("key")
        items = cast("tuple[Any, ...]", key) if isinstance(key, tuple) else (key,)
        return {**values, "key": tuple(map(item_of, items))}

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
                if item != BACKWARDS and (slice_of(item).step or 1) < 1:
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
            if BACKWARDS in self.items(given):
                raise UnknownLayerError("a slice backwards of a tensor of unknown rank")
            return Form((f"%0[{', '.join(map(str, self.items(given)))}]",))
        items = self.full(given)
        if NEW not in items:
            items = [items[axis] for axis in site.orders[0].axes]
        turned = [i for i, item in enumerate(n for n in items if n != NEW) if item == BACKWARDS]
        flip = f".flip({', '.join(map(str, turned))})" if turned else ""
        kept = [":" if item == BACKWARDS else str(item) for item in items]
        return Form((f"%0{flip}{index_of(kept)}",))


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


MASKS = "begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask"
declared(
    GetItem,
    "GetItem",
    "x[key]",
    f"__operators__.getitem(x, slice_spec=key) | strided_slice(input_=x, begin, end, strides, {MASKS})",
    f"StridedSlice(x, begin, end, strides, {MASKS})",
)
declared(
    Slice,
    "Slice",
    "x[start:start + size]",
    "slice(input_=inputs, begin=start_indices, size=shape)",
    "Slice(inputs, start_indices, shape)",
    module="core",
)
