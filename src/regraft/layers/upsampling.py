"""Enlarging maps by whole factors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, setting, sizes
from regraft.layers.spatial import MapShape, map_sizes, spread, stated_data_format
from regraft.layers.version import KerasVersion
from regraft.layers.window import number

#: Methods that need the weights of TensorFlow's own kernels.
BY_MATRIX = ("bicubic", "lanczos3", "lanczos5")


def interpolation(value: Any, _: Reading) -> str:
    """
    Read the name of a method.

    Raises:
        UnknownLayerError: For ``area``, ``gaussian`` and ``mitchellcubic`` of Keras 2.
    """
    name = value.lower() if isinstance(value, str) else value
    if name not in ("nearest", "bilinear", *BY_MATRIX):
        raise UnknownLayerError(f"interpolation {quote(value)} is not known")
    return name


@dataclass(frozen=True, kw_only=True)
class UpSampling(Layer, abstract=True):
    """Every element is repeated ``size`` times along each spatial axis."""

    axis_order: ClassVar = "channels"
    masks: ClassVar = "drop"

    size: tuple[int, ...] = setting(2, old=("length",), parse=sizes)

    def __post_init__(self) -> None:
        spread(self, "size")

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        arriving = MapShape.of(inputs[0], self.rank, getattr(self, "data_format", "channels_last"))
        axes = zip(arriving.sizes, self.size, strict=True)
        return arriving.resized([None if n is None else n * factor for n, factor in axes])

    def torch(self, site: Site) -> Form:
        return Form(("%self(%0)",), module=f"nn.Upsample(scale_factor={number(self.size)})")


@dataclass(frozen=True, kw_only=True)
class UpSampling1D(UpSampling):
    """
    ``(batch, time, c) -> (batch, time * size, c)``.

    Keras: ``keras/src/layers/reshaping/up_sampling1d.py``; PyTorch: ``torch.nn.Upsample``.
    """

    rank: ClassVar = 1

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {"size": self.size[0]}


@dataclass(frozen=True, kw_only=True)
class UpSampling2D(UpSampling):
    """
    ``(batch, h, w, c) -> (batch, h * size, w * size, c)`` by repetition or interpolation.

    Bilinear interpolation takes the centres of the pixels as their places, as PyTorch does. The stand-alone Keras 2.2
    and 2.3 and tf.keras up to 2.1.6-tf took their corners: ``resize_bilinear`` without ``half_pixel_centers``.
    TensorFlow 1.13 (corners) to 2.1 (centres) all wrote the version 2.2.4-tf, which counts as centres.
    TensorFlow's bicubic weights are those of a = -0.5, PyTorch's of -0.75.
    Keras: ``keras/src/layers/reshaping/up_sampling2d.py``; PyTorch: ``torch.nn.Upsample``.
    """

    rank: ClassVar = 2

    data_format: str = setting(
        "channels_last", old=("dim_ordering",), parse=stated_data_format, before={(2, 0, 0): None}
    )
    interpolation: str = setting("nearest", parse=interpolation)
    corners: bool = setting(False, keras=False)

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        layer = super().from_keras(reading)
        old = reading.version.standalone or reading.version.before(2, 2, 4)
        return replace(layer, corners=old and layer.interpolation == "bilinear")

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        if not self.corners:
            return ()
        return ("the Keras that wrote the file interpolates between pixel corners, this version between their centres",)

    def torch(self, site: Site) -> Form:
        if self.corners:
            return Form((f"upsample_corners(%0, {self.size})",), snippets=("upsample_corners",))
        if self.interpolation == "nearest":
            return super().torch(site)
        if self.interpolation == "bilinear":
            return Form(("%self(%0)",), module=f'nn.Upsample(scale_factor={number(self.size)}, mode="bilinear")')
        sizes_out = [
            f"{factor} * %0.shape[{axis}]" if n is None else str(factor * n)
            for axis, (n, factor) in enumerate(zip(map_sizes(site, 2), self.size, strict=True), start=2)
        ]
        return Form((f'resize(%0, ({", ".join(sizes_out)}), "{self.interpolation}")',), snippets=("resize",))


@dataclass(frozen=True, kw_only=True)
class UpSampling3D(UpSampling):
    """
    ``(batch, d, h, w, c)``, every spatial axis ``size`` times as long.

    Keras: ``keras/src/layers/reshaping/up_sampling3d.py``; PyTorch: ``torch.nn.Upsample``.
    """

    rank: ClassVar = 3

    data_format: str = setting(
        "channels_last", old=("dim_ordering",), parse=stated_data_format, before={(2, 0, 0): None}
    )
