"""The layer that does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from regraft.layers.base import Layer
from regraft.layers.form import Form, Site


@dataclass(frozen=True, kw_only=True)
class Identity(Layer):
    """
    The input.

    Keras: ``keras/src/layers/core/identity.py``; PyTorch: nothing.
    """

    flat: ClassVar = "pass"

    def torch(self, site: Site) -> Form:
        return Form(("%0",))
