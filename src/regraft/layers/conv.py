"""Convolutions over one, two and three spatial axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from regraft.blueprint import LayerSpec, Shape
from regraft.layers.activations import activated, activation, activation_caveats, keras_name, linear_in_keras_3
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, positive, setting, sizes
from regraft.layers.spatial import KERNEL_AXES, MapShape, data_format, gathered, map_sizes, spread
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion
from regraft.layers.window import dilated, number, option, padded, slid, window_padding
from regraft.layout import Flip, Layout, Move


@dataclass(frozen=True, kw_only=True)
class Windowed(Layer, abstract=True):
    """What all layers with a sliding kernel share: its size, strides, holes, padding and a fused activation."""

    axis_order: ClassVar = "channels"
    masks: ClassVar = "drop"
    #: Settings of Keras 1 that together are ``kernel_size``.
    kernel_keys: ClassVar[tuple[str, ...]] = ()

    kernel_size: tuple[int, ...] = setting(
        old=("filter_length", "nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3"), parse=sizes
    )
    strides: tuple[int, ...] = setting(1, old=("subsample", "subsample_length"), parse=sizes)
    padding: str = setting("valid", old=("border_mode",), parse=window_padding)
    data_format: str = setting("channels_last", old=("dim_ordering",), parse=data_format, before={(2, 0, 0): None})
    dilation_rate: tuple[int, ...] = setting(1, old=("atrous_rate",), parse=sizes)
    activation: str | LayerSpec = setting("linear", parse=activation)
    use_bias: bool = setting(True, old=("bias",))

    def __post_init__(self) -> None:
        spread(self, "kernel_size", "strides", "dilation_rate")

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        return super().from_keras(gathered(reading, "kernel_size", cls.kernel_keys))

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {**super().to_keras(version), "activation": keras_name(self.activation, version)}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return activation_caveats(self.activation, version)

    def in_keras_3(self) -> tuple[Layer, Mapping[str, tuple[Move, ...]]]:
        return linear_in_keras_3(self, ("kernel", "pointwise_kernel", "bias"))

    def axis_sizes(self) -> dict[str, int]:
        return dict(zip(KERNEL_AXES[self.rank].split(), self.kernel_size, strict=True))

    @property
    def window(self) -> tuple[int, ...]:
        """Size of the kernel with its holes."""
        return dilated(self.kernel_size, self.dilation_rate)

    def map_shape(self, shape: Shape) -> MapShape:
        """The input shape, taken apart."""
        return MapShape.of(shape, self.rank, self.data_format)


@dataclass(frozen=True, kw_only=True)
class Convolution(Windowed, abstract=True):
    """
    Sum over a window and all channels of its group.

    The kernel is stored channels last in every ``data_format`` since Keras 2; Keras 1 stored it as ``dim_ordering``
    says, and that of Conv1D for an image of width 1. The Theano backend turns kernels by 180 degrees.
    """

    filters: int = setting(old=("nb_filter",), parse=positive)
    groups: int = setting(1, parse=positive)

    def axis_sizes(self) -> dict[str, int]:
        return {**super().axis_sizes(), "cout": self.filters}

    def stored(self, stored: Stored) -> Mapping[str, Origin]:
        origins = dict(super().stored(stored))
        origins["kernel"] = replace(origins["kernel"], moves=self.kernel_moves(stored))
        return origins

    def kernel_moves(self, stored: Stored) -> tuple[Move, ...]:
        """From the kernel in the file to that of today, as ``preprocess_weights_for_loading`` of Keras 2 does."""
        layout = self.old_layout(stored) if stored.version.before(2) and stored.shapes else ""
        flip = (Flip(tuple(range(self.rank))),) if stored.theano else ()
        return (*((Layout(layout),) if layout else ()), *flip)

    def old_layout(self, stored: Stored) -> str:
        """The pattern of a kernel that Keras 0 or 1 wrote; empty if it is that of today."""
        axes, shape = KERNEL_AXES[self.rank], stored.shapes[0]
        today = shape[: self.rank] == self.kernel_size and shape[-1] == self.filters
        first = shape[0] == self.filters and shape[2 : self.rank + 2] == self.kernel_size
        if self.rank == 1 and len(shape) == 4:
            return "cout cin kw 1 -> kw cin cout" if first and not today else "kw 1 cin cout -> kw cin cout"
        wanted = stored.version.before(1) or self.data_format == "channels_first"
        return f"cout cin {axes} -> {axes} cin cout" if first and (wanted or not today) else ""

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        arriving = self.map_shape(inputs[0])
        return arriving.resized(slid(arriving.sizes, self.window, self.strides, self.padding), self.filters)

    def torch(self, site: Site) -> Form:
        *_, cin, cout = site.stored["kernel"]
        pad = padded(self.padding, map_sizes(site, self.rank), self.window, self.strides)
        module = conv_module(self, cin * self.groups, cout, pad.argument, groups=self.groups, bias=self.use_bias)
        text, snippets = activated(f"%self({pad.x})", self.activation, site.output_orders[0])
        return Form((text,), module=module, snippets=(*pad.snippets, *snippets))


def conv_module(layer: Windowed, cin: int, cout: int, padding: str, *, groups: int, bias: bool) -> str:
    """The constructor of ``nn.Conv1d`` and its kin, with default arguments left out."""
    return (
        f"nn.Conv{layer.rank}d({cin}, {cout}, {number(layer.kernel_size)}{option('stride', layer.strides)}{padding}"
        f"{option('dilation', layer.dilation_rate)}{option('groups', [groups])}{'' if bias else ', bias=False'})"
    )


def conv_weights(axes: str) -> tuple[Weight, ...]:
    """Kernel and bias of a convolution with these spatial axes."""
    return (
        Weight("kernel", f"{axes} cin cout -> cout cin {axes}", torch="weight"),
        Weight("bias", "cout -> cout", torch="bias", given="use_bias"),
    )


@dataclass(frozen=True, kw_only=True)
class Conv1D(Convolution):
    """
    ``(batch, time, cin) -> (batch, new_time, filters)``; ``causal`` pads in front only.

    Keras: ``keras/src/layers/convolutional/conv1d.py``; PyTorch: ``torch.nn.Conv1d``.
    """

    rank: ClassVar = 1
    aliases: ClassVar = ("Convolution1D", "AtrousConvolution1D")
    weights: ClassVar = conv_weights(KERNEL_AXES[1])


@dataclass(frozen=True, kw_only=True)
class Conv2D(Convolution):
    """
    ``(batch, h, w, cin) -> (batch, new_h, new_w, filters)``.

    Keras: ``keras/src/layers/convolutional/conv2d.py``; PyTorch: ``torch.nn.Conv2d``.
    """

    rank: ClassVar = 2
    aliases: ClassVar = ("Convolution2D", "AtrousConvolution2D")
    kernel_keys: ClassVar = ("nb_row", "nb_col")
    weights: ClassVar = conv_weights(KERNEL_AXES[2])


@dataclass(frozen=True, kw_only=True)
class Conv3D(Convolution):
    """
    ``(batch, d, h, w, cin) -> (batch, new_d, new_h, new_w, filters)``.

    Keras: ``keras/src/layers/convolutional/conv3d.py``; PyTorch: ``torch.nn.Conv3d``.
    """

    rank: ClassVar = 3
    aliases: ClassVar = ("Convolution3D",)
    kernel_keys: ClassVar = ("kernel_dim1", "kernel_dim2", "kernel_dim3")
    weights: ClassVar = conv_weights(KERNEL_AXES[3])
