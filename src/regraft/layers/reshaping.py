"""Layers that move or repeat elements without changing them: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.errors import BlueprintError, UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.regrouping import regrouped
from regraft.layers.settings import Reading, plain, positive, setting
from regraft.layers.spatial import data_format


def product(axes: tuple[int | None, ...]) -> int | None:
    """Number of elements, None if an axis varies."""
    return None if any(axis is None for axis in axes) else math.prod(axis or 0 for axis in axes)


def flat_format(value: Any, reading: Reading) -> str:
    """The data format of Flatten; Keras 1 had none and flattened in the order of the axes."""
    return "channels_last" if value is None or reading.version.before(2) else data_format(value, reading)


def flat_order(shape: Shape, order: AxisOrder, absorbed: bool) -> AxisOrder | None:
    """The order of a map that is flattened as it lies in PyTorch; None if it must lie as in Keras first."""
    if shape is None or order.flat:
        return None
    if regrouped(shape, (shape[0], product(shape[1:])), order):
        return AxisOrder.keras(2)
    known = tuple(size for size in shape[1:] if size is not None)
    if absorbed and len(shape) >= 3 and order == AxisOrder.channels_first(len(shape)) and len(known) == len(shape) - 1:
        return AxisOrder((0, 1), known)
    return None


class Moving(Layer, abstract=True):
    """A layer that moves elements: what the order of its input was good for ends here."""

    masks: ClassVar = "drop"

    @property
    def passes_order(self) -> bool:
        return False


@dataclass(frozen=True, kw_only=True)
class Flatten(Moving):
    """
    ``(batch, h, w, c) -> (batch, h * w * c)``, always in channels-last order, whatever ``data_format`` says.

    If everything behind it can take PyTorch's order, the map is flattened as it lies and the Dense kernel moves instead.
    Keras: ``keras/src/layers/reshaping/flatten.py``; PyTorch: ``torch.Tensor.flatten``.
    """

    data_format: str = setting("channels_last", old=("dim_ordering",), parse=flat_format)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return (None, None) if shape is None else (shape[0], product(shape[1:]) if len(shape) > 1 else 1)

    def arrange(self, arrival: Arrival) -> Arranged:
        """Take the map as it lies where the consumers can absorb its order, else put it in channels-last order first."""
        (order,), (shape,) = arrival.orders, arrival.shapes
        rank = len(order.axes)
        if rank < 2:
            return Arranged((AxisOrder(order.axes),), (AxisOrder.keras(2),))
        # The places of the axes once the channels are last: this order is flattened.
        last = (0, *range(2, rank), 1) if self.data_format == "channels_first" else tuple(range(rank))
        seen = AxisOrder(tuple(last.index(axis) for axis in order.axes), order.flat)
        flat = flat_order(None if shape is None else tuple(shape[axis] for axis in last), seen, arrival.absorbed)
        return Arranged((order,), (flat,)) if flat else Arranged((AxisOrder(last),), (AxisOrder.keras(2),))

    def torch(self, site: Site) -> Form:
        if not site.orders[0].axes and self.data_format == "channels_first":
            return Form(("%0.movedim(1, -1).flatten(1)",))
        return Form(("%0" if site.rank == 2 else "%0.unsqueeze(1)" if site.rank == 1 else "%0.flatten(1)",))


def target_shape(value: Any, _: Reading) -> tuple[int, ...]:
    """Axis lengths, one of which may be -1."""
    target = plain(value) if isinstance(value, list | tuple) else (value,)
    valid = all(isinstance(n, int) and not isinstance(n, bool) and (n >= 1 or n == -1) for n in target)
    if not valid or target.count(-1) > 1:
        raise UnknownLayerError(f"Reshape to {quote(value)}")
    return target


@dataclass(frozen=True, kw_only=True)
class Reshape(Moving):
    """
    The elements of each sample in another shape, in the order of Keras.

    Axes that stay neighbours are reshaped as they lie in PyTorch; otherwise the tensor is put in Keras order first.
    Keras: ``keras/src/layers/reshaping/reshape.py``; PyTorch: ``torch.Tensor.reshape``.
    """

    target_shape: tuple[int, ...] = setting(old=("dims",), parse=target_shape)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        count = None if shape is None else product(shape[1:])
        known = math.prod(n for n in self.target_shape if n != -1)
        if count is not None and (count % known if -1 in self.target_shape else count != known):
            raise BlueprintError(f"{count} elements cannot take the shape {self.target_shape}")
        rest = None if count is None else count // known
        return (None if shape is None else shape[0], *(rest if n == -1 else n for n in self.target_shape))

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies if that is possible, else in Keras order."""
        (order,), (shape,) = arrival.orders, arrival.shapes
        target = self.shape((shape,))
        keras = AxisOrder.keras(len(order.axes))
        if shape is None or not order.axes or target is None:
            return Arranged((keras,), (AxisOrder.keras(len(self.target_shape) + 1),))
        if len(target) == 2 and (flat := flat_order(shape, order, arrival.absorbed)):
            return Arranged((order,), (flat,))
        found = regrouped(shape, target, order)
        if found is None:
            order, found = keras, regrouped(shape, target, keras)
        return Arranged((order,), (found.order if found else AxisOrder.keras(len(target)),))

    def torch(self, site: Site) -> Form:
        shape, order = site.inputs[0], site.orders[0]
        target = self.shape((shape,))
        if target is not None and len(target) == 2:
            return Form(("%0" if site.rank == 2 else "%0.flatten(1)",))
        found = regrouped(shape, target, order) if shape is not None and target is not None and order.axes else None
        sizes = ", ".join(map(str, self.target_shape))
        return Form((found.text if found else f"%0.reshape(%0.shape[0], {sizes})",))


