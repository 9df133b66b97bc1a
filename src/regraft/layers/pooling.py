"""Pooling with a window: the largest or the mean of what it covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, setting, sizes
from regraft.layers.spatial import MapShape, data_format, map_sizes, spread
from regraft.layers.window import Sizes, number, option, padded, same_totals, slid, window_padding


def optional_sizes(value: Any, reading: Reading) -> tuple[int, ...] | None:
    """A size for every spatial axis, or None."""
    return None if value is None else sizes(value, reading)


@dataclass(frozen=True, kw_only=True)
class Pooling(Layer, abstract=True):
    """A window of ``pool_size`` moves by ``strides``, by its own size if there are none."""

    axis_order: ClassVar = "channels"
    masks: ClassVar = "drop"
    kind: ClassVar[str] = ""

    pool_size: tuple[int, ...] = setting(2, old=("pool_length",), parse=sizes)
    strides: tuple[int, ...] | None = setting(None, old=("stride",), parse=optional_sizes)
    padding: str = setting("valid", old=("border_mode",), parse=window_padding)
    data_format: str = setting("channels_last", old=("dim_ordering",), parse=data_format, before={(2, 0, 0): None})

    def __post_init__(self) -> None:
        spread(self, "pool_size", "strides")

    @property
    def steps(self) -> tuple[int, ...]:
        """How far the window moves along every axis."""
        return self.pool_size if self.strides is None else self.strides

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        arriving = MapShape.of(inputs[0], self.rank, self.data_format)
        return arriving.resized(slid(arriving.sizes, self.pool_size, self.steps, self.padding))

    def module(self, more: str = "") -> str:
        """The constructor of the pool, default arguments left out."""
        stride = "" if self.steps == self.pool_size else option("stride", self.steps, 0)
        return f"nn.{self.kind}Pool{self.rank}d({number(self.pool_size)}{stride}{more})"

    def same_arguments(self, arriving: Sizes) -> str | None:
        """
        The arguments with which the stock module pads as TensorFlow does; None if it cannot.

        Both pad with what does not count. The stock module pads both ends alike, and with ``ceil_mode`` as far as the
        last window reaches; that window is there if the window moves by more than one.
        """
        axes = list(zip(arriving, self.pool_size, self.steps, strict=True))
        befores = [{total // 2 for total in same_totals(*axis)} for axis in axes]
        if any(len(before) > 1 for before in befores):
            return None
        uneven = [any(total % 2 for total in same_totals(*axis)) for axis in axes]
        if any(odd and step == 1 for odd, step in zip(uneven, self.steps, strict=True)):
            return None
        return option("padding", [max(before) for before in befores], 0) + (", ceil_mode=True" if any(uneven) else "")


class MaxPooling(Pooling, abstract=True):
    """The largest element of each window; padding counts as minus infinity."""

    kind: ClassVar = "Max"

    def torch(self, site: Site) -> Form:
        arriving = map_sizes(site, self.rank)
        same = self.same_arguments(arriving) if self.padding == "same" else ""
        if same is not None:
            return Form(("%self(%0)",), module=self.module(same))
        pad = padded("same", arriving, self.pool_size, self.steps, fill='float("-inf")')
        return Form((f"%self({pad.x})",), module=self.module(), snippets=pad.snippets)


class AveragePooling(Pooling, abstract=True):
    """The mean of each window; padding does not count."""

    kind: ClassVar = "Avg"

    def may_be_too_small(self, arriving: Sizes) -> bool:
        """Whether a map may be smaller than its window: ``nn.AvgPool3d`` refuses that, whatever its padding."""
        axes = zip(arriving, self.pool_size, strict=True)
        return self.rank == 3 and self.padding == "same" and any(k > 1 and (n is None or n < k) for n, k in axes)

    def torch(self, site: Site) -> Form:
        arriving = map_sizes(site, self.rank)
        same = self.same_arguments(arriving) if self.padding == "same" else ""
        if same is not None and not self.may_be_too_small(arriving):
            exclude = ", count_include_pad=False" if "padding" in same else ""
            return Form(("%self(%0)",), module=self.module(same + exclude))
        text = f"avg_pool_same(%0, {self.pool_size}, {self.steps})"
        return Form((text,), snippets=("avg_pool_same",))


@dataclass(frozen=True, kw_only=True)
class MaxPooling1D(MaxPooling):
    """
    ``(batch, time, c) -> (batch, new_time, c)``.

    Keras: ``keras/src/layers/pooling/max_pooling1d.py``; PyTorch: ``torch.nn.MaxPool1d``.
    """

    rank: ClassVar = 1
    aliases: ClassVar = ("MaxPool1D",)


@dataclass(frozen=True, kw_only=True)
class MaxPooling2D(MaxPooling):
    """
    ``(batch, h, w, c) -> (batch, new_h, new_w, c)``.

    Keras: ``keras/src/layers/pooling/max_pooling2d.py``; PyTorch: ``torch.nn.MaxPool2d``.
    """

    rank: ClassVar = 2
    aliases: ClassVar = ("MaxPool2D",)


@dataclass(frozen=True, kw_only=True)
class MaxPooling3D(MaxPooling):
    """
    ``(batch, d, h, w, c) -> (batch, new_d, new_h, new_w, c)``.

    Keras: ``keras/src/layers/pooling/max_pooling3d.py``; PyTorch: ``torch.nn.MaxPool3d``.
    """

    rank: ClassVar = 3
    aliases: ClassVar = ("MaxPool3D",)


@dataclass(frozen=True, kw_only=True)
class AveragePooling1D(AveragePooling):
    """
    ``(batch, time, c) -> (batch, new_time, c)``.

    Keras: ``keras/src/layers/pooling/average_pooling1d.py``; PyTorch: ``torch.nn.AvgPool1d``.
    """

    rank: ClassVar = 1
    aliases: ClassVar = ("AvgPool1D",)


@dataclass(frozen=True, kw_only=True)
class AveragePooling2D(AveragePooling):
    """
    ``(batch, h, w, c) -> (batch, new_h, new_w, c)``.

    Keras: ``keras/src/layers/pooling/average_pooling2d.py``; PyTorch: ``torch.nn.AvgPool2d``.
    """

    rank: ClassVar = 2
    aliases: ClassVar = ("AvgPool2D",)


@dataclass(frozen=True, kw_only=True)
class AveragePooling3D(AveragePooling):
    """
    ``(batch, d, h, w, c) -> (batch, new_d, new_h, new_w, c)``.

    Keras: ``keras/src/layers/pooling/average_pooling3d.py``; PyTorch: ``torch.nn.AvgPool3d``.
    """

    rank: ClassVar = 3
    aliases: ClassVar = ("AvgPool3D",)
