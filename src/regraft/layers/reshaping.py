"""Layers that move or repeat elements without changing them: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import Shape
from regraft.layers.base import Layer
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import plain, positive, setting


def product(axes: tuple[int | None, ...]) -> int | None:
    """Number of elements, None if an axis varies."""
    return None if any(axis is None for axis in axes) else math.prod(axis or 0 for axis in axes)


@dataclass(frozen=True, kw_only=True)
class Flatten(Layer):
    """
    ``(batch, h, w, c) -> (batch, h * w * c)``, always in channels-last order, whatever ``data_format`` says.

    If everything behind it can take PyTorch's order, the map is flattened as it lies and the Dense kernel moves instead.
    Keras: ``keras/src/layers/reshaping/flatten.py``; PyTorch: ``torch.Tensor.flatten``.
    """

    masks: ClassVar = "drop"
    data_format: str = setting("channels_last", old=("dim_ordering",), before={(2, 0, 0): "channels_last"})

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return (None, None) if shape is None else (shape[0], product(shape[1:]) if len(shape) > 1 else 1)

    def arrange(self, arrival: Arrival) -> Arranged:
        """Take the map as it lies where the consumers can absorb its order, else put it in Keras order first."""
        (order,), (shape,) = arrival.orders, arrival.shapes
        rank = len(order.axes)
        last = AxisOrder.channels_first(rank)
        if shape is not None and rank >= 3 and order == last and self.data_format != "channels_first":
            sizes = shape[1:]
            if math.prod(size or 2 for size in sizes[:-1]) == 1:
                return Arranged((order,), (AxisOrder.keras(2),))
            if arrival.absorbed and all(size is not None for size in sizes):
                return Arranged((order,), (AxisOrder((0, 1), tuple(size or 0 for size in sizes)),))
        return Arranged((AxisOrder.keras(rank),), (AxisOrder.keras(2),))

    def torch(self, site: Site) -> Form:
        if self.data_format == "channels_first" and site.rank >= 3:
            return Form(("%0.movedim(1, -1).flatten(1)",))
        return Form(("%0.flatten(1)" if site.rank != 1 else "%0.unsqueeze(1)",))
