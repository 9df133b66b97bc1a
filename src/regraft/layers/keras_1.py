"""Dense layers that only Keras 1 has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import LayerSpec, Shape
from regraft.layers.activations import activated, activation
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Form, Site
from regraft.layers.settings import positive, setting
from regraft.layers.version import KerasVersion


@dataclass(frozen=True, kw_only=True)
class Gone(Layer, abstract=True):
    """A layer that was removed in Keras 2."""

    axis_order: ClassVar = "keras"

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return (f"Keras {version.major} has no {type(self).__name__}",)


@dataclass(frozen=True, kw_only=True)
class MaxoutDense(Gone):
    """
    The largest of ``nb_feature`` affine maps: ``(batch, cin) -> (batch, output_dim)``.

    Keras: ``keras/layers/core.py`` of Keras 1.2.2; PyTorch: ``torch.nn.Linear`` and ``Tensor.amax``.
    """

    weights: ClassVar = (
        Weight("kernel", "feature cin units -> (feature units) cin", torch="weight"),
        Weight("bias", "feature units -> (feature units)", torch="bias", given="use_bias"),
    )

    units: int = setting(old=("output_dim",), parse=positive)
    nb_feature: int = setting(4, parse=positive)
    use_bias: bool = setting(True, old=("bias",))

    def axis_sizes(self) -> dict[str, int]:
        return {"feature": self.nb_feature, "units": self.units}

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return None if inputs[0] is None else (*inputs[0][:-1], self.units)

    def torch(self, site: Site) -> Form:
        features, cin, units = site.stored["kernel"]
        bias = "" if self.use_bias else ", bias=False"
        module = f"nn.Linear({cin}, {features * units}{bias})"
        return Form((f"%self(%0).unflatten(-1, ({features}, {units})).amax(-2)",), module)


@dataclass(frozen=True, kw_only=True)
class Highway(Gone):
    """
    ``gate * activation(kernel x + bias) + (1 - gate) * x`` with ``gate = sigmoid(gate_kernel x + gate_bias)``.

    Keras: ``keras/layers/core.py`` of Keras 1.2.2; PyTorch: two ``torch.nn.Linear``.
    """

    weights: ClassVar = (
        Weight("kernel", "cin units -> units cin", torch="change.weight"),
        Weight("gate_kernel", "cin units -> units cin", torch="gate.weight"),
        Weight("bias", "units -> units", torch="change.bias", given="use_bias"),
        Weight("gate_bias", "units -> units", torch="gate.bias", given="use_bias"),
    )

    activation: str | LayerSpec = setting("linear", parse=activation)
    use_bias: bool = setting(True, old=("bias",))

    def torch(self, site: Site) -> Form:
        cin, units = site.stored["kernel"]
        linear = f"nn.Linear({cin}, {units}{'' if self.use_bias else ', bias=False'})"
        change, snippets = activated('%self["change"](%0)', self.activation, site.output_orders[0])
        module = f'nn.ModuleDict({{"change": {linear}, "gate": {linear}}})'
        before = ('%gate = torch.sigmoid(%self["gate"](%0))',)
        return Form((f"%gate * {change} + (1.0 - %gate) * %0",), module, before, snippets=snippets)


@dataclass(frozen=True, kw_only=True)
class ParametricSoftplus(Gone):
    """
    ``alpha * log(1 + exp(beta * x))`` with an alpha and a beta for every element but the shared axes.

    Keras: ``keras/layers/advanced_activations.py`` of Keras 1.2.2; PyTorch: ``torch.nn.functional.softplus``.
    """

    weights: ClassVar = (Weight("alpha", "... -> ...", torch="alpha"), Weight("beta", "... -> ...", torch="beta"))

    def torch(self, site: Site) -> Form:
        module = f"ParametricSoftplus({', '.join(map(str, site.stored['alpha']))})"
        return Form(("%self(%0)",), module, snippets=("ParametricSoftplus",))


@dataclass(frozen=True, kw_only=True)
class SReLU(Gone):
    """
    Three lines with learned thresholds and slopes, for every element but the shared axes.

    Keras: ``keras/layers/advanced_activations.py`` of Keras 1.2.2; PyTorch: ``torch.where``.
    """

    weights: ClassVar = tuple(
        Weight(name, "... -> ...", torch=name) for name in ("t_left", "a_left", "t_right", "a_right")
    )

    def torch(self, site: Site) -> Form:
        module = f"SReLU({', '.join(map(str, site.stored['t_left']))})"
        return Form(("%self(%0)",), module, snippets=("SReLU",))
