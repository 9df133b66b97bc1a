"""A layer applied to every time step."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from regraft.blueprint import Blueprint, Call, LayerSpec, Setting, Shape, all_refs
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, Weight, build, spec_of
from regraft.layers.form import Arranged, Arrival, Carry, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.recurrent import Recurrent
from regraft.layers.settings import Reading, setting
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion
from regraft.layout import Move

#: Layers that work on any number of leading axes: they need no folding.
POINTWISE = frozenset(
    {"Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "GaussianNoise", "GaussianDropout"}
)
TOKEN = re.compile(r"%(\w+)")


def wrapped(value: Any, reading: Reading) -> LayerSpec:
    """The wrapped layer; it takes and gives one tensor a step."""
    spec = reading.layer(value)
    if build(spec).output_count() != 1:
        raise UnknownLayerError(f"a TimeDistributed around {quote(spec.type)} with several outputs")
    return spec


@dataclass(frozen=True, kw_only=True)
class TimeDistributed(Layer):
    """
    ``(batch, time, ...) -> (batch, time, ...)``: the wrapped layer sees every step as a sample of its own.

    The module is that of the wrapped layer. A Dense and its like take the sequence as it is; for all others the time is
    folded into the batch and unfolded behind them.
    Keras: ``keras/src/layers/rnn/time_distributed.py``; PyTorch: ``Tensor.flatten(0, 1)`` and ``Tensor.unflatten``.
    """

    masks: ClassVar = "own"

    layer: LayerSpec = setting(parse=wrapped)
    #: tf.keras 2 asks the wrapped layer for the mask that leaves; Keras 3 passes on the one that comes.
    asks_for_mask: bool = setting(False, keras=False)

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        return replace(super().from_keras(reading), asks_for_mask=reading.version.major == 2)

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return self.inner.caveats(version)

    def remarks(self) -> tuple[str, ...]:
        return self.inner.remarks()

    def in_keras_3(self) -> tuple[Layer, Mapping[str, tuple[Move, ...]]]:
        layer, moves = self.inner.in_keras_3()
        return replace(self, layer=spec_of(self.layer.name, layer, trainable=self.layer.trainable)), moves

    @property
    def inner(self) -> Layer:
        """The wrapped layer."""
        return build(self.layer)

    # ---- variables

    def variables(self) -> tuple[Weight, ...]:
        return tuple(weight.inside("", "layer") for weight in self.inner.variables())

    def stored(self, stored: Stored) -> Mapping[str, Origin]:
        return self.inner.stored(stored)

    def stored_flags(self, stored: Stored) -> tuple[bool, ...]:
        return self.inner.stored_flags(stored)

    def axis_sizes(self) -> dict[str, int]:
        return self.inner.axis_sizes()

    # ---- graph

    def call_shape(self, arguments: Mapping[str, Setting], inputs: tuple[Shape, ...]) -> Shape:
        """The mask that a call names is none of the inputs of the wrapped layer."""
        return self.shape(inputs[: len(inputs) - len(all_refs(Call("", (), 0, arguments)))] or inputs)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        inner = self.inner.shape(tuple(a_step(shape) for shape in inputs))
        if inner is None:
            return None
        batch, time = (None, None) if inputs[0] is None else inputs[0][:2]
        return (batch, time, *inner[1:])  # type: ignore[return-value]

    def arrange(self, arrival: Arrival) -> Arranged:
        """The orders that the wrapped layer asks for, below batch and time."""
        count = len(arrival.orders) - len(all_refs(Call("", (), 0, arrival.arguments))) or 1
        if self.layer.type in POINTWISE:
            return self.inner.arrange(
                replace(arrival, orders=arrival.orders[:count], shapes=arrival.shapes[:count], arguments={})
            )
        orders = tuple(order_of_step(order) for order in arrival.orders[:count])
        inner = self.inner.arrange(Arrival(tuple(a_step(s) for s in arrival.shapes[:count]), orders, arrival.absorbed))
        return Arranged(tuple(map(order_of_sequence, inner.inputs)), tuple(map(order_of_sequence, inner.outputs)))

    def inside(self, shape: Shape) -> tuple[Layer, Shape]:
        return self.inner, a_step(shape)

    def may_mask(self, arriving: bool) -> bool:
        return arriving or (self.asks_for_mask and self.inner.may_mask(arriving))

    def torch(self, site: Site) -> Form:
        if self.layer.type in POINTWISE:
            return replace(self.inner.torch(site), mask="%m0" if site.masks[0] else "")
        below = replace(
            site,
            inputs=tuple(a_step(shape) for shape in site.inputs),
            outputs=tuple(a_step(shape) for shape in site.outputs),
            orders=tuple(order_of_step(order) for order in site.orders),
            output_orders=tuple(order_of_step(order) for order in site.output_orders),
        )
        model = self.layer.config.get("blueprint")
        if site.masks[0] and isinstance(model, Blueprint) and minds_masks(model):
            raise UnknownLayerError(f"a mask enters the model that {quote(site.name)} applies to every step")
        form = self.inner.torch(below)
        code = " ".join((*form.before, *form.outputs))
        names: dict[str, str] = {}
        before: list[str] = []
        for i in range(len(site.inputs)):
            names[str(i)], names[f"m{i}"] = f"%{i}.flatten(0, 1)", f"%m{i}.flatten(0, 1)"
            if TOKEN.findall(code).count(str(i)) > 1:
                before.append(f"%step_{i} = {names[str(i)]}")
                names[str(i)] = f"%step_{i}"
        mask = self.leaving(site, renamed(form.mask, names))
        (output,) = (renamed(text, {**names, "mask": f"({renamed(form.mask, names)})"}) for text in form.outputs)
        return replace(
            form,
            outputs=(f"{bracketed(output)}.unflatten(0, %0.shape[:2])",),
            before=(*before, *(renamed(text, names) for text in form.before)),
            mask=mask,
            carries=self.inner.carry(below) if form.carries is None else form.carries,
            nested_inputs=below.inputs if isinstance(form.nested, Blueprint) else None,
        )

    def leaving(self, site: Site, inner_mask: str) -> str:
        """The mask that leaves: (batch, time), or more axes if the wrapped layer's own mask has them."""
        passed = "%m0" if site.masks[0] else ""
        if not self.asks_for_mask:
            return passed
        inner = self.inner
        if isinstance(inner, Recurrent) or self.layer.type == "Bidirectional":
            return passed and (passed if inner_mask else "%m0.any(dim=-1)")
        made = inner_mask and inner_mask != "%m0.flatten(0, 1)"
        return f"{bracketed(inner_mask)}.unflatten(0, %0.shape[:2])" if made else passed


