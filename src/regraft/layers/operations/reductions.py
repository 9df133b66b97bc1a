"""Operations that reduce axes: sums, means, extremes, in any axis order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Setting, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation, declare, signatures
from regraft.layers.operations.operands import Given, Operand
from regraft.layers.operations.parsing import axes, float_dtype, optional_number, real
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting


def reduced_order(order: AxisOrder, gone: tuple[int, ...], *, keepdims: bool) -> AxisOrder:
    """The order without the Keras axes that are gone, renumbered."""
    if keepdims:
        return AxisOrder(order.axes)
    return AxisOrder(tuple(a - sum(g < a for g in gone) for a in order.axes if a not in gone))


@dataclass(frozen=True, kw_only=True)
class Reduction(Operation, abstract=True):
    """Over one axis, several or all; the axes follow the axis order."""

    #: The expression; ``{dim}`` is ``dim=(2, 3)`` or nothing, ``{keep}`` what keeps the axes.
    template: ClassVar[str] = ""
    #: Whether PyTorch refuses integers where Keras makes floats of them.
    floats: ClassVar[bool] = False
    #: Whether ``dim`` may be several axes.
    several: ClassVar[bool] = True
    #: Whether ``dim`` must be said even where it is all of them.
    explicit: ClassVar[bool] = False

    axis: int | tuple[int, ...] | None = setting(None, parse=axes)
    keepdims: bool = setting(False)

    @property
    def passes_order(self) -> bool:
        return self.keepdims

    def gone(self, rank: int) -> tuple[int, ...]:
        """The axes that are reduced."""
        if self.axis is None:
            return tuple(range(rank))
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        if any(not -rank <= axis < rank for axis in axes):
            raise ValueError(f"axis {self.axis} of a tensor of rank {rank}")
        return tuple(sorted({axis % rank for axis in axes}))

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        gone = self.gone(len(shape))
        kept = [1 if i in gone else n for i, n in enumerate(shape) if self.keepdims or i not in gone]
        return tuple(kept)

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies."""
        (order, *others) = arrival.orders
        gone = self.gone(len(order.axes)) if order.axes else ()
        rest = tuple(AxisOrder.keras(len(o.axes)) for o in others)
        return Arranged((AxisOrder(order.axes), *rest), (reduced_order(order, gone, keepdims=self.keepdims),))

    def dims(self, operand: Operand) -> tuple[int, ...] | None:
        """The dimensions in PyTorch; None for all of them."""
        if self.axis is None:
            return None
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        return tuple(sorted(operand.order.dim(axis) for axis in axes))

    def said(self, operand: Operand) -> list[str]:
        """``dim`` and ``keepdim`` as they are passed, where they are not PyTorch's defaults."""
        dims = self.dims(operand)
        if dims is None and (self.keepdims or self.explicit):
            dims = tuple(range(len(operand.order.axes)))
        text = [] if dims is None else [f"dim={dims[0] if len(dims) == 1 else dims}"]
        return [*text, *(["keepdim=True"] if self.keepdims else [])]

    def torch(self, site: Site) -> Form:
        operand: Operand = self.at(site)["x"]
        value = operand.text
        if self.floats and operand.kind != "float":
            value = f"{value}.to(torch.get_default_dtype())"
        dims = self.dims(operand)
        if not self.several and (dims is None or len(dims) > 1):
            return Form((self.flattened(value, operand),))
        return Form((self.written(value, self.said(operand)),))

    def written(self, value: str, said: list[str]) -> str:
        """The expression."""
        return self.template.format(
            x=value,
            said=", ".join(said),
            more="".join(f", {text}" for text in said),
            lead="".join(f"{text}, " for text in said),
        )

    def flattened(self, value: str, operand: Operand) -> str:
        """Several axes at once where PyTorch's function takes one: they are moved to the end and joined."""
        rank = len(operand.order.axes)
        dims = self.dims(operand) or tuple(range(rank))
        if len(dims) == rank:
            text = self.written(f"{value}.flatten()", ["dim=0"])
            return f"{text}.reshape({', '.join(['1'] * rank)})" if self.keepdims else text
        kept = [i for i in range(rank) if i not in dims]
        moved = f"{value}.permute({', '.join(map(str, [*kept, *dims]))})" if kept[-1] > dims[0] else value
        text = self.written(f"{moved}.flatten({len(kept)})", ["dim=-1"])
        if not self.keepdims:
            return text
        return f"{text}[{', '.join(':' if i in kept else 'None' for i in range(rank))}]"


@dataclass(frozen=True, kw_only=True)
class Quantile(Reduction, abstract=True):
    """A quantile along axes, linear between neighbours."""

    method: str = setting("linear")

    def check(self, given: Given) -> None:
        """One number, by linear interpolation."""
        if self.method != "linear" or "q" not in given:
            raise UnknownLayerError(f"{self.keras_class} by the method {quote(self.method)}")
        real(given["q"])

    def torch(self, site: Site) -> Form:
        (form,) = super().torch(site).outputs
        return Form((form.replace("{q}", repr(self.at(site)["q"])),))

    def written(self, value: str, said: list[str]) -> str:
        return f"{value}.quantile({{q}}{''.join(f', {text}' for text in said)})"


class SumLike(Reduction, abstract=True):
    """A sum over axes; booleans are counted."""

    def call_kind(self, arguments: Mapping[str, Setting], kinds: tuple[str, ...]) -> str:
        return "int" if kinds[0] == "bool" else kinds[0]


