"""Elementwise operations of one tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regraft.blueprint import Shape
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import declare
from regraft.layers.operations.elementwise import Elementwise, elementwise
from regraft.layers.operations.operands import Given
from regraft.layers.operations.parsing import float_dtype, integer, optional_number
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting

# ---- what keeps integers integers

elementwise("Absolute", "{x}.abs()", "math.abs | abs", "Abs")
elementwise("Abs", "{x}.abs()")
elementwise("Fabs", "{x}.abs()")
elementwise("Negative", "-{x}", "math.negative", "Neg")
elementwise("Square", "{x}.square()", "math.square", "Square")
elementwise("Sign", "{x}.sign()", "math.sign", "Sign")
elementwise("Copy", "{x}", "identity(input=x)", "Identity")
elementwise("StopGradient", "{variable}.detach()", "stop_gradient(input=variable)", "StopGradient", "core")

# ---- what gives floats

elementwise("Ceil", "{x}.ceil()", "math.ceil", "Ceil")
elementwise("Floor", "{x}.floor()", "math.floor", "Floor")
elementwise("Trunc", "{x}.trunc()")
elementwise("Exp", "{x}.exp()", "math.exp", "Exp", gives="float")
elementwise("Exp2", "{x}.exp2()", gives="float")
elementwise("Expm1", "{x}.expm1()", "math.expm1", "Expm1", gives="float")
elementwise("Log", "{x}.log()", "math.log", "Log", gives="float")
elementwise("Log10", "{x}.log10()", gives="float")
elementwise("Log1p", "{x}.log1p()", "math.log1p", "Log1p", gives="float")
elementwise("Log2", "{x}.log2()", gives="float")
elementwise("Sqrt", "{x}.sqrt()", "math.sqrt", "Sqrt", gives="float")
elementwise("Rsqrt", "{x}.rsqrt()", "math.rsqrt", "Rsqrt", "math", gives="float")
elementwise("Reciprocal", "{x}.reciprocal()", "math.reciprocal", "Reciprocal | Inv", gives="float")
elementwise("Cbrt", "{x}.sign() * {x}.abs() ** (1 / 3)", gives="float")
elementwise("Sin", "{x}.sin()", "math.sin", "Sin", gives="float")
elementwise("Cos", "{x}.cos()", "math.cos", "Cos", gives="float")
elementwise("Tan", "{x}.tan()", "math.tan", "Tan", gives="float")
elementwise("Arcsin", "{x}.asin()", "math.asin", "Asin", gives="float")
elementwise("Arccos", "{x}.acos()", "math.acos", "Acos", gives="float")
elementwise("Arctan", "{x}.atan()", "math.atan", "Atan", gives="float")
elementwise("Sinh", "{x}.sinh()", "math.sinh", "Sinh", gives="float")
elementwise("Cosh", "{x}.cosh()", "math.cosh", "Cosh", gives="float")
elementwise("Tanh", "{x}.tanh()", "math.tanh", "Tanh", gives="float")
elementwise("Arcsinh", "{x}.asinh()", "math.asinh", "Asinh", gives="float")
elementwise("Arccosh", "{x}.acosh()", "math.acosh", "Acosh", gives="float")
elementwise("Arctanh", "{x}.atanh()", "math.atanh", "Atanh", gives="float")
elementwise("Deg2rad", "{x}.deg2rad()", gives="float")
elementwise("Rad2deg", "{x}.rad2deg()", gives="float")
elementwise("Sinc", "{x}.sinc()", gives="float")
elementwise("Erf", "{x}.erf()", "math.erf", "Erf", "math", gives="float")
elementwise("Erfc", "{x}.erfc()", "math.erfc", "Erfc", "math", gives="float")
elementwise("Erfinv", "{x}.erfinv()", "math.erfinv", "Erfinv", "math", gives="float")

# ---- what gives booleans

elementwise("LogicalNot", "torch.logical_not({x})", "math.logical_not", "LogicalNot", gives="bool")
elementwise("Isnan", "{x}.isnan()", "math.is_nan", "IsNan", gives="bool")
elementwise("Isinf", "{x}.isinf()", "math.is_inf", "IsInf", gives="bool")
elementwise("Isfinite", "{x}.isfinite()", "math.is_finite", "IsFinite", gives="bool")
elementwise("Isposinf", "{x}.isposinf()", gives="bool")
elementwise("Isneginf", "{x}.isneginf()", gives="bool")
elementwise("Signbit", "{x}.signbit()", gives="bool")


@dataclass(frozen=True, kw_only=True)
class Round(Elementwise, abstract=True):
    """Round half to even, to a number of decimals."""

    decimals: int = setting(0, parse=integer)

    def expression(self, given: Given, site: Site) -> str:
        return f"{self.written(given, site)['x']}.round({f'decimals={self.decimals}' if self.decimals else ''})"


@dataclass(frozen=True, kw_only=True)
class NanToNum(Elementwise, abstract=True):
    """Numbers in the place of NaN and infinities."""

    nan: float = setting(0.0)
    posinf: float | None = setting(None, parse=optional_number)
    neginf: float | None = setting(None, parse=optional_number)

    def expression(self, given: Given, site: Site) -> str:
        named = {"nan": self.nan or None, "posinf": self.posinf, "neginf": self.neginf}
        said = ", ".join(f"{k}={v!r}" for k, v in named.items() if v is not None)
        return f"{self.written(given, site)['x']}.nan_to_num({said})"


@dataclass(frozen=True, kw_only=True)
class Filled(Elementwise, abstract=True):
    """A tensor of the same shape with one number everywhere."""

    dtype: str | None = setting(None, parse=float_dtype)


class Size(Elementwise, abstract=True):
    """The number of elements."""

    def result(self, given: Given) -> Shape:
        return ()

    def arrange(self, arrival: Arrival) -> Arranged:
        """Any order."""
        return Arranged(tuple(AxisOrder(order.axes) for order in arrival.orders), (AxisOrder(()),))

    def torch(self, site: Site) -> Form:
        return Form(("torch.tensor(%0.numel())",))


def row(
    family: type[Elementwise], name: str, template: str, functions: str = "", nodes: str = "", **facts: Any
) -> None:
    """A row with a family of its own."""
    elementwise(name, template, functions, nodes, family=family, **facts)


row(Round, "Round", "{x}.round()", "math.round | round", "Round | Rint")
row(NanToNum, "NanToNum", "{x}.nan_to_num()")
row(Filled, "ZerosLike", "torch.zeros_like({x})", "zeros_like(input=x) | zeros_like_v2", "ZerosLike")
row(Filled, "OnesLike", "torch.ones_like({x})", "ones_like(input=x) | ones_like_v2", "OnesLike")
declare(
    Size,
    "Size",
    "numpy",
    "torch.tensor({x}.numel())",
    gives="int",
    functions=("compat.v1.size(input=x, out_type='int32')", "size(input=x, out_type='int32')"),
)
