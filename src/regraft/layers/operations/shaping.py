"""Operations that give elements another shape, or repeat them: reshape, tile, pad."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation
from regraft.layers.operations.moving import checked, declared
from regraft.layers.operations.operands import Given, Operand, array_of, number
from regraft.layers.operations.parsing import integer, integers, optional_integer, word
from regraft.layers.order import AxisOrder
from regraft.layers.regrouping import Regrouping, regrouped
from regraft.layers.settings import setting


def product(axes: Sequence[int | None]) -> int | None:
    """Number of elements; None if an axis varies."""
    return None if None in axes else math.prod(n or 0 for n in axes)


def lengths(value: Any, _: object = None) -> tuple[int, ...]:
    """Axis lengths, one of which may be -1."""
    found = integers(value)
    if any(n < -1 for n in found) or found.count(-1) > 1:
        raise UnknownLayerError(f"the shape {quote(value)}")
    return found


@dataclass(frozen=True, kw_only=True)
class Reshape(Operation, abstract=True):
    """
    The elements in another shape, in the order of Keras.

    Axes that stay neighbours are reshaped as they lie in PyTorch; otherwise the tensor is put in Keras order first.
    """

    newshape: tuple[int, ...] = setting(parse=lengths)

    def result(self, given: Given) -> Shape:
        return self.target(given["x"].shape)

    def target(self, shape: Shape) -> Shape:
        """The shape of the result; -1 is worked out, also where the batch axis is what it stands for."""
        count = product(shape or (None,))
        known = math.prod(n for n in self.newshape if n != -1)
        if count is not None and (count % known if -1 in self.newshape else count != known):
            raise ValueError(f"{count} elements cannot take the shape {self.newshape}")
        rest = None if count is None else count // max(known, 1)
        return tuple(rest if n == -1 else n for n in self.newshape)

    def regrouping(self, shape: Shape, order: AxisOrder) -> Regrouping | None:
        """The reshape as the tensor lies, if the batch axis stays and that is possible."""
        if not shape or not order.axes or self.newshape[:1] != (-1,):
            return None
        if product(shape[1:]) != math.prod(self.newshape[1:]) or shape[0] is not None:
            return None
        return regrouped(shape, (None, *self.newshape[1:]), order)

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies if that is possible."""
        order = AxisOrder(arrival.orders[0].axes)
        found = self.regrouping(arrival.shapes[0], order)
        return Arranged((order,), (found.order,)) if found else super().arrange(arrival)

    def torch(self, site: Site) -> Form:
        found = self.regrouping(site.inputs[0], site.orders[0])
        if found and found.order == site.output_orders[0]:
            return Form((found.text,))
        return Form((f"%0.reshape({', '.join(map(str, self.newshape)) or '()'})",))


@dataclass(frozen=True, kw_only=True)
class ComputedReshape(Operation, abstract=True):
    """The elements in a shape that the model computes."""

    def result(self, given: Given) -> Shape:
        wanted = given["shape"]
        if isinstance(wanted, Operand):
            return None if not wanted.shape or wanted.shape[0] is None else (None,) * wanted.shape[0]
        return tuple(n if isinstance(n, int) and n >= 0 else None for n in wanted)

    def check(self, given: Given) -> None:
        """A tensor, or numbers and tensors."""
        wanted = given.get("shape")
        for item in wanted if isinstance(wanted, tuple) else (wanted,):  # type: ignore[reportUnknownVariableType]
            if not isinstance(item, Operand):
                integer(item)

    def torch(self, site: Site) -> Form:
        wanted = self.at(site)["shape"]
        if isinstance(wanted, Operand):
            return Form((f"%0.reshape({wanted.text}.tolist())",))
        sizes = ", ".join(n.text if isinstance(n, Operand) else str(n) for n in wanted)
        return Form((f"%0.reshape({sizes})",))


class Ravel(Operation, abstract=True):
    """All elements in one row."""

    def result(self, given: Given) -> Shape:
        return (product(given["x"].shape),)

    def torch(self, site: Site) -> Form:
        return Form(("%0.flatten()",))


@dataclass(frozen=True, kw_only=True)
class BroadcastTo(Operation, abstract=True):
    """Repeated along axes of length 1 until the shape is reached."""

    shape_: tuple[int, ...] = setting(old=("shape",), parse=integers)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return values

    def to_keras(self, version: Any) -> dict[str, Any]:
        return {"shape": self.shape_}

    def result(self, given: Given) -> Shape:
        return self.shape_

    def torch(self, site: Site) -> Form:
        return Form((f"%0.broadcast_to({self.shape_})",))


