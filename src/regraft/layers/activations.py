"""
Activation functions by their Keras name, and the layers that apply one.

Keras: ``keras/src/activations/activations.py``; PyTorch: ``torch.nn.functional``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import LayerSpec
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, build
from regraft.layers.form import Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import Reading, setting
from regraft.layers.version import KerasVersion

#: PyTorch expression of each activation: ``{x}`` is the input, ``{dim}`` the dimension that holds the last Keras axis.
EXPRESSIONS: dict[str, str] = {
    "linear": "{x}",
    "relu": "F.relu({x})",
    "relu6": "F.relu6({x})",
    "sigmoid": "torch.sigmoid({x})",
    "tanh": "torch.tanh({x})",
    "softmax": "F.softmax({x}, dim={dim})",
    "log_softmax": "F.log_softmax({x}, dim={dim})",
    "softplus": "F.softplus({x})",
    "softsign": "F.softsign({x})",
    "elu": "F.elu({x})",
    "selu": "F.selu({x})",
    "silu": "F.silu({x})",
    "gelu": "F.gelu({x})",
    "exponential": "torch.exp({x})",
    "mish": "F.mish({x})",
    "leaky_relu": "F.leaky_relu({x}, 0.2)",
    "hard_sigmoid": "F.hardsigmoid({x})",
    "hard_sigmoid_keras2": "hard_sigmoid({x})",
    "hard_silu": "F.hardswish({x})",
}
SNIPPETS = {"hard_sigmoid_keras2": "hard_sigmoid"}
OTHER_NAMES = {"swish": "silu", "hard_swish": "hard_silu", "log_sigmoid": "log_sigmoid", "elu_alpha_1": "elu", None: "linear"}


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
            return reading.layer(value)
    if value in OTHER_NAMES:
        value = OTHER_NAMES[value]
    if value == "hard_sigmoid" and reading.version.before(3):
        return "hard_sigmoid_keras2"
    if not isinstance(value, str) or value not in EXPRESSIONS:
        raise UnknownLayerError(f"activation {quote(value)} is not known")
    return value


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
    """Keras 3 has no function for the hard sigmoid of Keras 1 and 2."""
    if value == "hard_sigmoid_keras2" and version.major >= 3:
        return ("hard_sigmoid is clip(0.2 x + 0.5) in the Keras that wrote the file, and relu6(x + 3) / 6 in Keras 3",)
    return ()


@dataclass(frozen=True, kw_only=True)
class Activation(Layer):
    """
    Apply an activation function.

    Keras: ``keras/src/layers/activations/activation.py``; PyTorch: ``torch.nn.functional``.
    """

    flat: ClassVar = "pass"
    activation: str | LayerSpec = setting(parse=activation)

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {"activation": keras_name(self.activation, version)}

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return activation_caveats(self.activation, version)

    def torch(self, site: Site) -> Form:
        text, snippets = activated("%0", self.activation, site.orders[0])
        return Form((text,), snippets=snippets)


@dataclass(frozen=True, kw_only=True)
class ReLU(Layer):
    """
    ``x`` above ``threshold``, capped at ``max_value``; ``negative_slope * (x - threshold)`` below it.

    Keras: ``keras/src/layers/activations/relu.py``; PyTorch: ``torch.nn.functional.relu`` and its kin.
    """

    flat: ClassVar = "pass"
    max_value: float | None = setting(None)
    negative_slope: float = setting(0.0, old=("alpha",), parse=lambda v, _: float(v or 0))
    threshold: float = setting(0.0, old=("theta",), parse=lambda v, _: float(v or 0))

    def torch(self, site: Site) -> Form:
        if self.threshold == 0 and self.max_value is None:
            slope = self.negative_slope
            return Form((f"F.leaky_relu(%0, {slope!r})" if slope else "F.relu(%0)",))
        if self.threshold == 0 and not self.negative_slope:
            return Form(("F.relu6(%0)" if self.max_value == 6 else f"torch.clamp(%0, 0.0, {float(self.max_value or 0)!r})",))
        above = f"torch.where(%0 >= {self.threshold!r}, %0, 0.0)" if self.threshold else "F.relu(%0)"
        if self.max_value is not None:
            above = f"{above}.clamp(max={float(self.max_value)!r})"
        if self.negative_slope:
            above = f"{above} - {self.negative_slope!r} * F.relu({self.threshold!r} - %0)"
        return Form((above,))


@dataclass(frozen=True, kw_only=True)
class LeakyReLU(Layer):
    """
    ``x`` for positive inputs, ``negative_slope * x`` for the others. The slope defaults to 0.3 (0.01 in PyTorch).

    Keras: ``keras/src/layers/activations/leaky_relu.py``; PyTorch: ``torch.nn.functional.leaky_relu``.
    """

    flat: ClassVar = "pass"
    negative_slope: float = setting(0.3, old=("alpha",), parse=lambda v, _: float(v))

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        return {"negative_slope" if version.major >= 3 else "alpha": self.negative_slope}

    def torch(self, site: Site) -> Form:
        return Form((f"F.leaky_relu(%0, {self.negative_slope!r})",))
