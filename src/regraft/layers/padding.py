"""Zeros around a map, and parts cut off from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, setting
from regraft.layers.spatial import MapShape, stated_data_format
from regraft.layers.version import KerasVersion

Ends = tuple[tuple[int, int], ...]
#: Keys of the mapping that Keras 1 took as ``padding``, in our order.
NAMED_ENDS = {1: ("left_pad", "right_pad"), 2: ("top_pad", "bottom_pad", "left_pad", "right_pad")}


def ends(value: Any, reading: Reading) -> Ends:
    """
    Read two amounts for every spatial axis.

    ``1``, ``(1, 2)`` (over one axis: both ends; over more: one amount an axis), ``((1, 2), (3, 4))``, and in Keras 1
    ``(top, bottom, left, right)`` or a mapping with such names.

    Raises:
        UnknownLayerError: For any other form, or negative amounts.
    """
    rank = reading.rank
    names = NAMED_ENDS.get(rank, ())
    if isinstance(value, Mapping) and set(value) <= set(names):
        value = [value.get(name, 0) for name in names]
    if isinstance(value, int | float):
        value = [value] * rank
    items = list(value) if isinstance(value, list | tuple) else []
    if rank == 1 and len(items) == 2:
        items = [items]
    elif rank == 2 and len(items) == 4:
        items = [items[:2], items[2:]]
    pairs = [item if isinstance(item, list | tuple) else (item, item) for item in items]
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise UnknownLayerError(f"expected amounts for {rank} spatial axes, found {quote(value)}")
    return tuple((amount(pair[0]), amount(pair[1])) for pair in pairs)


def amount(value: Any) -> int:
    """
    A number of elements, 0 or more.

    Raises:
        UnknownLayerError: If it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or not 0 <= value < 2**31:
        raise UnknownLayerError(f"expected a number of elements, found {quote(value)}")
    return int(value)


@dataclass(frozen=True, kw_only=True)
class Border(Layer, abstract=True):
    """Layers that change the ends of the spatial axes."""

    axis_order: ClassVar = "channels"
    masks: ClassVar = "drop"

    data_format: str = setting(
        "channels_last", old=("dim_ordering",), parse=stated_data_format, before={(2, 0, 0): None}
    )

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        if self.rank == 1:
            (name,) = set(config) - {"data_format"}
            # One axis: a flat pair. The data format came late, so it is written only where it is not the default.
            given = {"data_format": self.data_format} if self.data_format != "channels_last" else {}
            return {name: config[name][0], **given}
        return config

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        kind = type(self).__name__
        knows = self.rank > 1 or (kind == "ZeroPadding1D" and version.major >= 3)
        if knows or self.data_format == "channels_last":
            return ()
        return (f"{kind} of Keras {version.major} knows channels last only",)


class ZeroPadding(Border, abstract=True):
    """Zeros before and after the map."""

    padding: Ends

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        arriving = MapShape.of(inputs[0], self.rank, self.data_format)
        axes = zip(arriving.sizes, self.padding, strict=True)
        return arriving.resized([None if n is None else n + before + after for n, (before, after) in axes])

    def torch(self, site: Site) -> Form:
        # F.pad names the last axis first.
        amounts = [n for pair in reversed(self.padding) for n in pair]
        return Form((f"F.pad(%0, ({', '.join(map(str, amounts))}))" if any(amounts) else "%0",))


class Cropping(Border, abstract=True):
    """The map without its ends."""

    cropping: Ends

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        arriving = MapShape.of(inputs[0], self.rank, self.data_format)
        axes = zip(arriving.sizes, self.cropping, strict=True)
        return arriving.resized([None if n is None else n - before - after for n, (before, after) in axes])

    def torch(self, site: Site) -> Form:
        slices = [f"{before or ''}:{-after or ''}" for before, after in self.cropping]
        while slices and slices[-1] == ":":
            slices.pop()
        return Form((f"%0[:, :, {', '.join(slices)}]" if slices else "%0",))


@dataclass(frozen=True, kw_only=True)
class ZeroPadding1D(ZeroPadding):
    """
    ``(batch, time, c) -> (batch, before + time + after, c)``.

    Keras: ``keras/src/layers/reshaping/zero_padding1d.py``; PyTorch: ``torch.nn.functional.pad``.
    """

    rank: ClassVar = 1
    padding: Ends = setting(((1, 1),), parse=ends)


@dataclass(frozen=True, kw_only=True)
class ZeroPadding2D(ZeroPadding):
    """
    ``(batch, h, w, c) -> (batch, top + h + bottom, left + w + right, c)``.

    Keras: ``keras/src/layers/reshaping/zero_padding2d.py``; PyTorch: ``torch.nn.functional.pad``.
    """

    rank: ClassVar = 2
    padding: Ends = setting(((1, 1), (1, 1)), parse=ends)


@dataclass(frozen=True, kw_only=True)
class ZeroPadding3D(ZeroPadding):
    """
    ``(batch, d, h, w, c)``, zeros at both ends of ``d``, ``h`` and ``w``.

    Keras: ``keras/src/layers/reshaping/zero_padding3d.py``; PyTorch: ``torch.nn.functional.pad``.
    """

    rank: ClassVar = 3
    padding: Ends = setting(((1, 1), (1, 1), (1, 1)), parse=ends)


@dataclass(frozen=True, kw_only=True)
class Cropping1D(Cropping):
    """
    ``(batch, time, c) -> (batch, time - before - after, c)``.

    Keras: ``keras/src/layers/reshaping/cropping1d.py``; PyTorch: slices.
    """

    rank: ClassVar = 1
    cropping: Ends = setting(((1, 1),), parse=ends)


@dataclass(frozen=True, kw_only=True)
class Cropping2D(Cropping):
    """
    ``(batch, h, w, c) -> (batch, h - top - bottom, w - left - right, c)``.

    Keras: ``keras/src/layers/reshaping/cropping2d.py``; PyTorch: slices.
    """

    rank: ClassVar = 2
    cropping: Ends = setting(((0, 0), (0, 0)), parse=ends)


@dataclass(frozen=True, kw_only=True)
class Cropping3D(Cropping):
    """
    ``(batch, d, h, w, c)`` without the ends of ``d``, ``h`` and ``w``.

    Keras: ``keras/src/layers/reshaping/cropping3d.py``; PyTorch: slices.
    """

    rank: ClassVar = 3
    cropping: Ends = setting(((1, 1), (1, 1), (1, 1)), parse=ends)