@dataclass(frozen=True, kw_only=True)
class Product(SumLike, abstract=True):
    """The product over axes, one after the other."""

    dtype: str | None = setting(None, parse=float_dtype)

    def torch(self, site: Site) -> Form:
        operand: Operand = self.at(site)["x"]
        dims = self.dims(operand)
        if dims is None and not self.keepdims:
            return Form((f"{operand.text}.prod()",))
        keep = ", keepdim=True" if self.keepdims else ""
        dims = tuple(range(len(operand.order.axes))) if dims is None else dims
        return Form((operand.text + "".join(f".prod(dim={dim}{keep})" for dim in reversed(dims)),))


@dataclass(frozen=True, kw_only=True)
class Extreme(Reduction, abstract=True):
    """The largest or smallest value over axes."""

    initial: float | None = setting(None, parse=optional_number)

    def written(self, value: str, said: list[str]) -> str:
        text = super().written(value, said)
        side = "min" if "amax" in self.template else "max"
        return text if self.initial is None else f"{text}.clamp({side}={self.initial!r})"


class Truth(Reduction, abstract=True):
    """Whether all or any values over axes are true."""

    def torch(self, site: Site) -> Form:
        operand: Operand = self.at(site)["x"]
        return Form((self.written(operand.text, self.said(operand)),))


@dataclass(frozen=True, kw_only=True)
class Norm(Reduction, abstract=True):
    """The Euclidean norm, or the norm of vectors along one axis."""

    ord: float | str | None = setting(None)

    def check(self, given: Given) -> None:
        """Norms of vectors; those of matrices are something else."""
        vectors = self.ord is None or (isinstance(self.axis, int) and isinstance(self.ord, int | float))
        one = self.axis is None or isinstance(self.axis, int) or len(self.axis) <= 2
        if not vectors or not one or self.ord == 0:
            raise UnknownLayerError(f"a norm of order {quote(self.ord)} over the axes {quote(self.axis)}")

    def written(self, value: str, said: list[str]) -> str:
        order = [] if self.ord is None else [f"ord={self.ord!r}"]
        return f"torch.linalg.vector_norm({', '.join([value, *order, *said])})"


@dataclass(frozen=True, kw_only=True)
class Moments(Reduction, abstract=True):
    """Mean and biased variance over axes."""

    axis: int | tuple[int, ...] | None = setting(None, old=("axes",), parse=axes)
    synchronized: bool = setting(False)

    def output_count(self) -> int:
        return 2

    def to_keras(self, version: Any) -> dict[str, Any]:
        return {"axes": self.axis, "keepdims": self.keepdims, "synchronized": False}

    def result(self, given: Given) -> Any:
        return (super().result(given),) * 2

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies."""
        found = super().arrange(arrival)
        return Arranged(found.inputs, found.outputs * 2)

    def torch(self, site: Site) -> Form:
        operand: Operand = self.at(site)["x"]
        said = self.said(operand)
        variance = ", ".join([*said, "unbiased=False"])
        return Form((f"{operand.text}.mean({', '.join(said)})", f"{operand.text}.var({variance})"))


def reduction(
    name: str,
    template: str,
    functions: str = "",
    nodes: str = "",
    module: str = "numpy",
    family: type[Reduction] = Reduction,
    **facts: Any,
) -> None:
    """A row of the table: ``functions`` are named with the usual arguments ``(input_tensor, axis, keepdims)``."""
    declare(
        family,
        name,
        module,
        template.format(x="x", said="dim", more=", dim", lead="dim, "),
        template=template,
        functions=signatures(functions, "input_tensor=x, axis, keepdims"),
        nodes=signatures(nodes, "x, axis, keep_dims=keepdims"),
        **facts,
    )


reduction("Mean", "{x}.mean({said})", "math.reduce_mean", "Mean", floats=True, gives="float")
reduction("Sum", "{x}.sum({said})", "math.reduce_sum", "Sum", family=SumLike)
reduction("Prod", "{x}.prod({said})", "math.reduce_prod", "Prod", family=Product)
reduction("Max", "{x}.amax({said})", "math.reduce_max", "Max", family=Extreme)
reduction("Min", "{x}.amin({said})", "math.reduce_min", "Min", family=Extreme)
reduction("Amax", "{x}.amax({said})")
reduction("Amin", "{x}.amin({said})")
reduction("Var", "{x}.var({lead}unbiased=False)", "math.reduce_variance", floats=True, gives="float")
reduction("Std", "{x}.std({lead}unbiased=False)", "math.reduce_std", floats=True, gives="float")
reduction("All", "{x}.all({said})", "math.reduce_all", "All", family=Truth, gives="bool")
reduction("Any", "{x}.any({said})", "math.reduce_any", "Any", family=Truth, gives="bool")
reduction(
    "Logsumexp",
    "{x}.logsumexp({said})",
    "math.reduce_logsumexp",
    module="math",
    floats=True,
    explicit=True,
    gives="float",
)
reduction("Median", "{x}.quantile(0.5{more})", floats=True, several=False, gives="float")
reduction(
    "Quantile",
    "{x}.quantile(q{more})",
    family=Quantile,
    call_arguments=("x", "q"),
    floats=True,
    several=False,
    gives="float",
)
reduction(
    "Norm",
    "torch.linalg.vector_norm({x}{more})",
    "compat.v1.norm(tensor=x, axis, keepdims, ord='euclidean') | "
    "compat.v1.norm(tensor=x, ord, axis, keepdims) | "
    "norm(tensor=x, axis, keepdims, ord='euclidean') | "
    "norm(tensor=x, ord, axis, keepdims)",
    module="linalg",
    family=Norm,
    floats=True,
    gives="float",
)
reduction(
    "Moments",
    "{x}.mean({said}), {x}.var({said})",
    "nn.moments(x, axes=axis, keepdims)",
    module="nn",
    family=Moments,
    gives="float",
)
