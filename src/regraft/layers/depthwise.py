"""Convolutions that keep the channels apart: depthwise, and separable ones that mix them afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.activations import activated
from regraft.layers.base import Weight
from regraft.layers.conv import Windowed, conv_module
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, positive, setting
from regraft.layers.spatial import KERNEL_AXES, map_sizes
from regraft.layers.stored import Origin, Stored
from regraft.layers.window import padded, slid
from regraft.layout import Layout

#: The kernels of a separable convolution that Keras 1 wrote channels first.
OLD_SEPARABLE = {
    "depthwise_kernel": "mult cin kh kw -> kh kw cin mult",
    "pointwise_kernel": "cout mid ph pw -> ph pw mid cout",
}


def one_group(value: Any, _: Reading) -> int:
    """
    Keras 2 writes the ``groups`` of its base class into these layers, which never use them.

    Raises:
        UnknownLayerError: If there were more than one after all.
    """
    if value != 1:
        raise UnknownLayerError(f"groups {quote(value)}: this layer has one group only")
    return 1


@dataclass(frozen=True, kw_only=True)
class Depthwise(Windowed, abstract=True):
    """
    Every channel with ``depth_multiplier`` kernels of its own; output channel ``c * depth_multiplier + j``.

    Theano turned these kernels back itself, so they are as in TensorFlow whatever the backend.
    """

    depth_multiplier: int = setting(1, parse=positive)
    groups: int = setting(1, parse=one_group, keras=False)

    def axis_sizes(self) -> dict[str, int]:
        return {**super().axis_sizes(), "mult": self.depth_multiplier}

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        arriving = self.map_shape(inputs[0])
        channels = None if arriving.channels is None else arriving.channels * self.depth_multiplier
        return arriving.resized(slid(arriving.sizes, self.window, self.strides, self.padding), channels)

    def torch(self, site: Site) -> Form:
        *_, cin, mult = site.stored["kernel"]
        pad = padded(self.padding, map_sizes(site, self.rank), self.window, self.strides)
        module = conv_module(self, cin, cin * mult, pad.argument, groups=cin, bias=self.use_bias)
        text, snippets = activated(f"%self({pad.x})", self.activation, site.output_orders[0])
        return Form((text,), module=module, snippets=(*pad.snippets, *snippets))


def depthwise_weights(axes: str) -> tuple[Weight, ...]:
    """Kernel and bias of a depthwise convolution with these spatial axes."""
    return (
        Weight("kernel", f"{axes} cin mult -> (cin mult) 1 {axes}", torch="weight"),
        Weight("bias", "channel -> channel", torch="bias", given="use_bias"),
    )


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv1D(Depthwise):
    """
    ``(batch, time, cin) -> (batch, new_time, cin * depth_multiplier)``.

    Keras: ``keras/src/layers/convolutional/depthwise_conv1d.py``; PyTorch: ``torch.nn.Conv1d(groups=cin)``.
    """

    rank: ClassVar = 1
    weights: ClassVar = depthwise_weights(KERNEL_AXES[1])


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2D(Depthwise):
    """
    ``(batch, h, w, cin) -> (batch, new_h, new_w, cin * depth_multiplier)``.

    Keras: ``keras/src/layers/convolutional/depthwise_conv2d.py``; PyTorch: ``torch.nn.Conv2d(groups=cin)``.
    """

    rank: ClassVar = 2
    weights: ClassVar = depthwise_weights(KERNEL_AXES[2])


@dataclass(frozen=True, kw_only=True)
class Separable(Windowed, abstract=True):
    """
    A depthwise convolution and a 1x1 convolution that mixes the channels; bias and activation come at the end.

    Strides, holes and padding belong to the depthwise part.
    """

    filters: int = setting(old=("nb_filter",), parse=positive)
    depth_multiplier: int = setting(1, parse=positive)
    groups: int = setting(1, parse=one_group, keras=False)

    def axis_sizes(self) -> dict[str, int]:
        return {**super().axis_sizes(), "mult": self.depth_multiplier, "cout": self.filters, "pw": 1, "ph": 1}

    def stored(self, stored: Stored) -> Mapping[str, Origin]:
        """Keras 1 stored both kernels channels first if ``dim_ordering`` said so."""
        origins = dict(super().stored(stored))
        shapes = stored.shapes
        if self.rank == 2 and stored.version.before(2) and len(shapes) > 1:
            today = shapes[0][:2] == self.kernel_size and shapes[1][-1] == self.filters
            first = shapes[0][2:] == self.kernel_size and shapes[1][0] == self.filters
            if first and (self.data_format == "channels_first" or not today):
                for name, pattern in OLD_SEPARABLE.items():
                    origins[name] = replace(origins[name], moves=(Layout(pattern),))
        return origins

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        arriving = self.map_shape(inputs[0])
        return arriving.resized(slid(arriving.sizes, self.window, self.strides, self.padding), self.filters)

    def torch(self, site: Site) -> Form:
        *_, cin, mult = site.stored["depthwise_kernel"]
        *_, mid, cout = site.stored["pointwise_kernel"]
        pad = padded(self.padding, map_sizes(site, self.rank), self.window, self.strides)
        depthwise = conv_module(self, cin, cin * mult, pad.argument, groups=cin, bias=False)
        pointwise = f"nn.Conv{self.rank}d({mid}, {cout}, 1{'' if self.use_bias else ', bias=False'})"
        text, snippets = activated(f"%self({pad.x})", self.activation, site.output_orders[0])
        return Form((text,), module=f"nn.Sequential({depthwise}, {pointwise})", snippets=(*pad.snippets, *snippets))


def separable_weights(axes: str, ones: str) -> tuple[Weight, ...]:
    """Both kernels and the bias of a separable convolution; ``ones`` are the axes of length 1 of the second kernel."""
    return (
        Weight("depthwise_kernel", f"{axes} cin mult -> (cin mult) 1 {axes}", torch="0.weight"),
        Weight("pointwise_kernel", f"{ones} mid cout -> cout mid {ones}", torch="1.weight"),
        Weight("bias", "cout -> cout", torch="1.bias", given="use_bias"),
    )


@dataclass(frozen=True, kw_only=True)
class SeparableConv1D(Separable):
    """
    ``(batch, time, cin) -> (batch, new_time, filters)``; ``causal`` exists in Keras 2 only.

    Keras: ``keras/src/layers/convolutional/separable_conv1d.py``; PyTorch: two ``torch.nn.Conv1d``.
    """

    rank: ClassVar = 1
    aliases: ClassVar = ("SeparableConvolution1D",)
    weights: ClassVar = separable_weights(KERNEL_AXES[1], "pw")


@dataclass(frozen=True, kw_only=True)
class SeparableConv2D(Separable):
    """
    ``(batch, h, w, cin) -> (batch, new_h, new_w, filters)``.

    Keras: ``keras/src/layers/convolutional/separable_conv2d.py``; PyTorch: two ``torch.nn.Conv2d``.
    """

    rank: ClassVar = 2
    aliases: ClassVar = ("SeparableConvolution2D",)
    kernel_keys: ClassVar = ("nb_row", "nb_col")
    weights: ClassVar = separable_weights(KERNEL_AXES[2], "ph pw")
