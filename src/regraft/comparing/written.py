"""
What no layer of Keras does, written out in PyTorch: a layer with a mistake in it.

These are no layers of the catalogue: they lie over it while a comparison runs, and no file can name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from regraft.blueprint import Shape
from regraft.errors import UnknownLayerError
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading


@dataclass(frozen=True, kw_only=True)
class Written(Layer, abstract=True):
    """
    A formula of tensors in Keras order.

    Attributes:
        code: An expression of PyTorch; ``%0`` is the first input.
        made: Shape that leaves, batch first; empty if it is that of the first input.
    """

    axis_order: ClassVar = "keras"
    code: str
    made: tuple[int | None, ...] = ()

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        """No file can name it."""
        del reading
        raise UnknownLayerError("this is no layer of Keras")

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """As stated, or that of the first input."""
        return self.made or inputs[0]

    def torch(self, site: Site) -> Form:
        """The formula."""
        del site
        return Form((self.code.replace("%0", "(%0)"),))


@dataclass(frozen=True, kw_only=True)
class WrittenMap(Written, abstract=True):
    """The same of maps whose channels come first."""

    axis_order: ClassVar = "channels"


@dataclass(frozen=True, kw_only=True)
class Unmasked(Written, abstract=True):
    """The tensor as it is, without its mask."""

    axis_order: ClassVar = "any"
    masks: ClassVar = "drop"


@dataclass(frozen=True, kw_only=True)
class Inverted(Written, abstract=True):
    """The tensor as it is, with the other steps masked."""

    axis_order: ClassVar = "any"
    masks: ClassVar = "own"

    def torch(self, site: Site) -> Form:
        """The tensor, and the other mask."""
        return Form((self.code,), mask="~%m0" if site.masks[0] else "")


OVERLAY: dict[str, type[Layer]] = {
    "Written": Written, "WrittenMap": WrittenMap, "Unmasked": Unmasked, "Inverted": Inverted,
}  # fmt: skip
