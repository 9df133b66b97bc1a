"""Products of matrices and their kin, in the order of Keras."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from regraft.blueprint import Setting, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.operations.base import Operation
from regraft.layers.operations.moving import checked, declared
from regraft.layers.operations.operands import Given, Operand, array_of, broadcast, operands_in, shape_of, tensor_of
from regraft.layers.operations.parsing import integer, integers, subscripts
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting


class Product(Operation, abstract=True):
    """A product of two tensors."""

    call_arguments = ("x1", "x2")
    constant_first: ClassVar = True
    template: ClassVar[str] = ""

    def check(self, given: Given) -> None:
        """Two factors."""
        if set(given) != set(self.call_arguments):
            raise UnknownLayerError(f"{self.keras_class} of {quote(', '.join(given))}")
        if not list(operands_in(tuple(given.values()))):
            raise UnknownLayerError(f"{self.keras_class} of constants")
        for value in given.values():
            if not isinstance(value, Operand):
                array_of(value)

    def factors(self, given: Given) -> list[tuple[int | None, ...]]:
        """The shapes of both."""
        return [shape_of(given["x1"]), shape_of(given["x2"])]

    def texts(self, site: Site) -> list[str]:
        """Both as code."""
        given = self.at(site)
        like = next(operands_in((given["x1"], given["x2"])))
        return [tensor_of(given["x1"], like), tensor_of(given["x2"], like)]

    def torch(self, site: Site) -> Form:
        left, right = self.texts(site)
        return Form((self.template.format(x1=left, x2=right),))


def multiplied(a: Sequence[int | None], b: Sequence[int | None]) -> Shape:
    """The shape of a product of matrices, or of stacks of them."""
    left, right = tuple(a), tuple(b)
    if not left or not right:
        raise ValueError("a product with a number")
    inner = {left[-1], right[max(len(right) - 2, 0)]} - {None}
    if len(inner) > 1:
        raise ValueError(f"{left} times {right}")
    batch = broadcast([left[:-2], right[:-2]]) or ()
    rows = left[-2:-1] if len(left) > 1 else ()
    columns = right[-1:] if len(right) > 1 else ()
    return (*batch, *rows, *columns)


class Matmul(Product, abstract=True):
    """Matrices times matrices; leading axes are those of a stack."""

    def result(self, given: Given) -> Shape:
        return multiplied(*self.factors(given))


@dataclass(frozen=True, kw_only=True)
class TransposedMatmul(Matmul, abstract=True):
    """Matrices times matrices, one of which is transposed first."""

    transpose_a: bool = setting(False)
    transpose_b: bool = setting(False)

    def factors(self, given: Given) -> list[tuple[int | None, ...]]:
        a, b = super().factors(given)
        return [turned(a) if self.transpose_a else a, turned(b) if self.transpose_b else b]

    def torch(self, site: Site) -> Form:
        a, b = self.texts(site)
        a, b = (f"{t}.transpose(-2, -1)" if flag else t for t, flag in ((a, self.transpose_a), (b, self.transpose_b)))
        return Form((f"{a} @ {b}",))


def turned(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """A shape with its last two axes exchanged."""
    return (*shape[:-2], shape[-1], shape[-2])


class Dot(Product, abstract=True):
    """The last axis of one tensor against the last but one of another, and the only axis of a vector."""

    def result(self, given: Given) -> Shape:
        a, b = self.factors(given)
        if not a or not b:
            return (*a, *b)
        return (*a[:-1], *b[:-2], *(b[-1:] if len(b) > 1 else ()))

    def torch(self, site: Site) -> Form:
        a, b = (len(shape) for shape in self.factors(self.at(site)))
        left, right = self.texts(site)
        if not a or not b:
            return Form((f"{left} * {right}",))
        if b <= 2:
            return Form((f"{left} @ {right}",))
        return Form((f"torch.tensordot({left}, {right}, dims=([{a - 1}], [{b - 2}]))",))


def contracted(value: Any, _: object = None) -> int | tuple[tuple[int, ...], ...]:
    """How many axes, or which of each."""
    if isinstance(value, list | tuple):
        return tuple(integers(part) for part in cast("Sequence[Any]", value))
    return integer(value)


@dataclass(frozen=True, kw_only=True)
class Tensordot(Product, abstract=True):
    """Axes of one tensor against axes of another."""

    axes: int | tuple[tuple[int, ...], ...] = setting(2, parse=contracted)

    def pairs(self, a: int, b: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The axes of each."""
        if isinstance(self.axes, int):
            return tuple(range(a - self.axes, a)), tuple(range(self.axes))
        left, right = self.axes
        return tuple(checked(n, a) for n in left), tuple(checked(n, b) for n in right)

    def result(self, given: Given) -> Shape:
        a, b = self.factors(given)
        left, right = self.pairs(len(a), len(b))
        return (*(n for i, n in enumerate(a) if i not in left), *(n for i, n in enumerate(b) if i not in right))

    def torch(self, site: Site) -> Form:
        left, right = self.texts(site)
        axes = self.axes if isinstance(self.axes, int) else tuple(map(list, self.axes))
        return Form((f"torch.tensordot({left}, {right}, dims={axes})",))


