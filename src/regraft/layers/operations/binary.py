"""Elementwise operations of two or three tensors, or of tensors and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Site
from regraft.layers.operations.elementwise import Elementwise, elementwise
from regraft.layers.operations.operands import Given, Operand, array_of, kind_of
from regraft.layers.operations.parsing import real
from regraft.layers.settings import setting


class Limit(Elementwise, abstract=True):
    """The larger or smaller of two values: ``clamp`` where one of them is a number."""

    def expression(self, given: Given, site: Site) -> str:
        numbers = [name for name, value in given.items() if not isinstance(value, Operand) and not array_of(value).ndim]
        written = self.written(given, site)
        if not numbers:
            return super().expression(given, site)
        (tensor,) = (text for name, text in written.items() if name != numbers[0])
        side = "min" if "max" in self.template else "max"
        return f"{tensor}.clamp({side}={written[numbers[0]].strip('()')})"


class Logical(Elementwise, abstract=True):
    """A law of logic: an operator between booleans, a function between other tensors."""

    operator: ClassVar[str]

    def expression(self, given: Given, site: Site) -> str:
        if any(not isinstance(v, Operand) or v.kind != "bool" for v in given.values()):
            return super().expression(given, site)
        return f" {self.operator} ".join(self.written(given, site).values())


class Conditional(Elementwise, abstract=True):
    """One tensor where a condition holds, another where it does not."""

    def check(self, given: Given) -> None:
        """The condition is a tensor."""
        super().check(given)
        if not isinstance(given["condition"], Operand):
            raise UnknownLayerError(f"where {quote(given['condition'])}")

    def written(self, given: Given, site: Site) -> dict[str, str]:
        texts = super().written(given, site)
        condition = given["condition"]
        known = isinstance(condition, Operand) and condition.kind == "bool"
        return texts if known else {**texts, "condition": f"{texts['condition']}.bool()"}

    def call_kind(self, arguments: Any, kinds: tuple[str, ...]) -> str:
        rest = {name: value for name, value in arguments.items() if name != "condition"}
        return super().call_kind(rest, kinds[1:])


@dataclass(frozen=True, kw_only=True)
class Clip(Elementwise, abstract=True):
    """Values held between two bounds."""

    x_min: float = setting(parse=real)
    x_max: float = setting(parse=real)

    def expression(self, given: Given, site: Site) -> str:
        return f"{self.written(given, site)['x']}.clamp({self.x_min!r}, {self.x_max!r})"

    def call_kind(self, arguments: Any, kinds: tuple[str, ...]) -> str:
        bounds = {kind_of(self.x_min), kind_of(self.x_max)}
        return "float" if "float" in bounds else super().call_kind(arguments, kinds)


# ---- arithmetic

elementwise(
    "Add",
    "{x1} + {x2}",
    "math.add | __operators__.add | add | nn.bias_add(value=x1, bias=x2, data_format='NHWC')",
    "AddV2 | Add | BiasAdd(x1, x2, data_format='NHWC')",
)
elementwise("Subtract", "{x1} - {x2}", "math.subtract | __operators__.sub | subtract", "Sub")
elementwise("Multiply", "{x1} * {x2}", "math.multiply | __operators__.mul | multiply", "Mul")
elementwise(
    "TrueDivide",
    "{x1} / {x2}",
    "math.truediv | math.divide | __operators__.truediv | divide",
    "RealDiv | Div",
    gives="float",
)
elementwise("Divide", "{x1} / {x2}", gives="float")
elementwise("Power", "torch.pow({x1}, {x2})", "math.pow | __operators__.pow | pow", "Pow")
elementwise("FloorDivide", "{x1} // {x2}", "compat.v1.floor_div | math.floordiv | __operators__.floordiv", "FloorDiv")
elementwise("Mod", "{x1} % {x2}", "math.floormod | math.mod | __operators__.mod", "FloorMod")
elementwise("Arctan2", "torch.atan2({x1}, {x2})", "math.atan2(y=x1, x=x2)", "Atan2", tensors=True, gives="float")
elementwise("Hypot", "torch.hypot({x1}, {x2})", tensors=True, gives="float")
elementwise("Logaddexp", "torch.logaddexp({x1}, {x2})", tensors=True, gives="float")
elementwise("Logaddexp2", "torch.logaddexp2({x1}, {x2})", tensors=True, gives="float")
elementwise(
    "DivideNoNan",
    "torch.where({x2} == 0, 0, {x1} / {x2})",
    "math.divide_no_nan",
    "DivNoNan",
    call_arguments=("x1", "x2"),
    tensors=True,
    gives="float",
)
elementwise("SquaredDifference", "({x1} - {x2}).square()", "math.squared_difference", "SquaredDifference", "tensorflow")
elementwise("Maximum", "torch.maximum({x1}, {x2})", "math.maximum | maximum", "Maximum", family=Limit)
elementwise("Minimum", "torch.minimum({x1}, {x2})", "math.minimum | minimum", "Minimum", family=Limit)
elementwise(
    "Clip",
    "{x}.clamp()",
    "clip_by_value(t=x, clip_value_min=x_min, clip_value_max=x_max)",
    "ClipByValue(x, x_min, x_max)",
    family=Clip,
)

# ---- comparison and logic

elementwise(
    "Equal",
    "{x1} == {x2}",
    "math.equal | __operators__.eq",
    "Equal(x1, x2, incompatible_shape_error=True)",
    gives="bool",
)
elementwise(
    "NotEqual",
    "{x1} != {x2}",
    "math.not_equal | __operators__.ne",
    "NotEqual(x1, x2, incompatible_shape_error=True)",
    gives="bool",
)
elementwise("Greater", "{x1} > {x2}", "math.greater", "Greater", gives="bool")
elementwise("GreaterEqual", "{x1} >= {x2}", "math.greater_equal", "GreaterEqual", gives="bool")
elementwise("Less", "{x1} < {x2}", "math.less", "Less", gives="bool")
elementwise("LessEqual", "{x1} <= {x2}", "math.less_equal", "LessEqual", gives="bool")
elementwise(
    "LogicalAnd",
    "torch.logical_and({x1}, {x2})",
    "math.logical_and",
    "LogicalAnd",
    tensors=True,
    family=Logical,
    operator="&",
    gives="bool",
)
elementwise(
    "LogicalOr",
    "torch.logical_or({x1}, {x2})",
    "math.logical_or",
    "LogicalOr",
    tensors=True,
    family=Logical,
    operator="|",
    gives="bool",
)
elementwise(
    "LogicalXor",
    "torch.logical_xor({x1}, {x2})",
    "math.logical_xor",
    tensors=True,
    family=Logical,
    operator="^",
    gives="bool",
)
elementwise(
    "Where",
    "torch.where({condition}, {x1}, {x2})",
    "where(condition, x=x1, y=x2)",
    "SelectV2(condition, x1, x2)",
    family=Conditional,
)
