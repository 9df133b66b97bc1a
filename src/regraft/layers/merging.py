"""Layers that merge several tensors: sums, products, concatenation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import Shape
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import setting


@dataclass(frozen=True, kw_only=True)
class Elementwise(Layer, abstract=True):
    """Merge tensors element by element; a tensor of lower rank gets axes of length 1 after its batch axis."""

    operator: ClassVar[str] = "+"
    masks: ClassVar = "own"

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        known = [shape for shape in inputs if shape is not None]
        if not known:
            return None
        rank = max(map(len, known))
        padded = [(s[:1] + (1,) * (rank - len(s)) + s[1:]) for s in known]
        return tuple(next((a for a in axes if a != 1), 1) for axes in zip(*padded, strict=True))

    def torch(self, site: Site) -> Form:
        return Form((f" {self.operator} ".join(operands(site)),), mask=" & ".join(f"%m{i}" for i, m in enumerate(site.masks) if m))


def operands(site: Site) -> list[str]:
    """The inputs, those of lower rank with axes of length 1 inserted where Keras inserts them."""
    rank = max(len(order.axes) for order in site.orders)
    target = next(order for order in site.orders if len(order.axes) == rank)
    texts: list[str] = []
    for i, order in enumerate(site.orders):
        missing = rank - len(order.axes)
        if not missing or not order.axes:
            texts.append(f"%{i}")
            continue
        # Keras axis a > 0 of the small tensor is axis a + missing of the large one; the axes between are new.
        places = [0 if axis == 0 else axis - missing if axis > missing else None for axis in target.axes]
        index = ", ".join("None" if place is None else ":" for place in places)
        kept = [place for place in places if place is not None]
        if kept == sorted(kept):
            texts.append(f"%{i}[{index}]")
        else:
            texts.append(f"%{i}.permute({', '.join(map(str, kept))})[{index}]")
    return texts


@dataclass(frozen=True, kw_only=True)
class Add(Elementwise):
    """
    Sum of the inputs.

    Keras: ``keras/src/layers/merging/add.py``; PyTorch: ``+``.
    """

    operator: ClassVar = "+"


@dataclass(frozen=True, kw_only=True)
class Concatenate(Layer):
    """
    Inputs joined along one axis, which follows the axis order.

    Keras: ``keras/src/layers/merging/concatenate.py``; PyTorch: ``torch.cat``.
    """

    masks: ClassVar = "own"
    axis: int = setting(-1, old=("concat_axis",))

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        known = [list(shape) for shape in inputs if shape is not None]
        if not known:
            return None
        lengths = [None if s is None else s[self.axis] for s in inputs]
        known[0][self.axis] = None if any(n is None for n in lengths) else sum(n or 0 for n in lengths)
        return tuple(known[0])

    def torch(self, site: Site) -> Form:
        parts = ", ".join(f"%{i}" for i in range(len(site.inputs)))
        return Form((f"torch.cat([{parts}], dim={site.orders[0].dim(self.axis)})",))