class Outer(Product, abstract=True):
    """Every element of one tensor times every element of another."""

    def result(self, given: Given) -> Shape:
        sizes = [None if None in s else math.prod(n or 0 for n in s) for s in self.factors(given)]
        return tuple(sizes)

    def torch(self, site: Site) -> Form:
        ranks = [len(s) for s in self.factors(self.at(site))]
        left, right = (t if n == 1 else f"{t}.flatten()" for t, n in zip(self.texts(site), ranks, strict=True))
        return Form((f"torch.outer({left}, {right})",))


@dataclass(frozen=True, kw_only=True)
class Einsum(Operation, abstract=True):
    """Sums of products by an equation; its letters follow the axis order of each tensor."""

    call_arguments: ClassVar = ()
    open_arguments: ClassVar = True
    listed: ClassVar = True

    subscripts: str = setting(parse=subscripts)

    def operands(self, given: Given) -> list[Any]:
        """The tensors in order."""
        first = given.get("0", ())
        rest = sorted((int(name), value) for name, value in given.items() if name.isdecimal() and name != "0")
        return [*(first if isinstance(first, tuple) else (first,)), *(value for _, value in rest)]  # type: ignore[reportUnknownVariableType]

    def terms(self) -> tuple[list[str], str]:
        """The letters of each tensor and of the result."""
        left, arrow, right = self.subscripts.replace(" ", "").partition("->")
        terms = left.split(",")
        if not arrow:
            letters = left.replace(",", "")
            right = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
        return terms, right

    def check(self, given: Given) -> None:
        """As many tensors as terms, and nothing else."""
        wrong = [name for name in given if not name.isdecimal()]
        values = self.operands(given)
        if wrong or "..." in self.subscripts or len(values) != len(self.terms()[0]):
            raise UnknownLayerError(
                f"einsum {quote(self.subscripts)} of {len(values)} tensors, {quote(' '.join(wrong))}"
            )
        if not all(isinstance(value, Operand) for value in values):
            raise UnknownLayerError("einsum with a constant")

    def result(self, given: Given) -> Shape:
        terms, right = self.terms()
        known: dict[str, int | None] = {}
        for term, value in zip(terms, self.operands(given), strict=True):
            for letter, n in zip(term, value.shape, strict=True):
                known[letter] = n if known.get(letter) in (None, 1) else known[letter]
        return tuple(known[letter] for letter in right)

    def arrange(self, arrival: Arrival) -> Arranged:
        """Every tensor as it lies; the result in the order of Keras."""
        return Arranged(tuple(AxisOrder(o.axes) for o in arrival.orders), self.keras_orders(arrival))

    def torch(self, site: Site) -> Form:
        terms, right = self.terms()
        values: list[Operand] = self.operands(self.at(site))
        lying = ["".join(t[axis] for axis in v.order.axes) or t for t, v in zip(terms, values, strict=True)]
        names = ", ".join(value.text for value in values)
        return Form((f'torch.einsum("{",".join(lying)}->{right}", {names})',))


@dataclass(frozen=True, kw_only=True)
class Triangle(Operation, abstract=True):
    """The part of matrices on and below, or above, a diagonal; the rest is zero."""

    method: ClassVar[str] = ""
    k: int = setting(0, parse=integer)

    def result(self, given: Given) -> Shape:
        return given["x"].shape

    def torch(self, site: Site) -> Form:
        return Form((f"%0.{self.method}({self.k or ''})",))


@dataclass(frozen=True, kw_only=True)
class Diagonal(Operation, abstract=True):
    """The diagonal of matrices, as the last axis."""

    offset: int = setting(0, parse=integer)
    axis1: int = setting(0, parse=integer)
    axis2: int = setting(1, parse=integer)

    def result(self, given: Given) -> Shape:
        shape = given["x"].shape
        one, other = (checked(axis, len(shape)) for axis in (self.axis1, self.axis2))
        m, n = shape[one], shape[other]
        rest = tuple(k for i, k in enumerate(shape) if i not in (one, other))
        if m is None or n is None:
            return (*rest, None)
        return (*rest, max(0, min(m + min(self.offset, 0), n - max(self.offset, 0))))

    def torch(self, site: Site) -> Form:
        return Form((f"%0.diagonal(offset={self.offset}, dim1={self.axis1}, dim2={self.axis2})",))


