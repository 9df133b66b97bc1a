"""Activation functions as operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Site
from regraft.layers.operations.elementwise import Elementwise, elementwise
from regraft.layers.operations.operands import Given
from regraft.layers.operations.parsing import real
from regraft.layers.settings import setting


def activation(name: str, template: str, functions: str = "", nodes: str = "", **facts: Any) -> None:
    """A row of the table; TensorFlow calls the argument ``features``."""
    functions = " | ".join(f if "(" in f else f"{f}(features=x)" for f in functions.split(" | ") if f)
    elementwise(name, template, functions, nodes, "nn", gives="float", **facts)


@dataclass(frozen=True, kw_only=True)
class Sloped(Elementwise, abstract=True):
    """Another slope below zero."""

    negative_slope: float = setting(0.2, parse=real)

    def expression(self, given: Given, site: Site) -> str:
        return f"F.leaky_relu({self.written(given, site)['x']}, {self.negative_slope!r})"


@dataclass(frozen=True, kw_only=True)
class Exponential(Elementwise, abstract=True):
    """An exponential below zero, of height alpha."""

    alpha: float = setting(1.0, parse=real)

    def expression(self, given: Given, site: Site) -> str:
        function = self.template.partition("(")[0]
        more = "" if self.alpha == 1 else f", {self.alpha!r}"
        return f"{function}({self.written(given, site)['x']}{more})"


@dataclass(frozen=True, kw_only=True)
class Gelu(Elementwise, abstract=True):
    """The Gaussian error linear unit: by the error function, or by tanh, which is the default of the operation."""

    approximate: bool = setting(True)

    def expression(self, given: Given, site: Site) -> str:
        more = ', approximate="tanh"' if self.approximate else ""
        return f"F.gelu({self.written(given, site)['x']}{more})"


@dataclass(frozen=True, kw_only=True)
class Shrink(Elementwise, abstract=True):
    """Zero between minus and plus the threshold."""

    threshold: float = setting(0.5, parse=real)

    def expression(self, given: Given, site: Site) -> str:
        function = self.template.partition("(")[0]
        more = "" if self.threshold == 0.5 else f", {self.threshold!r}"
        return f"{function}({self.written(given, site)['x']}{more})"


@dataclass(frozen=True, kw_only=True)
class Threshold(Elementwise, abstract=True):
    """Another value up to a threshold."""

    threshold: float = setting(parse=real)
    default_value: float = setting(parse=real)

    def expression(self, given: Given, site: Site) -> str:
        return f"F.threshold({self.written(given, site)['x']}, {self.threshold!r}, {self.default_value!r})"


@dataclass(frozen=True, kw_only=True)
class Squareplus(Elementwise, abstract=True):
    """A smooth ReLU without exponentials."""

    b: float = setting(4, parse=real)

    def check(self, given: Given) -> None:
        """The usual b."""
        if self.b != 4:
            raise UnknownLayerError(f"squareplus with b = {quote(self.b)}")


activation("Relu", "F.relu({x})", "nn.relu", "Relu")
activation("Relu6", "F.relu6({x})", "nn.relu6", "Relu6")
activation("Sigmoid", "torch.sigmoid({x})", "math.sigmoid(x) | nn.sigmoid(x)", "Sigmoid")
activation("SparseSigmoid", "sparse_sigmoid({x})", snippets=("sparse_sigmoid",))
activation("Softplus", "F.softplus({x})", "math.softplus | nn.softplus", "Softplus")
activation("Softsign", "F.softsign({x})", "nn.softsign", "Softsign")
activation("SparsePlus", "sparse_plus({x})", snippets=("sparse_plus",))
activation("Silu", "F.silu({x})", "nn.silu(features=x, beta=1.0) | nn.swish(features=x, beta=1.0)")
activation("Squareplus", "squareplus({x})", snippets=("squareplus",), family=Squareplus)
activation("LogSigmoid", "F.logsigmoid({x})", "math.log_sigmoid(x)")
activation(
    "LeakyRelu",
    "F.leaky_relu({x}, slope)",
    "nn.leaky_relu(features=x, alpha=(negative_slope, 0.2))",
    "LeakyRelu(x, alpha=negative_slope)",
    call_arguments=("x",),
    family=Sloped,
)
activation("HardSigmoid", "F.hardsigmoid({x})")
activation("HardSilu", "F.hardswish({x})")
activation("Elu", "F.elu({x})", "nn.elu", "Elu", family=Exponential)
activation("Celu", "F.celu({x})", family=Exponential)
activation("Selu", "F.selu({x})", "nn.selu", "Selu")
activation("Gelu", "F.gelu({x})", "nn.gelu(features=x, approximate=(approximate, False))", family=Gelu)
activation("TanhShrink", "F.tanhshrink({x})")
activation("HardTanh", "F.hardtanh({x})")
activation("SoftShrink", "F.softshrink({x})", family=Shrink)
activation("HardShrink", "F.hardshrink({x})", family=Shrink)
activation("Threshold", "F.threshold({x}, threshold, default)", call_arguments=("x",), family=Threshold)
