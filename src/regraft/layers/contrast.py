"""Changes of contrast that Keras makes at inference too, unlike its other augmentations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, plain, setting
from regraft.layers.spatial import data_format
from regraft.layers.version import KerasVersion


def value_range(value: Any, _: Reading) -> tuple[float, float]:
    """The darkest and the brightest value."""
    found = plain(value)
    if not isinstance(found, tuple) or len(found) != 2 or found[0] == found[1]:
        raise UnknownLayerError(f"value_range {quote(value)}")
    return found  # pyright: ignore[reportReturnType]


@dataclass(frozen=True, kw_only=True)
class Contrast(Layer, abstract=True):
    """What both share: images of a range of values, in which every channel is on its own."""

    axis_order: ClassVar = "channels"
    masks: ClassVar = "drop"
    rank: ClassVar = 2

    value_range: tuple[float, float] = setting((0, 255), parse=value_range)
    #: What the base class of augmentations brings.
    bounding_box_format: str | None = setting(None, keras=False)
    data_format: str = setting("channels_last", parse=data_format)

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return (f"Keras 2 has no {type(self).__name__}",) if version.major < 3 else ()

    def limits(self) -> str:
        """The range as arguments, if it is not that of bytes."""
        low, high = self.value_range
        return "" if (low, high) == (0, 255) else f", low={float(low)!r}, high={float(high)!r}"


@dataclass(frozen=True, kw_only=True)
class AutoContrast(Contrast):
    """
    Every channel of an image stretched to the whole range; one that is the same everywhere stays.

    Keras takes the extremes over axes 1 and 2 in either data format: channels first that is one column over all channels.
    Keras: ``keras/src/layers/preprocessing/image_preprocessing/auto_contrast.py``; PyTorch: ``Tensor.amin`` and
    ``Tensor.amax``.
    """

    def torch(self, site: Site) -> Form:
        dims = ", dims=(1, 2)" if self.data_format == "channels_first" else ""
        return Form((f"auto_contrast(%0{self.limits()}{dims})",), snippets=("auto_contrast",))


def tiles(value: Any, _: Reading) -> tuple[int, int]:
    """Number of tiles along both axes."""
    found = plain(value)
    if not isinstance(found, tuple) or len(found) != 2 or not all(isinstance(n, int) and n > 0 for n in found):
        raise UnknownLayerError(f"tile_grid_size {quote(value)}")
    return found  # pyright: ignore[reportReturnType]


@dataclass(frozen=True, kw_only=True)
class ContrastLimitedAdaptiveHistogramEqualization(Contrast):
    """
    Histograms of tiles made even, with limits, and blended between the tiles.

    Keras: ``keras/src/layers/preprocessing/image_preprocessing/clahe.py``; PyTorch: ``Tensor.scatter_add`` and
    ``Tensor.gather``.
    """

    clip_limit: float = setting(4.0)
    tile_grid_size: tuple[int, int] = setting((8, 8), parse=tiles)

    def torch(self, site: Site) -> Form:
        text = f"equalize_tiles(%0, {self.tile_grid_size}, {float(self.clip_limit)!r}{self.limits()})"
        return Form((text,), snippets=("equalize_tiles",))