class Trace(Diagonal, abstract=True):
    """The sum of the diagonal of matrices."""

    def result(self, given: Given) -> Shape:
        shape = super().result(given)
        return None if shape is None else shape[:-1]

    def torch(self, site: Site) -> Form:
        (diagonal,) = super().torch(site).outputs
        return Form((f"{diagonal}.sum(-1)",))


@dataclass(frozen=True, kw_only=True)
class Attention(Operation, abstract=True):
    """Scaled dot-product attention over ``(batch, time, head, key)``."""

    call_arguments = ("query", "key", "value", "bias", "mask", "scale")

    is_causal: bool = setting(False)
    flash_attention: bool | None = setting(None)
    attn_logits_soft_cap: float | None = setting(None)

    def check(self, given: Given) -> None:
        """Tensors and one number."""
        missing = [name for name in ("query", "key", "value") if not isinstance(given.get(name), Operand)]
        odd = [name for name in ("bias", "mask") if name in given and not isinstance(given[name], Operand)]
        if (
            missing
            or odd
            or self.attn_logits_soft_cap is not None
            or (self.is_causal and {"bias", "mask"} & given.keys())
        ):
            raise UnknownLayerError("attention with a soft cap, or with a mask that is causal and more")

    def result(self, given: Given) -> Shape:
        return (*given["query"].shape[:-1], given["value"].shape[-1])

    def call_kind(self, arguments: Mapping[str, Setting], kinds: tuple[str, ...]) -> str:
        return "float"

    def arrange(self, arrival: Arrival) -> Arranged:
        """Heads before time, as PyTorch wants them."""
        heads = AxisOrder((0, 2, 1, 3))
        rest = tuple(AxisOrder.keras(len(o.axes)) for o in arrival.orders[3:])
        return Arranged((heads, heads, heads, *rest), (heads,))

    def torch(self, site: Site) -> Form:
        given = self.at(site)
        bias, mask = given.get("bias"), given.get("mask")
        said: list[str] = []
        if mask:
            low = "-0.7 * torch.finfo(%0.dtype).max"
            kept = mask.text if mask.kind == "bool" else f"{mask.text}.bool()"
            said.append(f"attn_mask=torch.where({kept}, {bias.text if bias else '0.0'}, {low})")
        elif bias:
            said.append(f"attn_mask={bias.text}")
        if self.is_causal:
            said.append("is_causal=True")
        if "scale" in given:
            said.append(f"scale={array_of(given['scale']).item()!r}")
        names = ", ".join([given["query"].text, given["key"].text, given["value"].text, *said])
        return Form((f"F.scaled_dot_product_attention({names})",))


FIXED = "a_is_sparse=False, b_is_sparse=False, adjoint_a=False, adjoint_b=False"
declared(
    Matmul,
    "Matmul",
    "x1 @ x2",
    f"linalg.matmul(a=x1, b=x2, transpose_a=False, transpose_b=False, {FIXED})",
    "MatMul(x1, x2, transpose_a=False, transpose_b=False) | "
    "BatchMatMulV2(x1, x2, adj_x=False, adj_y=False) | "
    "BatchMatMul(x1, x2, adj_x=False, adj_y=False)",
    template="{x1} @ {x2}",
)
declared(
    TransposedMatmul,
    "TransposedMatmul",
    "x1 @ x2.transpose(-2, -1)",
    f"linalg.matmul(a=x1, b=x2, transpose_a, transpose_b, {FIXED})",
    "MatMul(x1, x2, transpose_a, transpose_b) | "
    "BatchMatMulV2(x1, x2, adj_x=transpose_a, adj_y=transpose_b) | "
    "BatchMatMul(x1, x2, adj_x=transpose_a, adj_y=transpose_b)",
    module="tensorflow",
)
declared(Dot, "Dot", "x1 @ x2")
declared(Tensordot, "Tensordot", "torch.tensordot(x1, x2, dims=axes)", "tensordot(a=x1, b=x2, axes)")
declared(Outer, "Outer", "torch.outer(x1, x2)")
declared(Einsum, "Einsum", "torch.einsum(subscripts, ...)")
declared(Triangle, "Tril", "x.tril(k)", method="tril")
declared(Triangle, "Triu", "x.triu(k)", method="triu")
declared(Diagonal, "Diagonal", "x.diagonal(offset, axis1, axis2)")
declared(Trace, "Trace", "x.diagonal(offset, axis1, axis2).sum(-1)")
declared(Attention, "DotProductAttention", "F.scaled_dot_product_attention(query, key, value)", module="nn")
