"""Tensors joined along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.blueprint import Shape
from regraft.errors import BlueprintError
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.merging import joined_mask
from regraft.layers.settings import setting


@dataclass(frozen=True, kw_only=True)
class Concatenate(Layer):
    """
    Inputs joined along one axis, which follows the axis order.

    Keras: ``keras/src/layers/merging/concatenate.py``; PyTorch: ``torch.cat``.
    """

    masks: ClassVar = "own"

    axis: int = setting(-1, old=("concat_axis",))
    either_mask: bool = setting(True, before={(3, 4, 0): False}, keras=False)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        known = [shape for shape in inputs if shape is not None]
        if len(known) < len(inputs) or not known:
            return None
        axis = self.axis % len(known[0])
        return tuple(
            total(lengths) if i == axis else same(lengths) for i, lengths in enumerate(zip(*known, strict=True))
        )

    def torch(self, site: Site) -> Form:
        parts = ", ".join(f"%{i}" for i in range(len(site.inputs)))
        return Form((f"torch.cat([{parts}], dim={site.orders[0].dim(self.axis)})",), mask=self.mask(site))

    def mask(self, site: Site) -> str:
        """
        The mask that leaves: joined like the tensors, or merged if they are joined along their last axis.

        Since Keras 3.4 a step counts if any input has it, before if all have it; an input without a mask has all steps.
        """
        if not any(site.masks):
            return ""
        order = site.orders[0]
        rank = len(order.axes)
        axis = self.axis % rank if rank else self.axis
        if axis in (rank - 1, -1):
            return joined_mask(site, either=self.either_mask)
        last = order.dim(-1)
        every = [
            f"%m{i}" if m else f"torch.ones_like(%{i}.select({last}, 0), dtype=torch.bool)"
            for i, m in enumerate(site.masks)
        ]
        return f"torch.cat([{', '.join(every)}], dim={axis})"


def total(lengths: tuple[int | None, ...]) -> int | None:
    """Sum of lengths, None if one varies."""
    return None if None in lengths else sum(length or 0 for length in lengths)


def same(lengths: tuple[int | None, ...]) -> int | None:
    """The one length of an axis that is not joined."""
    known = {length for length in lengths if length is not None}
    if len(known) > 1:
        raise BlueprintError(f"lengths {sorted(known)} differ on an axis that is not joined")
    return known.pop() if known else None
