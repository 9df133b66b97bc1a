"""
Custom layers of the collection of published models, as far as their meaning is public: for ``parity.py --custom``.

``softplus2`` is MEGNet's activation, ``ConvDNA`` a Conv1D of concise, ``SqueezeLayer`` one of CREMA, ``ReversedLSTM`` one
of rnnmorph, ``space_to_depth_x2`` YOLO's reorganisation of a map in a Lambda layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from regraft.layers import Form, Layer, Site, setting
from regraft.layers.conv import Conv1D
from regraft.layers.lstm import LSTM

ACTIVATIONS = {"softplus2": "F.relu({x}) + torch.log(0.5 * torch.exp(-torch.abs({x})) + 0.5)"}


class ConvDNA(Conv1D):
    """A convolution over one-hot letters."""

    seq_length: Any = setting(None)


@dataclass(frozen=True, kw_only=True)
class SqueezeLayer(Layer):
    """Drop an axis of length 1."""

    axis_order = "keras"
    axis: int = setting(-1)

    def shape(self, inputs: Any) -> Any:
        """Without the axis."""
        (shape,) = inputs
        axis = self.axis % len(shape)
        return (*shape[:axis], *shape[axis + 1 :])

    def arrange(self, arrival: Any) -> Any:
        """In Keras order on both sides; there is one axis less behind it."""
        arranged = super().arrange(arrival)
        order = arranged.outputs[0]
        return replace(arranged, outputs=(type(order).keras(len(order.axes) - 1),))

    def torch(self, site: Site) -> Form:
        """As in PyTorch."""
        return Form((f"%0.squeeze({self.axis})",))


class ReversedLSTM(LSTM):
    """Reads backwards and turns what it gives round again."""

    def torch(self, site: Site) -> Form:
        """An LSTM with a flip behind it."""
        form = super().torch(site)
        return replace(form, outputs=(f"{form.outputs[0]}.flip(1)", *form.outputs[1:]))


class SpaceToDepth(Layer):
    """Blocks of 2 x 2 pixels become channels: ``(batch, h, w, c) -> (batch, h / 2, w / 2, 4 c)``."""

    lambda_layers = ("space_to_depth_x2",)
    axis_order = "channels"

    def shape(self, inputs: Any) -> Any:
        """Half the size, four times the channels."""
        batch, h, w, c = inputs[0]
        return (batch, h // 2, w // 2, 4 * c)

    def torch(self, site: Site) -> Form:
        """Keras puts the channels of the first pixel first, PyTorch's pixel_unshuffle the first channel of all pixels."""
        return Form(("F.pixel_unshuffle(%0, 2).unflatten(1, (-1, 4)).transpose(1, 2).flatten(1, 2)",))


def keras_objects(keras: Any) -> dict[str, Any]:
    """The same in Keras."""
    import tensorflow as tf

    class ConvDNA(keras.layers.Conv1D):
        def __init__(self, seq_length: Any = None, **settings: Any) -> None:
            super().__init__(**settings)

    class SqueezeLayer(keras.layers.Layer):
        def __init__(self, axis: int = -1, **settings: Any) -> None:
            super().__init__(**settings)
            self.axis = axis

        def call(self, x: Any) -> Any:
            return tf.squeeze(x, self.axis)

    class ReversedLSTM(keras.layers.LSTM):
        def __init__(self, units: int, **settings: Any) -> None:
            super().__init__(units, **{**settings, "go_backwards": True})

        def call(self, *arguments: Any, **named: Any) -> Any:
            return tf.reverse(super().call(*arguments, **named), [1])

    def softplus2(x: Any) -> Any:
        return tf.nn.relu(x) + tf.math.log(0.5 * tf.exp(-tf.abs(x)) + 0.5)

    classes = {c.__name__: c for c in (ConvDNA, SqueezeLayer, ReversedLSTM)}
    return {**classes, "softplus2": softplus2, "space_to_depth_x2": lambda x: tf.nn.space_to_depth(x, 2)}
