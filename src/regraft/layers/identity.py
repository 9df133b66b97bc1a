"""The layer that does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
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
