"""Operations that name places along an axis, or make an axis of them: argmax, one_hot, bucketize."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation, declare, signatures
from regraft.layers.operations.operands import Given, Operand, array_of, operands_in, shape_of, tensor_text
from regraft.layers.operations.parsing import count, integer, optional_dtype, optional_integer, word
from regraft.layers.operations.reductions import Reduction
from regraft.layers.settings import setting


@dataclass(frozen=True, kw_only=True)
class Place(Reduction, abstract=True):
    """The place of the largest or smallest value; without an axis, among all elements in the order of Keras."""

    axis: int | None = setting(None, parse=optional_integer)  # type: ignore[assignment]

    def arrange(self, arrival: Arrival) -> Arranged:
        """As it lies, if an axis is named."""
        return super().arrange(arrival) if self.axis is not None else Operation.arrange(self, arrival)

    def torch(self, site: Site) -> Form:
        operand: Operand = self.at(site)["x"]
        if self.axis is None and self.keepdims:
            ones = ", ".join(["1"] * site.rank)
            return Form((f"{self.written(operand.text, [])}.reshape({ones})",))
        return Form((self.written(operand.text, self.said(operand)),))


class Count(Reduction, abstract=True):
    """How many values over axes are not zero."""

    def to_keras(self, version: Any) -> dict[str, Any]:
        return {"axis": self.axis}

    def torch(self, site: Site) -> Form:
        dims = self.dims(self.at(site)["x"])
        return Form((f"%0.count_nonzero({'' if dims is None else f'dim={dims[0] if len(dims) == 1 else dims}'})",))


@dataclass(frozen=True, kw_only=True)
class OneHot(Operation, abstract=True):
    """Integers as vectors with a one at their place; an integer without a place becomes zeros."""

    num_classes: int = setting(parse=count)
    axis: int = setting(-1, parse=integer)
    dtype: str | None = setting(None, parse=optional_dtype)
    sparse: bool = setting(False)

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        axis = self.axis % (len(shape) + 1)
        return (*shape[:axis], self.num_classes, *shape[axis:])

    def call_kind(self, arguments: Any, kinds: tuple[str, ...]) -> str:
        name = self.dtype or "float32"
        return next(kind for kind in ("float", "int", "bool") if kind in name)

    def torch(self, site: Site) -> Form:
        text = f"(%0[..., None] == torch.arange({self.num_classes}, device=%0.device))"
        if self.axis % (site.rank + 1) != site.rank:
            text = f"{text}.movedim(-1, {self.axis})"
        dtype = "torch.get_default_dtype()" if "float" in (self.dtype or "float32") else f"torch.{self.dtype}"
        return Form((text if dtype == "torch.bool" else f"{text}.to({dtype})",))


@dataclass(frozen=True, kw_only=True)
class Sorted(Operation, abstract=True):
    """The place at which each value would stand in a sorted list."""

    constant_first: ClassVar = True
    side: str = setting("left", parse=word)

    def check(self, given: Given) -> None:
        """Both are given."""
        if len(given) != len(self.call_arguments):
            raise UnknownLayerError(f"{self.keras_class} without {' or '.join(self.call_arguments)}")
        if not list(operands_in(tuple(given.values()))):
            raise UnknownLayerError(f"{self.keras_class} of constants")
        for value in given.values():
            if not isinstance(value, Operand):
                array_of(value)

    def result(self, given: Given) -> Shape:
        return shape_of(given["values" if "values" in given else "x"])

    def written(self, given: Given) -> dict[str, str]:
        """The arguments as tensors."""
        like = next(v for v in given.values() if isinstance(v, Operand))
        return {k: v.text if isinstance(v, Operand) else tensor_text(v, like) for k, v in given.items()}

    def torch(self, site: Site) -> Form:
        text = self.written(self.at(site))
        right = ", right=True" if self.side == "right" else ""
        return Form((f"torch.searchsorted({text['sorted_sequence']}, {text['values']}{right})",))


class Digitize(Sorted, abstract=True):
    """The bin in which each value lies; a value on a border belongs to the bin above it."""

    def to_keras(self, version: Any) -> dict[str, Any]:
        return {}

    def torch(self, site: Site) -> Form:
        text = self.written(self.at(site))
        return Form((f"torch.bucketize({text['x']}, {text['bins']}, right=True)",))


def place(name: str, template: str, functions: str, nodes: str) -> None:
    """A row of the table; TensorFlow's functions take axis 0 where none is named."""
    declare(
        Place,
        name,
        "numpy",
        template.format(x="x", said="dim"),
        template=template,
        gives="int",
        functions=signatures(functions, "input=x, axis=(axis, 0), output_type='int64'/'int32'"),
        nodes=signatures(nodes, "x, axis"),
    )


place("Argmax", "{x}.argmax({said})", "math.argmax", "ArgMax")
place("Argmin", "{x}.argmin({said})", "math.argmin", "ArgMin")
declare(
    Count,
    "CountNonzero",
    "numpy",
    "x.count_nonzero(dim)",
    gives="int",
    functions=("math.count_nonzero(input=x, axis)",),
)
declare(
    OneHot,
    "OneHot",
    "nn",
    "x[..., None] == torch.arange(num_classes)",
    functions=("one_hot(indices=x, depth=num_classes, axis=(axis, -1), dtype)",),
    nodes=("OneHot(x, num_classes, on_value=1.0, off_value=0.0, axis)",),
)
declare(
    Sorted,
    "SearchSorted",
    "numpy",
    "torch.searchsorted(sorted_sequence, values)",
    gives="int",
    call_arguments=("sorted_sequence", "values"),
)
declare(
    Digitize, "Digitize", "numpy", "torch.bucketize(x, bins, right=True)", gives="int", call_arguments=("x", "bins")
)