@dataclass(frozen=True, kw_only=True)
class Tile(Operation, abstract=True):
    """The tensor repeated as a whole along its axes."""

    repeats: tuple[int, ...] = setting(parse=integers)

    def result(self, given: Given) -> Shape:
        rank = max(len(given["x"].shape), len(self.repeats))
        shape: tuple[int | None, ...] = (*(1,) * (rank - len(given["x"].shape)), *given["x"].shape)
        times = (*(1,) * (rank - len(self.repeats)), *self.repeats)
        return tuple(None if n is None else n * k for n, k in zip(shape, times, strict=True))

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies, unless there are more numbers than axes."""
        order = AxisOrder(arrival.orders[0].axes)
        return Arranged((order,), (order,)) if len(self.repeats) <= len(order.axes) else super().arrange(arrival)

    def torch(self, site: Site) -> Form:
        order = site.orders[0]
        times = (1,) * (len(order.axes) - len(self.repeats)) + self.repeats
        moved = [times[axis] for axis in order.axes] if len(times) == len(order.axes) else times
        return Form((f"%0.repeat({', '.join(map(str, moved))})",))


@dataclass(frozen=True, kw_only=True)
class Repeat(Operation, abstract=True):
    """Each element repeated along an axis; without an axis, of all elements in the order of Keras."""

    repeats: int | tuple[int, ...] = setting(
        parse=lambda v, _: integers(v) if isinstance(v, list | tuple) else integer(v)
    )
    axis: int | None = setting(None, parse=optional_integer)

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        if self.axis is None:
            shape = (product(shape),)
        place = 0 if self.axis is None else checked(self.axis, len(shape))
        times = integers(self.repeats)
        length = shape[place] if len(times) == 1 else 1
        longer = None if length is None else length * sum(times)
        return (*shape[:place], longer, *shape[place + 1 :])

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies, if an axis is named."""
        order = AxisOrder(arrival.orders[0].axes)
        return super().arrange(arrival) if self.axis is None else Arranged((order,), (order,))

    def torch(self, site: Site) -> Form:
        times = integers(self.repeats)
        many = str(times[0]) if len(times) == 1 else f"torch.tensor({list(times)}, device=%0.device)"
        if self.axis is None:
            return Form((f"%0.flatten().repeat_interleave({many})",))
        return Form((f"%0.repeat_interleave({many}, dim={site.orders[0].dim(self.axis)})",))


def widths(value: Any, _: object = None) -> tuple[tuple[int, int], ...]:
    """Pairs (before, after) for every axis; one pair stands for all axes."""
    if not isinstance(value, list | tuple):
        value = ((value, value),)
    elif value and not isinstance(value[0], list | tuple):
        value = (value,)
    pairs = tuple(integers(pair) for pair in value)  # type: ignore[reportUnknownVariableType]
    pairs = tuple((pair[0], pair[-1]) for pair in pairs)
    if any(n < 0 for pair in pairs for n in pair):
        raise UnknownLayerError(f"padding by {quote(value)}")
    return pairs


@dataclass(frozen=True, kw_only=True)
class Pad(Operation, abstract=True):
    """Values added around a tensor: a constant, or its own mirrored."""

    call_arguments = ("x", "constant_values")

    pad_width: tuple[tuple[int, int], ...] = setting(parse=widths)
    mode: str = setting("constant", parse=word)

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        mode = str(values.get("mode", "constant")).lower()
        kept = {k: v for k, v in values.items() if k != "constant_values" or mode == "constant"}
        return {**kept, "mode": mode}

    @classmethod
    def to_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "mode": str(values.get("mode", "constant")).upper()}

    def check(self, given: Given) -> None:
        """A constant or mirrored."""
        if self.mode not in ("constant", "reflect", "symmetric"):
            raise UnknownLayerError(f"padding of the mode {quote(self.mode)}")
        if "constant_values" in given:
            number(array_of(given["constant_values"]).item())

    def pairs(self, rank: int) -> tuple[tuple[int, int], ...]:
        """A pair for every axis."""
        return self.pad_width * rank if len(self.pad_width) == 1 else self.pad_width

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        pairs = self.pairs(len(shape))
        return tuple(None if n is None else n + a + b for n, (a, b) in zip(shape, pairs, strict=True))

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies."""
        order = AxisOrder(arrival.orders[0].axes)
        return Arranged((order,), (order,))

    def torch(self, site: Site) -> Form:
        rank = site.rank
        if not rank:
            raise UnknownLayerError("padding of a tensor of unknown rank")
        pairs = [self.pairs(rank)[axis] for axis in site.orders[0].axes]
        amounts = [n for pair in reversed(pairs) for n in pair]
        while amounts[-2:] == [0, 0]:
            del amounts[-2:]
        text = ", ".join(map(str, amounts))
        if not amounts:
            return Form(("%0",))
        if self.mode == "constant":
            value = array_of(self.at(site).get("constant_values", 0)).item()
            return Form((f"F.pad(%0, ({text}){f', value={value!r}' if value else ''})",))
        spatial = max(rank - 2, 1)
        if self.mode == "reflect" and len(amounts) <= 2 * spatial <= 6:
            text = ", ".join(map(str, [*amounts, *[0] * (2 * spatial - len(amounts))]))
            return Form((f'F.pad(%0, ({text}), mode="reflect")',))
        edge = self.mode == "symmetric"
        value = "%0"
        for dim, (before, after) in enumerate(pairs):
            if before or after:
                value = f"pad_mirrored({value}, {dim}, {before}, {after}, edge={edge})"
        return Form((value,), snippets=("pad_mirrored",))


declared(Reshape, "Reshape", "x.reshape(newshape)", "reshape(tensor=x, shape=newshape)", "Reshape(x, newshape)")
declared(
    ComputedReshape,
    "ComputedReshape",
    "x.reshape(shape)",
    "reshape(tensor=x, shape)",
    "Reshape(x, shape)",
    module="tensorflow",
    call_arguments=("x", "shape"),
)
declared(Ravel, "Ravel", "x.flatten()")
declared(BroadcastTo, "BroadcastTo", "x.broadcast_to(shape)", "broadcast_to(input=x, shape)", "BroadcastTo(x, shape)")
declared(Tile, "Tile", "x.repeat(repeats)", "tile(input=x, multiples=repeats)", "Tile(x, repeats)")
declared(Repeat, "Repeat", "x.repeat_interleave(repeats, axis)", "repeat(input=x, repeats, axis)")
declared(
    Pad,
    "Pad",
    "F.pad(x, pad_width)",
    "compat.v1.pad(tensor=x, paddings=pad_width, mode=(mode, 'CONSTANT'), constant_values) | "
    "pad(tensor=x, paddings=pad_width, mode=(mode, 'CONSTANT'), constant_values)",
    "Pad(x, pad_width) | PadV2(x, pad_width, constant_values) | MirrorPad(x, pad_width, mode)",
)
