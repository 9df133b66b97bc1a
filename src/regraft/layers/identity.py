"""The layer that does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.layers.base import Layer
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.settings import setting


@dataclass(frozen=True, kw_only=True)
class Identity(Layer):
    """
    The input. A mask passes since Keras 3; in Keras 2 it ends here.

    Keras: ``keras/src/layers/core/identity.py``; PyTorch: nothing.
    """

    flat: ClassVar = "pass"
    masks: ClassVar = "own"

    passes_mask: bool = setting(True, before={(3, 0, 0): False}, keras=False)

    def may_mask(self, arriving: bool) -> bool:
        return arriving and self.passes_mask

    def torch(self, site: Site) -> Form:
        return Form(("%0",), mask="%m0" if site.masks[0] and self.passes_mask else "")


@dataclass(frozen=True, kw_only=True)
class Remasked(Layer):
    """
    The input with the mask that the call names: what Keras 3 does to the inputs of a model inside a model.

    Keras: ``call`` in ``keras/src/models/functional.py``; PyTorch: nothing.
    """

    masks: ClassVar = "own"

    def may_mask(self, arriving: bool) -> bool:
        return True

    def arrange(self, arrival: Arrival) -> Arranged:
        return Arranged(arrival.orders[:1], arrival.orders[:1])

    def torch(self, site: Site) -> Form:
        return Form(("%0",), mask="%m0" if site.masks[0] else "")
