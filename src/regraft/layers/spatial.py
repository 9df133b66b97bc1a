"""Maps: tensors with a batch axis, one to three spatial axes and a channel axis, in either ``data_format``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Site
from regraft.layers.settings import Reading

#: Names of the spatial axes of a kernel, by number of axes.
KERNEL_AXES = {1: "kw", 2: "kh kw", 3: "kd kh kw"}
#: Both settings, under the names of Keras 2 and 3 and of Keras 1.
FORMATS = {
    "channels_last": "channels_last",
    "channels_first": "channels_first",
    "tf": "channels_last",
    "th": "channels_first",
}


@dataclass(frozen=True)
class MapShape:
    """The shape of a map, taken apart; None for an axis that varies."""

    batch: int | None
    sizes: tuple[int | None, ...]
    channels: int | None
    first: bool

    @classmethod
    def of(cls, shape: Shape, rank: int, data_format: str) -> MapShape:
        """
        Take a Keras shape apart; an unknown shape becomes one of the right rank with every axis unknown.

        Raises:
            ValueError: If the shape has not ``rank`` spatial axes.
        """
        first = data_format == "channels_first"
        if shape is None:
            return cls(None, (None,) * rank, None, first)
        if len(shape) != rank + 2:
            raise ValueError(f"expected {rank + 2} axes, {rank} of them spatial, found shape {shape}")
        if first:
            return cls(shape[0], shape[2:], shape[1], first)
        return cls(shape[0], shape[1:-1], shape[-1], first)

    def resized(self, sizes: Sequence[int | None], channels: int | None = None) -> Shape:
        """
        The Keras shape with other sizes and, if given, another number of channels.

        Raises:
            ValueError: If nothing of the map would be left.
        """
        if any(size is not None and size < 1 for size in sizes):
            raise ValueError(f"the map {self.sizes} is too small: the result would be {tuple(sizes)}")
        channels = self.channels if channels is None else channels
        return (self.batch, channels, *sizes) if self.first else (self.batch, *sizes, channels)


def map_sizes(site: Site, rank: int) -> tuple[int | None, ...]:
    """The spatial sizes at a call, None where they vary; for inputs of unknown rank all vary."""
    return site.spatial if len(site.spatial) == rank else (None,) * rank


def data_format(value: Any, reading: Reading) -> str:
    """
    Read ``data_format`` or the ``dim_ordering`` of Keras 1.

    Keras 0 had no such setting for images: it knew channels first only.

    Raises:
        UnknownLayerError: If it is neither of the two orders.
    """
    if value is None:
        return "channels_first" if reading.version.before(2) and reading.rank > 1 else "channels_last"
    if value not in FORMATS:
        raise UnknownLayerError(f"data_format {quote(value)} is not known")
    return FORMATS[value]


def stated_data_format(value: Any, reading: Reading) -> str:
    """
    As ``data_format``, for the layers whose ``dim_ordering`` Keras 1 did not write: UpSampling, ZeroPadding, Cropping.

    Raises:
        UnknownLayerError: If a Keras 1 config leaves it open.
    """
    if value is None and reading.version.before(2) and reading.rank > 1:
        raise UnknownLayerError(
            "Keras 1 did not store the dim_ordering of this layer, and the other layers do not settle it: "
            "add it to the config"
        )
    return data_format(value, reading)


def gathered(reading: Reading, name: str, keys: Sequence[str]) -> Reading:
    """The reading with one setting made of several of Keras 1: ``nb_row`` and ``nb_col`` become ``kernel_size``."""
    if name in reading.config or not keys or any(key not in reading.config for key in keys):
        return reading
    return replace(reading, config={**reading.config, name: [reading.config[key] for key in keys]})


def spread(layer: Layer, *names: str) -> None:
    """Give every spatial axis its own number where a layer was made with one for all: ``kernel_size=3``."""
    for name in names:
        value = getattr(layer, name)
        if isinstance(value, int):
            object.__setattr__(layer, name, (value,) * layer.rank)