def minds_masks(blueprint: Blueprint) -> bool:
    """Whether a model has recurrent layers or attention, which a mask that enters it would reach."""
    inner = (spec.config.get("blueprint") for spec in blueprint.layers)
    kinds = {"LSTM", "GRU", "SimpleRNN", "Bidirectional", "TimeDistributed", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}
    kinds |= {"Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention"}
    return any(s.type in kinds for s in blueprint.layers) or any(
        isinstance(m, Blueprint) and minds_masks(m) for m in inner
    )


def a_step(shape: Shape) -> Shape:
    """The shape of one step: a batch of unknown size, without time."""
    return None if shape is None else (None, *shape[2:])


def order_of_step(order: AxisOrder) -> AxisOrder:
    """The axis order of one step, if batch and time come first; else the step in Keras order."""
    rank = max(len(order.axes) - 1, 0)
    if order.axes[:2] != (0, 1):
        return AxisOrder.keras(rank)
    return AxisOrder((0, *(axis - 1 for axis in order.axes[2:])), order.flat)


def order_of_sequence(order: AxisOrder) -> AxisOrder:
    """The axis order of a sequence whose steps have this one."""
    return AxisOrder((0, 1, *(axis + 1 for axis in order.axes[1:])), order.flat) if order.axes else order


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text with other tokens."""
    return TOKEN.sub(lambda m: names.get(m[1], m[0]), text)


def bracketed(text: str) -> str:
    """An expression in brackets, unless a method call can follow it without."""
    node = ast.parse(TOKEN.sub(r"t_\1", text), mode="eval").body
    return text if isinstance(node, ast.Call | ast.Name | ast.Subscript | ast.Attribute) else f"({text})"


__all__ = ["Carry", "TimeDistributed", "bracketed", "order_of_sequence", "order_of_step", "renamed"]
