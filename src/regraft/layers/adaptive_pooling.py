"""Pooling to a map of given size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import Shape
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import setting, sizes
from regraft.layers.spatial import MapShape, data_format, spread
from regraft.layers.window import number


@dataclass(frozen=True, kw_only=True)
class AdaptivePooling(Layer, abstract=True):
    """Windows that cover the map evenly, as many as ``output_size`` says; the same windows in Keras and PyTorch."""

    axis_order: ClassVar = "channels"
    masks: ClassVar = "drop"
    kind: ClassVar[str] = ""

    output_size: tuple[int, ...] = setting(parse=sizes)
    data_format: str = setting("channels_last", parse=data_format)

    def __post_init__(self) -> None:
        spread(self, "output_size")

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return MapShape.of(inputs[0], self.rank, self.data_format).resized(self.output_size)

    def torch(self, site: Site) -> Form:
        return Form(("%self(%0)",), module=f"nn.Adaptive{self.kind}Pool{self.rank}d({number(self.output_size)})")


@dataclass(frozen=True, kw_only=True)
class AdaptiveAveragePooling1D(AdaptivePooling):
    """
    ``(batch, time, c) -> (batch, output_size, c)``.

    Keras: ``keras/src/layers/pooling/adaptive_average_pooling1d.py``; PyTorch: ``torch.nn.AdaptiveAvgPool1d``.
    """

    rank: ClassVar = 1
    kind: ClassVar = "Avg"


@dataclass(frozen=True, kw_only=True)
class AdaptiveAveragePooling2D(AdaptivePooling):
    """
    ``(batch, h, w, c) -> (batch, *output_size, c)``.

    Keras: ``keras/src/layers/pooling/adaptive_average_pooling2d.py``; PyTorch: ``torch.nn.AdaptiveAvgPool2d``.
    """

    rank: ClassVar = 2
    kind: ClassVar = "Avg"


@dataclass(frozen=True, kw_only=True)
class AdaptiveAveragePooling3D(AdaptivePooling):
    """
    ``(batch, d, h, w, c) -> (batch, *output_size, c)``.

    Keras: ``keras/src/layers/pooling/adaptive_average_pooling3d.py``; PyTorch: ``torch.nn.AdaptiveAvgPool3d``.
    """

    rank: ClassVar = 3
    kind: ClassVar = "Avg"


@dataclass(frozen=True, kw_only=True)
class AdaptiveMaxPooling1D(AdaptivePooling):
    """
    ``(batch, time, c) -> (batch, output_size, c)``.

    Keras: ``keras/src/layers/pooling/adaptive_max_pooling1d.py``; PyTorch: ``torch.nn.AdaptiveMaxPool1d``.
    """

    rank: ClassVar = 1
    kind: ClassVar = "Max"


@dataclass(frozen=True, kw_only=True)
class AdaptiveMaxPooling2D(AdaptivePooling):
    """
    ``(batch, h, w, c) -> (batch, *output_size, c)``.

    Keras: ``keras/src/layers/pooling/adaptive_max_pooling2d.py``; PyTorch: ``torch.nn.AdaptiveMaxPool2d``.
    """

    rank: ClassVar = 2
    kind: ClassVar = "Max"


@dataclass(frozen=True, kw_only=True)
class AdaptiveMaxPooling3D(AdaptivePooling):
    """
    ``(batch, d, h, w, c) -> (batch, *output_size, c)``.

    Keras: ``keras/src/layers/pooling/adaptive_max_pooling3d.py``; PyTorch: ``torch.nn.AdaptiveMaxPool3d``.
    """

    rank: ClassVar = 3
    kind: ClassVar = "Max"
