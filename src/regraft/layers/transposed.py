"""Transposed convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.activations import activated
from regraft.layers.base import Weight
from regraft.layers.conv import Windowed
from regraft.layers.depthwise import one_group
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, positive, setting
from regraft.layers.spatial import KERNEL_AXES
from regraft.layers.stored import Origin, Stored
from regraft.layers.window import number, option
from regraft.layout import Flip, Layout, Move


def output_padding(value: Any, reading: Reading) -> tuple[int, ...] | None:
    """
    A number for every spatial axis, zero allowed, or None.

    Raises:
        UnknownLayerError: If it is neither.
    """
    if value is None:
        return None
    items = [value] * reading.rank if isinstance(value, int | float) else list(value)
    if len(items) != reading.rank or any(isinstance(n, bool) or n != int(n) or not 0 <= n < 2**31 for n in items):
        raise UnknownLayerError(f"expected {reading.rank} numbers as output_padding, found {quote(value)}")
    return tuple(int(n) for n in items)


@dataclass(frozen=True, kw_only=True)
class Transposed(Windowed, abstract=True):
    """
    The transpose of a convolution: it spreads every element over a window.

    The result in full is ``(n - 1) * stride + window`` long. Keras cuts or extends it to its own length; it cuts both
    ends alike, and an odd element off the end. PyTorch's ``padding`` cuts both ends alike and its ``output_padding``
    extends the end; the odd element is sliced off behind it.
    """

    filters: int = setting(old=("nb_filter",), parse=positive)
    output_padding: tuple[int, ...] | None = setting(None, old=("output_shape",), parse=output_padding)
    groups: int = setting(1, parse=one_group, keras=False)

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        """Keras 1 stated the output shape instead of ``output_padding``."""
        if "output_shape" not in reading.config or "output_padding" in reading.config:
            return super().from_keras(reading)
        layer = super().from_keras(replace(reading, config={**reading.config, "output_padding": None}))
        return replace(layer, output_padding=layer.padding_for(reading.config["output_shape"]))

    def padding_for(self, stated: Any) -> tuple[int, ...] | None:
        """
        The ``output_padding`` that leads to a stated output shape, batch included.

        Raises:
            UnknownLayerError: If no input leads to it.
        """
        places = range(2, self.rank + 2) if self.data_format == "channels_first" else range(1, self.rank + 1)
        whole = isinstance(stated, list | tuple) and len(stated) == self.rank + 2
        if not whole or not all(isinstance(stated[place], int) for place in places):
            raise UnknownLayerError(f"output_shape {quote(stated)} does not name {self.rank} sizes")
        paddings: list[int] = []
        default = True
        for place, k, s in zip(places, self.window, self.strides, strict=True):
            out = stated[place]
            n = -(-out // s) if self.padding == "same" else (out - k) // s + 1
            short = (n - 1) * s + (k % 2 if self.padding == "same" else k)
            if n < 1 or not 0 <= out - short < s:
                raise UnknownLayerError(f"output_shape {quote(stated)} cannot come from kernel {k} and stride {s}")
            paddings.append(out - short)
            default &= out == (n * s if self.padding == "same" else short + max(s - k, 0))
        return None if default else tuple(paddings)

    def axis_sizes(self) -> dict[str, int]:
        return {**super().axis_sizes(), "cout": self.filters}

    def stored(self, stored: Stored) -> Mapping[str, Origin]:
        origins = dict(super().stored(stored))
        origins["kernel"] = replace(origins["kernel"], moves=self.kernel_moves(stored))
        return origins

    def kernel_moves(self, stored: Stored) -> tuple[Move, ...]:
        """From the kernel in the file to that of Keras 2 and 3: Keras 1 stored it as that of a convolution."""
        axes, moves = KERNEL_AXES[self.rank], ()
        if stored.version.before(2) and stored.shapes:
            shape = stored.shapes[0]
            first = shape[0] == self.filters and shape[2:] == self.kernel_size
            last = shape[: self.rank] == self.kernel_size and shape[-1] == self.filters
            as_th = first and (self.data_format == "channels_first" or not last)
            moves = (Layout(f"cout cin {axes} -> {axes} cout cin" if as_th else f"{axes} cin cout -> {axes} cout cin"),)
        return (*moves, *((Flip(tuple(range(self.rank))),) if stored.theano else ()))

    @property
    def surplus(self) -> tuple[int, ...]:
        """By how much the result in full is longer than that of Keras; negative where it is shorter."""
        paddings = self.output_padding or (None,) * self.rank
        return tuple(
            (k - s if self.padding == "same" else min(k - s, 0))
            if extra is None
            else (k - k % 2 - extra if self.padding == "same" else -extra)
            for k, s, extra in zip(self.window, self.strides, paddings, strict=True)
        )

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        arriving = self.map_shape(inputs[0])
        axes = zip(arriving.sizes, self.window, self.strides, self.surplus, strict=True)
        return arriving.resized([None if n is None else (n - 1) * s + k - cut for n, k, s, cut in axes], self.filters)

    def torch(self, site: Site) -> Form:
        *_, cout, cin = site.stored["kernel"]
        padding = [max(cut, 0) // 2 for cut in self.surplus]
        extension = [max(-cut, 0) for cut in self.surplus]
        odd = [":-1" if cut > 0 and cut % 2 else ":" for cut in self.surplus]
        while odd and odd[0] == ":":
            odd.pop(0)
        module = (
            f"nn.ConvTranspose{self.rank}d({cin}, {cout}, {number(self.kernel_size)}{option('stride', self.strides)}"
            f"{option('padding', padding, 0)}{option('output_padding', extension, 0)}"
            f"{option('dilation', self.dilation_rate)}{'' if self.use_bias else ', bias=False'})"
        )
        x = f"%self(%0)[..., {', '.join(odd)}]" if odd else "%self(%0)"
        text, snippets = activated(x, self.activation, site.output_orders[0])
        return Form((text,), module=module, snippets=snippets)


def transposed_weights(axes: str) -> tuple[Weight, ...]:
    """Kernel and bias of a transposed convolution with these spatial axes."""
    return (
        Weight("kernel", f"{axes} cout cin -> cin cout {axes}", torch="weight"),
        Weight("bias", "cout -> cout", torch="bias", given="use_bias"),
    )


@dataclass(frozen=True, kw_only=True)
class Conv1DTranspose(Transposed):
    """
    ``(batch, time, cin) -> (batch, time * stride, filters)``, or a little longer without padding.

    Keras: ``keras/src/layers/convolutional/conv1d_transpose.py``; PyTorch: ``torch.nn.ConvTranspose1d``.
    """

    rank: ClassVar = 1
    aliases: ClassVar = ("Convolution1DTranspose",)
    weights: ClassVar = transposed_weights(KERNEL_AXES[1])


@dataclass(frozen=True, kw_only=True)
class Conv2DTranspose(Transposed):
    """
    ``(batch, h, w, cin) -> (batch, h * stride, w * stride, filters)``, or a little larger without padding.

    Keras: ``keras/src/layers/convolutional/conv2d_transpose.py``; PyTorch: ``torch.nn.ConvTranspose2d``.
    """

    rank: ClassVar = 2
    aliases: ClassVar = ("Convolution2DTranspose", "Deconvolution2D")
    kernel_keys: ClassVar = ("nb_row", "nb_col")
    weights: ClassVar = transposed_weights(KERNEL_AXES[2])


@dataclass(frozen=True, kw_only=True)
class Conv3DTranspose(Transposed):
    """
    ``(batch, d, h, w, cin)``, every spatial axis ``stride`` times as long, without padding a little longer.

    Keras: ``keras/src/layers/convolutional/conv3d_transpose.py``; PyTorch: ``torch.nn.ConvTranspose3d``.
    """

    rank: ClassVar = 3
    aliases: ClassVar = ("Convolution3DTranspose", "Deconvolution3D")
    weights: ClassVar = transposed_weights(KERNEL_AXES[3])
