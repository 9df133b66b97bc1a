"""The family of operations that work element by element, in any axis order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from regraft.blueprint import Setting, Shape, refs_in
from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation, declare, signatures
from regraft.layers.operations.operands import (
    Given,
    Kind,
    Operand,
    aligned,
    array_of,
    broadcast,
    kind_of,
    number,
    operands_in,
    promoted,
    shape_of,
    tensor_text,
)
from regraft.layers.order import AxisOrder


@dataclass(frozen=True, kw_only=True)
class Elementwise(Operation, abstract=True):
    """
    Element by element; tensors of lower rank are aligned at their last axis, as in NumPy.

    A tensor keeps the axis order it has; one of lower rank gets axes of length 1 where that order needs them.
    """

    constant_first: ClassVar = True
    #: The expression: ``{x1} + {x2}``.
    template: ClassVar[str] = ""
    #: Whether PyTorch's function takes tensors only, so that numbers must become tensors.
    tensors: ClassVar[bool] = False
    snippets: ClassVar[tuple[str, ...]] = ()

    @property
    def passes_order(self) -> bool:
        return True

    def check(self, given: Given) -> None:
        """Every argument is a tensor or an array of numbers, and one is a tensor."""
        missing = [name for name in self.call_arguments if f"{{{name}}}" in self.template and name not in given]
        if missing or not list(operands_in(tuple(given.values()))):
            raise UnknownLayerError(f"{self.keras_class} without {quote(', '.join(missing) or 'a tensor')}")
        for name, value in given.items():
            if name not in self.call_arguments:
                raise UnknownLayerError(f"{self.keras_class} with the argument {quote(name)} = {quote(value)}")
            if not isinstance(value, Operand):
                array_of(value)

    def result(self, given: Given) -> Shape:
        return broadcast([shape_of(v) for v in given.values()])

    def call_kind(self, arguments: Mapping[str, Setting], kinds: tuple[str, ...]) -> str:
        if self.gives != "same":
            return self.gives
        constants: list[Kind] = [kind_of(v) for v in arguments.values() if not list(refs_in(v))]
        return promoted([*cast("tuple[Kind, ...]", kinds), *constants])

    def arrange(self, arrival: Arrival) -> Arranged:
        """The tensors of the highest rank in one order; the others as they come, if they come in the order of Keras."""
        ranks = [len(order.axes) for order in arrival.orders]
        constants = [array_of(v).ndim for v in self.arriving(arrival).values() if not isinstance(v, Operand)]
        rank = max([*ranks, *constants])
        if 0 in ranks and rank and any(s is None for s in arrival.shapes):
            return super().arrange(arrival)
        high = [AxisOrder(order.axes) for order in arrival.orders if len(order.axes) == rank]
        want = next((order for order in high if not order.is_keras), high[0] if high else AxisOrder.keras(rank))
        inputs = tuple(want if n == rank else AxisOrder(o.axes) for n, o in zip(ranks, arrival.orders, strict=True))
        return Arranged(inputs, (want,))

    def torch(self, site: Site) -> Form:
        given = self.at(site)
        return Form((self.expression(given, site),), snippets=self.snippets)

    def expression(self, given: Given, site: Site) -> str:
        """The template, filled in."""
        return self.template.format(**self.written(given, site))

    def written(self, given: Given, site: Site) -> dict[str, str]:
        """Every argument as code, fitted to the result's axis order."""
        target = site.output_orders[0]
        like = next(operands_in(tuple(given.values())))
        return {name: operand_text(value, like, target, tensors=self.tensors) for name, value in given.items()}


def operand_text(value: Any, like: Operand, target: AxisOrder, *, tensors: bool) -> str:
    """One argument as code, fitted to an axis order."""
    if isinstance(value, Operand):
        lower = 0 < len(value.order.axes) < len(target.axes)
        return aligned(value.text, value.order, target) if lower else value.text
    array = array_of(value)
    if not array.ndim and not tensors:
        return number(array.item())
    text = tensor_text(value, like)
    return aligned(text, AxisOrder.keras(array.ndim), target) if array.ndim and target.axes else text


def elementwise(
    name: str,
    template: str,
    functions: str = "",
    nodes: str = "",
    module: str = "numpy",
    family: type[Elementwise] = Elementwise,
    **facts: Any,
) -> type[Elementwise]:
    """
    A row of a table of elementwise operations.

    Args:
        name: Keras' class name.
        template: The PyTorch expression; it names the arguments, in order.
        functions: Functions of TensorFlow, with ``|`` between them.
        nodes: Nodes of TensorFlow's graphs, likewise.
        module: File in ``keras/src/ops``.
        family: The class.
        facts: Class attributes.
    """
    names = tuple(dict.fromkeys(part.split("}")[0] for part in template.split("{")[1:]))
    facts = {"call_arguments": names, **facts}
    names = facts["call_arguments"]
    usual = ", ".join(f"{tf}={name}" for tf, name in zip("xyz", names, strict=False)) if len(names) > 1 else names[0]
    return declare(
        family,
        name,
        module,
        template,
        template=template,
        functions=signatures(functions, usual),
        nodes=signatures(nodes, ", ".join(names)),
        **facts,
    )
