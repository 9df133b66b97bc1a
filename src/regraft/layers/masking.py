"""Masking of time steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, setting


def number(value: Any, _: Reading) -> float:
    """A number; Keras 3 may hold a tensor here."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnknownLayerError(f"mask_value {quote(value)} is not a number")
    return float(value)


@dataclass(frozen=True, kw_only=True)
class Masking(Layer):
    """
    Steps whose features all equal ``mask_value`` are masked for the layers behind, and set to zero.

    Keras: ``keras/src/layers/core/masking.py``; PyTorch: ``torch.where``.
    """

    masks: ClassVar = "own"

    mask_value: float = setting(0.0, parse=number)

    def may_mask(self, arriving: bool) -> bool:
        return True

    def torch(self, site: Site) -> Form:
        dim = site.orders[0].dim(-1) if not site.orders[0].is_keras else -1
        return Form(
            (f"torch.where(%mask.unsqueeze({dim}), %0, 0.0)",), mask=f"(%0 != {self.mask_value!r}).any(dim={dim})"
        )
