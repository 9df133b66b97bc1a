"""The layer that does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.layers.base import Layer
from regraft.layers.form import Arranged, Arrival, Form, Site


@dataclass(frozen=True, kw_only=True)
class Identity(Layer):
    """
    The input.

    Keras: ``keras/src/layers/core/identity.py``; PyTorch: nothing.
    """

    flat: ClassVar = "pass"

    def torch(self, site: Site) -> Form:
        return Form(("%0",))


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
