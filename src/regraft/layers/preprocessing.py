"""Layers that bring inputs to a scale or a size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.errors import BlueprintError, UnknownLayerError, quote
from regraft.layers.base import Layer, Weight
from regraft.layers.constants import Constant, constant, in_order, written
from regraft.layers.form import Carry, Form, Site
from regraft.layers.settings import Reading, plain, positive, setting
from regraft.layers.spatial import MapShape, data_format, map_sizes
from regraft.layers.version import KerasVersion
from regraft.layout import Layout

#: Smallest standard deviation that Normalization divides by: ``keras.config.epsilon()``.
SMALLEST = 1e-7


def kept_axes(value: Any, _: Reading) -> tuple[int, ...]:
    """The axes that have statistics of their own; none for one mean of everything."""
    axes = () if value is None else plain(value) if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(axis, int) and not isinstance(axis, bool) and axis for axis in axes):
        raise UnknownLayerError(f"Normalization along axis {quote(value)}")
    return axes


def optional_constant(value: Any, _: Reading) -> Constant | None:
    """Numbers, or None where they were measured and are variables."""
    return None if value is None else constant(value)


@dataclass(frozen=True, kw_only=True)
class Normalization(Layer):
    """
    ``(x - mean) / sqrt(variance)`` with fixed statistics along ``axis``, or the way back with ``invert``.

    Measured statistics are variables; given ones stand in the config and become constants of the module.
    Keras: ``keras/src/layers/preprocessing/normalization.py``; PyTorch: a difference and a quotient.
    """

    weights: ClassVar = (
        Weight("mean", "... -> ...", torch="mean", given="adapted", trainable=False),
        Weight("variance", "... -> ...", torch="variance", given="adapted", trainable=False),
        Weight("count", "... -> ...", given="adapted", trainable=False),
    )

    axis: tuple[int, ...] = setting((-1,), parse=kept_axes)
    mean: Constant | None = setting(None, parse=optional_constant)
    variance: Constant | None = setting(None, parse=optional_constant)
    invert: bool = setting(False)

    @property
    def adapted(self) -> bool:
        """Whether the statistics are variables."""
        return self.mean is None

    def torch(self, site: Site) -> Form:
        order = site.orders[0]
        rank = len(order.axes) or site.rank
        if self.axis and not rank:
            raise UnknownLayerError(f"Normalization {quote(site.name)}: the rank of its input is not known")
        kept = sorted(axis % rank for axis in self.axis) if rank else []
        invert = "invert=True" if self.invert else ""
        if self.adapted:
            names = {axis: f"axis{axis}" for axis in kept}
            there = [names.get(axis, "1") for axis in order.axes]
            while there and there[0] == "1":
                del there[0]
            layout = Layout(f"{' '.join(names.values())} -> {' '.join(there)}")
            shape = layout.shape(site.stored["mean"]) if kept else ()
            moves = (layout.bind(site.stored["mean"]),) if kept else ()
            module = f"Normalization({', '.join([*map(str, shape), *([invert] if invert else [])])})"
            carries = tuple(Carry((name,), moves, (name,)) for name in ("mean", "variance"))
            return Form(("%self(%0)",), module=module, carries=carries, snippets=("Normalization",))
        if not isinstance(self.mean, tuple) and not isinstance(self.variance, tuple):
            deviation = max(math.sqrt(self.variance or 0.0), SMALLEST)
            return Form(
                (f"%0 * {deviation!r} + {self.mean!r}" if self.invert else f"(%0 - {self.mean!r}) / {deviation!r}",)
            )
        mean, variance = (written(in_order(value, kept, order, rank)) for value in (self.mean, self.variance))
        arguments = ", ".join([mean, variance, *([invert] if invert else [])])
        return Form(("%self(%0)",), module=f"FixedNormalization({arguments})", snippets=("FixedNormalization",))


@dataclass(frozen=True, kw_only=True)
class Rescaling(Layer):
    """
    ``x * scale + offset``; scale and offset are numbers, or arrays along the last axes of Keras.

    A mask passes since Keras 3; in Keras 2 it ends here.
    Keras: ``keras/src/layers/preprocessing/rescaling.py``; PyTorch: ``*`` and ``+``.
    """

    masks: ClassVar = "own"

    scale: Constant = setting(parse=constant)
    offset: Constant = setting(0.0, parse=constant)
    passes_mask: bool = setting(True, before={(3, 0, 0): False}, keras=False)

    def may_mask(self, arriving: bool) -> bool:
        return arriving and self.passes_mask

    def torch(self, site: Site) -> Form:
        return replace(self.scaled(site), mask="%m0" if site.masks[0] and self.passes_mask else "")

    def scaled(self, site: Site) -> Form:
        """The product and the sum, written with numbers where they are numbers."""
        if not isinstance(self.scale, tuple) and not isinstance(self.offset, tuple):
            sign = "-" if self.offset < 0 else "+"
            return Form((f"%0 * {self.scale!r}" + (f" {sign} {abs(self.offset)!r}" if self.offset else ""),))
        order = site.orders[0]
        rank = len(order.axes) or site.rank
        if not rank:
            raise UnknownLayerError(f"Rescaling {quote(site.name)}: the rank of its input is not known")
        scale, offset = (
            written(in_order(value, range(rank), order, rank)) if isinstance(value, tuple) else repr(value)
            for value in (self.scale, self.offset)
        )
        module = f"Rescaling({scale}, {offset})" if self.offset != 0 else f"Rescaling({scale})"
        return Form(("%self(%0)",), module=module, snippets=("Rescaling",))


@dataclass(frozen=True, kw_only=True)
class CenterCrop(Layer):
    """
    The middle of each image: ``(batch, h, w, c) -> (batch, height, width, c)``. Images must be at least that large.

    Keras: ``keras/src/layers/preprocessing/image_preprocessing/center_crop.py``; PyTorch: a slice.
    """

    axis_order: ClassVar = "channels"
    masks: ClassVar = "drop"
    rank: ClassVar = 2

    height: int = setting(parse=positive)
    width: int = setting(parse=positive)
    data_format: str = setting("channels_last", parse=data_format)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        config = super().to_keras(version)
        return config if version.major >= 3 else {k: v for k, v in config.items() if k != "data_format"}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        first = self.data_format == "channels_first"
        return ("CenterCrop of Keras 2 knows channels last only",) if first and version.major < 3 else ()

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        image = MapShape.of(inputs[0], 2, self.data_format)
        for size, wanted in zip(image.sizes, (self.height, self.width), strict=True):
            if size is not None and size < wanted:
                raise BlueprintError(
                    f"an image of {image.sizes} is smaller than {self.height} x {self.width}: Keras would enlarge it"
                )
        return image.resized((self.height, self.width))

    def torch(self, site: Site) -> Form:
        height, width = map_sizes(site, 2)
        if height is None or width is None:
            return Form((f"center_crop(%0, {self.height}, {self.width})",), snippets=("center_crop",))
        if (height, width) == (self.height, self.width):
            return Form(("%0",))
        top, left = (height - self.height) // 2, (width - self.width) // 2
        return Form((f"%0[:, :, {top}:{top + self.height}, {left}:{left + self.width}]",))
