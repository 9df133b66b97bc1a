"""Layers that merge tensors element by element: sums, products, extremes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import Shape
from regraft.errors import BlueprintError
from regraft.layers.base import Layer
from regraft.layers.broadcasting import lifted, spread_mask
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.order import AxisOrder
from regraft.layers.settings import setting


def common_length(lengths: tuple[int | None, ...]) -> int | None:
    """The length of an axis after broadcasting; None if it depends on axes that vary."""
    longer = {length for length in lengths if length not in (1, None)}
    if len(longer) > 1:
        raise BlueprintError(f"lengths {sorted(n or 0 for n in longer)} cannot be merged")
    return longer.pop() if longer else None if None in lengths else 1


def joined_mask(site: Site, *, either: bool) -> str:
    """The masks of the inputs in one: since Keras 3.4 either of them, if all have one; before all that there are."""
    names = [f"%m{i}" for i, present in enumerate(site.masks) if present]
    if either:
        return " | ".join(names) if len(names) == len(site.masks) else ""
    return " & ".join(names)


@dataclass(frozen=True, kw_only=True)
class Elementwise(Layer, abstract=True):
    """
    Merge tensors element by element; a tensor of lower rank gets axes of length 1 after its batch axis.

    Masks: since Keras 3.4 a step counts if any input has it, before if all have it.
    """

    masks: ClassVar = "own"

    either_mask: bool = setting(True, before={(3, 4, 0): False}, keras=False)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        known = [shape for shape in inputs if shape is not None]
        if len(known) < len(inputs) or not known:
            return None
        rank = max(map(len, known))
        padded = [(s[:1] + (1,) * (rank - len(s)) + s[1:]) for s in known]
        batch = next((s[0] for s in known if s[0] is not None), None)
        return (batch, *map(common_length, list(zip(*padded, strict=True))[1:]))

    def arrange(self, arrival: Arrival) -> Arranged:
        """All tensors of the highest rank in one order; the others are fitted to it as they come."""
        rank = max(len(order.axes) for order in arrival.orders)
        high = [AxisOrder(order.axes) for order in arrival.orders if len(order.axes) == rank]
        want = next((order for order in high if not order.is_keras), high[0])
        inputs = tuple(want if len(order.axes) == rank else AxisOrder(order.axes) for order in arrival.orders)
        return Arranged(inputs, (want,))

    def torch(self, site: Site) -> Form:
        mask = joined_mask(site, either=self.either_mask)
        return Form((self.merged(operands(site)),), mask=mask)

    def merged(self, texts: list[str]) -> str:
        """The expression for operands of equal rank."""
        raise NotImplementedError


def operands(site: Site) -> list[str]:
    """The inputs, those of lower rank with axes of length 1 inserted where Keras inserts them."""
    target = site.output_orders[0]
    return [lifted(f"%{i}", order, target) for i, order in enumerate(site.orders)]


def masked_operands(site: Site) -> list[str | None]:
    """For each input the mask that reaches its elements; Keras loses the mask of an input that it has to lift."""
    target = site.output_orders[0]
    full = [len(order.axes) == len(target.axes) for order in site.orders]
    return [spread_mask(f"%m{i}", target) if m and full[i] else None for i, m in enumerate(site.masks)]


@dataclass(frozen=True, kw_only=True)
class Add(Elementwise):
    """
    Sum of the inputs.

    Keras: ``keras/src/layers/merging/add.py``; PyTorch: ``+``.
    """

    def merged(self, texts: list[str]) -> str:
        return " + ".join(texts)


@dataclass(frozen=True, kw_only=True)
class Subtract(Elementwise):
    """
    The first input minus the second.

    Keras: ``keras/src/layers/merging/subtract.py``; PyTorch: ``-``.
    """

    def merged(self, texts: list[str]) -> str:
        return " - ".join(texts)


@dataclass(frozen=True, kw_only=True)
class Average(Elementwise):
    """
    Mean of the inputs.

    Keras: ``keras/src/layers/merging/average.py``; PyTorch: ``+`` and ``/``.
    """

    def merged(self, texts: list[str]) -> str:
        return f"({' + '.join(texts)}) / {len(texts)}"


@dataclass(frozen=True, kw_only=True)
class Multiply(Elementwise):
    """
    Product of the inputs. Since Keras 3.4 a masked step counts as 1, and as 0 where all inputs are masked.

    Keras: ``keras/src/layers/merging/multiply.py``; PyTorch: ``*``.
    """

    def merged(self, texts: list[str]) -> str:
        return " * ".join(texts)

    def torch(self, site: Site) -> Form:
        masks = masked_operands(site)
        if not self.either_mask or not any(masks):
            return super().torch(site)
        texts = [f"torch.where({m}, {x}, 1.0)" if m else x for m, x in zip(masks, operands(site), strict=True)]
        product = self.merged(texts)
        if all(masks):
            product = f"torch.where({' | '.join(m for m in masks if m)}, {product}, 0.0)"
        return Form((product,), mask=joined_mask(site, either=True))


@dataclass(frozen=True, kw_only=True)
class Extreme(Elementwise, abstract=True):
    """Since Keras 3.4 a masked step of one input takes the value of the others."""

    function: ClassVar[str] = ""

    def merged(self, texts: list[str]) -> str:
        found, *others = texts
        for text in others:
            found = f"{self.function}({found}, {text})"
        return found

    def torch(self, site: Site) -> Form:
        masks = masked_operands(site)
        if not self.either_mask or not any(masks):
            return super().torch(site)
        texts = operands(site)
        before = [f"%best = {texts[0]}"]
        known = masks[0]
        for text, mask in zip(texts[1:], masks[1:], strict=True):
            before.append(f"%other = torch.where({mask}, {text}, %best)" if mask else f"%other = {text}")
            best = f"torch.where({known}, %best, %other)" if known else "%best"
            before.append(f"%best = {self.function}({best}, %other)")
            known = f"({known} | {mask})" if known and mask else None
        *before, last = before
        return Form((last.removeprefix("%best = "),), before=tuple(before), mask=joined_mask(site, either=True))


@dataclass(frozen=True, kw_only=True)
class Maximum(Extreme):
    """
    Largest of the inputs, element by element.

    Keras: ``keras/src/layers/merging/maximum.py``; PyTorch: ``torch.maximum``.
    """

    function: ClassVar = "torch.maximum"


@dataclass(frozen=True, kw_only=True)
class Minimum(Extreme):
    """
    Smallest of the inputs, element by element.

    Keras: ``keras/src/layers/merging/minimum.py``; PyTorch: ``torch.minimum``.
    """

    function: ClassVar = "torch.minimum"
