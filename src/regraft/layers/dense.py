"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import LayerSpec, Shape
from regraft.layers.activations import activated, activation, activation_caveats, keras_name, linear_in_keras_3
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import positive, setting
from regraft.layers.version import KerasVersion
from regraft.layout import Move


@dataclass(frozen=True, kw_only=True)
class Dense(Layer):
    """
    Affine map of the last axis: ``(..., cin) -> (..., units)``.

    A flattened map that arrives in PyTorch order is absorbed: the rows of the kernel move instead.
    Keras: ``keras/src/layers/core/dense.py``; PyTorch: ``torch.nn.Linear``.
    """

    #: Keras 1 had a class of its own for sequences.
    aliases: ClassVar = ("TimeDistributedDense",)
    flat: ClassVar = "absorb"
    weights: ClassVar = (
        Weight("kernel", "cin units -> units cin", torch="weight", follows="cin"),
        Weight("bias", "units -> units", torch="bias", given="use_bias"),
    )

    units: int = setting(old=("output_dim",), parse=positive)
    activation: str | LayerSpec = setting("linear", parse=activation)
    use_bias: bool = setting(True, old=("bias",))

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {**super().to_keras(version), "activation": keras_name(self.activation, version)}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return activation_caveats(self.activation, version)

    def in_keras_3(self) -> tuple[Layer, Mapping[str, tuple[Move, ...]]]:
        return linear_in_keras_3(self, ("kernel", "bias"))

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return None if shape is None else (*shape[:-1], self.units)

    def arrange(self, arrival: Arrival) -> Arranged:
        """The last axis comes last; a flattened map may stay in PyTorch order."""
        (order,) = arrival.orders
        keras = AxisOrder.keras(len(order.axes))
        return Arranged((AxisOrder(keras.axes, order.flat),), (keras,))

    def torch(self, site: Site) -> Form:
        cin, units = site.stored["kernel"]
        bias = "" if self.use_bias else ", bias=False"
        text, snippets = activated("%self(%0)", self.activation, site.output_orders[0])
        return Form((text,), module=f"nn.Linear({cin}, {units}{bias})", snippets=snippets)