def permutation(value: Any, _: Reading) -> tuple[int, ...]:
    """Axes counted from 1, each once."""
    dims = plain(value)
    if not isinstance(dims, tuple) or sorted(map(str, dims)) != sorted(map(str, range(1, len(dims) + 1))):
        raise UnknownLayerError(f"Permute by {quote(value)}")
    return tuple(int(dim) for dim in dims)


@dataclass(frozen=True, kw_only=True)
class Permute(Moving):
    """
    The axes of each sample in another order: output axis ``i`` is input axis ``dims[i - 1]``, counted from 1.

    Nothing moves: from here on another Keras axis is known to lie in each dimension.
    Keras: ``keras/src/layers/reshaping/permute.py``; PyTorch: ``torch.Tensor.permute``, where an order is needed.
    """

    dims: tuple[int, ...] = setting(parse=permutation)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if shape is not None and len(shape) != len(self.dims) + 1:
            raise BlueprintError(f"{len(shape)} axes cannot be permuted by {self.dims}")
        return None if shape is None else (shape[0], *(shape[dim] for dim in self.dims))

    def arrange(self, arrival: Arrival) -> Arranged:
        """Any order; the result is the same tensor under new axis numbers."""
        order = AxisOrder(arrival.orders[0].axes or tuple(range(len(self.dims) + 1)))
        return Arranged((order,), (AxisOrder(tuple((0, *self.dims).index(axis) for axis in order.axes)),))

    def torch(self, site: Site) -> Form:
        return Form(("%0",))


@dataclass(frozen=True, kw_only=True)
class RepeatVector(Moving):
    """
    ``(batch, c) -> (batch, n, c)``.

    Keras: ``keras/src/layers/reshaping/repeat_vector.py``; PyTorch: ``torch.Tensor.expand``.
    """

    axis_order: ClassVar = "keras"

    n: int = setting(parse=positive)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return (None, self.n, None) if shape is None else (shape[0], self.n, shape[1])

    def arrange(self, arrival: Arrival) -> Arranged:
        """Vectors have one order."""
        return Arranged((AxisOrder.keras(len(arrival.orders[0].axes)),), (AxisOrder.keras(3),))

    def torch(self, site: Site) -> Form:
        return Form((f"%0.unsqueeze(1).expand(-1, {self.n}, -1)",))
