"""
Activation functions by their Keras name, and the layer that applies one.

Keras: ``keras/src/activations/activations.py``; PyTorch: ``torch.nn.functional``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from regraft.blueprint import Blueprint, Call, LayerSpec, Shape, TensorRef
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, build, layer_class
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.registry import Registry
from regraft.layers.settings import Reading, setting
from regraft.layers.version import KerasVersion
from regraft.layout import Move, Scale

AnyLayer = TypeVar("AnyLayer", bound=Layer)

#: PyTorch expression of each activation: ``{x}`` is the input, ``{dim}`` the dimension that holds the last Keras axis.
BUILT_IN: dict[str, str] = {
    "linear": "{x}",
    "relu": "F.relu({x})",
    "relu6": "F.relu6({x})",
    "leaky_relu": "F.leaky_relu({x}, 0.2)",
    "elu": "F.elu({x})",
    "selu": "F.selu({x})",
    "celu": "F.celu({x})",
    "gelu": "F.gelu({x})",
    "silu": "F.silu({x})",
    "mish": "F.mish({x})",
    "glu": "F.glu({x}, dim={dim})",
    "exponential": "torch.exp({x})",
    "sigmoid": "torch.sigmoid({x})",
    "log_sigmoid": "F.logsigmoid({x})",
    "hard_sigmoid": "F.hardsigmoid({x})",
    "hard_sigmoid_keras2": "hard_sigmoid({x})",
    "hard_silu": "F.hardswish({x})",
    "tanh": "torch.tanh({x})",
    "tanh_shrink": "F.tanhshrink({x})",
    "hard_tanh": "F.hardtanh({x})",
    "soft_shrink": "F.softshrink({x})",
    "hard_shrink": "F.hardshrink({x})",
    "softplus": "F.softplus({x})",
    "softsign": "F.softsign({x})",
    "squareplus": "squareplus({x})",
    "sparse_plus": "sparse_plus({x})",
    "sparse_sigmoid": "sparse_sigmoid({x})",
    "softmax": "F.softmax({x}, dim={dim})",
    "log_softmax": "F.log_softmax({x}, dim={dim})",
    "sparsemax": "sparsemax({x}, dim={dim})",
}
#: The same, with those of the user's file over them.
EXPRESSIONS: Registry[str] = Registry(BUILT_IN)
SNIPPETS = {
    "hard_sigmoid_keras2": "hard_sigmoid",
    "squareplus": "squareplus",
    "sparse_plus": "sparse_plus",
    "sparse_sigmoid": "sparse_sigmoid",
    "sparsemax": "sparsemax",
}
OTHER_NAMES = {"swish": "silu", "hard_swish": "hard_silu", None: "linear"}
#: Layers that Keras 2 accepts as the name of an activation, made with their default settings.
LAYER_NAMES = frozenset({"ReLU", "LeakyReLU", "ELU", "Softmax"})
#: Activations that tf.keras 2.15 knows; the others came with Keras 3 (``tf_keras/src/activations.py``).
IN_KERAS_2 = frozenset(
    "elu exponential gelu hard_sigmoid_keras2 leaky_relu linear log_softmax mish relu relu6 selu sigmoid silu softmax "
    "softplus softsign tanh".split()
)


def activation(value: Any, reading: Reading) -> str | LayerSpec:
    """
    Read an activation: a name, a serialised function, or a serialised layer.

    Raises:
        UnknownLayerError: If it is not one of ours.
    """
    if isinstance(value, Mapping):
        inner = value.get("config")
        if value.get("class_name") in {"function", "builtin"} and isinstance(inner, str):
            value = inner
        elif isinstance(inner, Mapping):
            return layer_as_function(value, reading)
    if isinstance(value, str) and value in LAYER_NAMES:
        return layer_as_function({"class_name": value, "config": {"name": value}}, reading)
    if isinstance(value, str | None) and value in OTHER_NAMES:
        value = OTHER_NAMES[value]
    if value == "hard_sigmoid" and reading.version.before(3):
        return "hard_sigmoid_keras2"
    if value == "gelu" and reading.version.before(2, 4):
        raise UnknownLayerError(
            f"activation 'gelu': Keras {reading.version} had none; a function of the author may be either form"
        )
    if not isinstance(value, str) or value not in EXPRESSIONS:
        raise UnknownLayerError(f"activation {quote(value)} is not known")
    return value


def layer_as_function(value: Mapping[str, Any], reading: Reading) -> LayerSpec:
    """A layer in the place of an activation function; it must have no variables."""
    spec = reading.layer(value)
    if build(spec).variables():
        raise UnknownLayerError(f"layer {quote(spec.type)} as activation: its variables have no place in the file")
    return spec


def keras_name(value: str | LayerSpec, version: KerasVersion) -> str | LayerSpec:
    """The name under which a Keras version knows an activation."""
    if value == "hard_sigmoid_keras2":
        return "hard_sigmoid"
    if value == "silu" and version.major < 3:
        return "swish"
    return value


def activated(expression: str, value: str | LayerSpec, order: AxisOrder) -> tuple[str, tuple[str, ...]]:
    """The expression with an activation around it, and the snippets it needs; ``order`` is that of the expression."""
    if isinstance(value, LayerSpec):
        form = build(value).torch(Site("", (None,), (None,), (order,), (order,), (False,), {}))
        if form.module or form.before:
            raise UnknownLayerError(f"layer {quote(value.type)} cannot be an activation function")
        return form.outputs[0].replace("%0", expression), form.snippets
    text = EXPRESSIONS[value].format(x=expression, dim=order.dim(-1))
    return text, ((SNIPPETS[value],) if value in SNIPPETS else ())


def activation_caveats(value: str | LayerSpec, version: KerasVersion) -> tuple[str, ...]:
    """Keras 3 has no function for the hard sigmoid of Keras 1 and 2, and Keras 2 lacks half of those of Keras 3."""
    if value == "hard_sigmoid_keras2" and version.major >= 3:
        return ("hard_sigmoid is clip(0.2 x + 0.5) in the Keras that wrote the file, and relu6(x + 3) / 6 in Keras 3",)
    if value == "hard_sigmoid" and version.major < 3:
        return ("hard_sigmoid is relu6(x + 3) / 6 in the Keras that wrote the file, and clip(0.2 x + 0.5) in Keras 2",)
    if isinstance(value, str) and version.major < 3 and value not in IN_KERAS_2:
        return (f"Keras 2 has no activation {quote(value)}",)
    return ()


#: ``clip(0.2 x + 0.5)`` of Keras 1 and 2 is ``relu6(1.2 x + 3) / 6``, the hard sigmoid of Keras 3.
OLD_HARD_SIGMOID, FACTOR = "hard_sigmoid_keras2", 1.2


def chain(name: str, specs: tuple[LayerSpec, ...]) -> Blueprint:
    """Layers one after the other, as a Sequential model."""
    refs = [TensorRef(spec.name) for spec in specs]
    calls = tuple(Call(spec.name, (ref,)) for spec, ref in zip(specs[1:], refs, strict=False))
    return Blueprint(name, specs, calls, (refs[0],), (refs[-1],), sequential=True)


def linear_in_keras_3(layer: AnyLayer, names: tuple[str, ...]) -> tuple[AnyLayer, dict[str, tuple[Move, ...]]]:
    """A layer whose activation follows a linear map in Keras 3; ``names`` are the variables that the map is linear in."""
    if getattr(layer, "activation", None) != OLD_HARD_SIGMOID:
        return layer, {}
    known = {w.name for w in layer.variables()}
    moves: dict[str, tuple[Move, ...]] = {name: (Scale((FACTOR,)),) for name in names if name in known}
    return replace(layer, **{"activation": "hard_sigmoid"}), moves


@dataclass(frozen=True, kw_only=True)
class Activation(Layer):
    """
    Apply an activation function; the shape stays, but for ``glu``, which halves the last axis.

    Keras: ``keras/src/layers/activations/activation.py``; PyTorch: ``torch.nn.functional``.
    """

    flat: ClassVar = "pass"
    activation: str | LayerSpec = setting(parse=activation)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {"activation": keras_name(self.activation, version)}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return activation_caveats(self.activation, version)

    def in_keras_3(self) -> tuple[Layer, Mapping[str, tuple[Move, ...]]]:
        """The hard sigmoid of Keras 2 is a small model: 1.2 x, and the function of Keras 3."""
        if self.activation != OLD_HARD_SIGMOID:
            return self, {}
        start = LayerSpec("input", "InputLayer", {"batch_shape": None})
        steps = (
            LayerSpec("stretch", "Rescaling", {"scale": FACTOR}),
            LayerSpec("hard_sigmoid", "Activation", {"activation": "hard_sigmoid"}),
        )
        return layer_class("Functional")(**{"blueprint": chain("hard_sigmoid_of_keras_2", (start, *steps))}), {}

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if self.activation != "glu" or shape is None:
            return shape
        return (*shape[:-1], None if shape[-1] is None else shape[-1] // 2)

    def arrange(self, arrival: Arrival) -> Arranged:
        """Any order will do; ``glu`` splits a flattened map, so it needs the order of Keras there."""
        arranged = super().arrange(arrival)
        if self.activation != "glu":
            return arranged
        order = replace(arranged.inputs[0], flat=())
        return Arranged((order,), (order,))

    def torch(self, site: Site) -> Form:
        text, snippets = activated("%0", self.activation, site.orders[0])
        return Form((text,), snippets=snippets)
