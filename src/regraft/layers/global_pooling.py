"""Pooling over the whole map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import Shape
from regraft.layers.base import Layer
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting
from regraft.layers.spatial import MapShape, data_format


@dataclass(frozen=True, kw_only=True)
class GlobalPooling(Layer, abstract=True):
    """One number a channel; with ``keepdims`` the spatial axes stay, of length 1."""

    masks: ClassVar = "drop"
    method: ClassVar[str] = ""

    data_format: str = setting("channels_last", old=("dim_ordering",), parse=data_format, before={(2, 0, 0): None})
    keepdims: bool = setting(False)

    @property
    def passes_order(self) -> bool:
        """Only a map that stays a map has an order to pass on."""
        return self.keepdims

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        arriving = MapShape.of(inputs[0], self.rank, self.data_format)
        return arriving.resized((1,) * self.rank) if self.keepdims else (arriving.batch, arriving.channels)

    def arrange(self, arrival: Arrival) -> Arranged:
        """The map is taken as it lies: the dimensions are named instead."""
        order = AxisOrder(arrival.orders[0].axes or AxisOrder.keras(self.rank + 2).axes)
        return Arranged((order,), (order if self.keepdims else AxisOrder.keras(2),))

    def dims(self, site: Site) -> tuple[int, ...]:
        """The PyTorch dimensions of the spatial axes."""
        start = 2 if self.data_format == "channels_first" else 1
        return tuple(sorted(site.orders[0].dim(axis) for axis in range(start, start + self.rank)))

    def over(self, tensor: str, method: str, site: Site) -> str:
        """A reduction of a tensor over the spatial axes."""
        dims = self.dims(site)
        return f"{tensor}.{method}({dims if self.rank > 1 else dims[0]}{', keepdim=True' if self.keepdims else ''})"

    def torch(self, site: Site) -> Form:
        return Form((self.over("%0", self.method, site),))


class GlobalAverage(GlobalPooling, abstract=True):
    """The mean of every channel."""

    method: ClassVar = "mean"


class GlobalMax(GlobalPooling, abstract=True):
    """The largest element of every channel."""

    method: ClassVar = "amax"


@dataclass(frozen=True, kw_only=True)
class GlobalAveragePooling1D(GlobalAverage):
    """
    ``(batch, time, c) -> (batch, c)``; with a mask the mean of the steps that it keeps. The mask ends here.

    Keras: ``keras/src/layers/pooling/global_average_pooling1d.py``; PyTorch: ``torch.Tensor.mean``.
    """

    rank: ClassVar = 1
    aliases: ClassVar = ("GlobalAvgPool1D",)

    def torch(self, site: Site) -> Form:
        if not site.masks[0]:
            return super().torch(site)
        (time,) = self.dims(site)
        kept = f"%kept = %m0.unsqueeze({3 - time})"
        steps = self.over("torch.where(%kept, %0, 0.0)", "sum", site)
        return Form((f"{steps} / {self.over('%kept', 'sum', site)}",), before=(kept,))


@dataclass(frozen=True, kw_only=True)
class GlobalAveragePooling2D(GlobalAverage):
    """
    ``(batch, h, w, c) -> (batch, c)``.

    Keras: ``keras/src/layers/pooling/global_average_pooling2d.py``; PyTorch: ``torch.Tensor.mean``.
    """

    rank: ClassVar = 2
    aliases: ClassVar = ("GlobalAvgPool2D",)


@dataclass(frozen=True, kw_only=True)
class GlobalAveragePooling3D(GlobalAverage):
    """
    ``(batch, d, h, w, c) -> (batch, c)``.

    Keras: ``keras/src/layers/pooling/global_average_pooling3d.py``; PyTorch: ``torch.Tensor.mean``.
    """

    rank: ClassVar = 3
    aliases: ClassVar = ("GlobalAvgPool3D",)


@dataclass(frozen=True, kw_only=True)
class GlobalMaxPooling1D(GlobalMax):
    """
    ``(batch, time, c) -> (batch, c)``; it knows no mask.

    Keras: ``keras/src/layers/pooling/global_max_pooling1d.py``; PyTorch: ``torch.Tensor.amax``.
    """

    rank: ClassVar = 1
    aliases: ClassVar = ("GlobalMaxPool1D",)


@dataclass(frozen=True, kw_only=True)
class GlobalMaxPooling2D(GlobalMax):
    """
    ``(batch, h, w, c) -> (batch, c)``.

    Keras: ``keras/src/layers/pooling/global_max_pooling2d.py``; PyTorch: ``torch.Tensor.amax``.
    """

    rank: ClassVar = 2
    aliases: ClassVar = ("GlobalMaxPool2D",)


@dataclass(frozen=True, kw_only=True)
class GlobalMaxPooling3D(GlobalMax):
    """
    ``(batch, d, h, w, c) -> (batch, c)``.

    Keras: ``keras/src/layers/pooling/global_max_pooling3d.py``; PyTorch: ``torch.Tensor.amax``.
    """

    rank: ClassVar = 3
    aliases: ClassVar = ("GlobalMaxPool3D",)
