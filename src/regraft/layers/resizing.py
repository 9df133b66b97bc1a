"""Images to a given size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, positive, setting
from regraft.layers.spatial import MapShape, data_format
from regraft.layers.upsampling import BY_MATRIX, interpolation
from regraft.layers.version import KerasVersion


def no_aspect(value: Any, _: Reading) -> bool:
    """
    Keeping the aspect ratio is not done here.

    Raises:
        UnknownLayerError: If it is asked for.
    """
    if value:
        raise UnknownLayerError("Resizing that keeps the aspect ratio (crop_to_aspect_ratio, pad_to_aspect_ratio)")
    return False


@dataclass(frozen=True, kw_only=True)
class Resizing(Layer):
    """
    ``(batch, h, w, c) -> (batch, height, width, c)``.

    ``nearest`` takes the pixel whose centre is nearest: PyTorch's ``nearest-exact``.
    Keras: ``keras/src/layers/preprocessing/image_preprocessing/resizing.py``;
    PyTorch: ``torch.nn.functional.interpolate``.
    """

    axis_order: ClassVar = "channels"
    masks: ClassVar = "drop"
    rank: ClassVar = 2

    height: int = setting(parse=positive)
    width: int = setting(parse=positive)
    interpolation: str = setting("bilinear", parse=interpolation)
    antialias: bool = setting(False)
    data_format: str = setting("channels_last", parse=data_format)
    crop_to_aspect_ratio: bool = setting(False, parse=no_aspect)
    pad_to_aspect_ratio: bool = setting(False, parse=no_aspect, keras=False)
    fill_mode: str = setting("constant", keras=False)
    fill_value: float = setting(0.0, keras=False)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        modern = ("antialias", "data_format")
        return config if version.major >= 3 else {k: v for k, v in config.items() if k not in modern}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        if version.major >= 3 or (self.data_format == "channels_last" and not self.antialias):
            return ()
        return ("Resizing of Keras 2 knows neither antialias nor channels_first",)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return MapShape.of(inputs[0], 2, self.data_format).resized((self.height, self.width))

    def torch(self, site: Site) -> Form:
        size = f"({self.height}, {self.width})"
        if self.interpolation == "nearest":
            return Form((f'F.interpolate(%0, {size}, mode="nearest-exact")',))
        smooth = ", antialias=True" if self.antialias else ""
        if self.interpolation in BY_MATRIX:
            return Form((f'resize(%0, {size}, "{self.interpolation}"{smooth})',), snippets=("resize",))
        return Form((f'F.interpolate(%0, {size}, mode="bilinear"{smooth})',))
