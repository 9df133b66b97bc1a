"""Layers to graphs: what each layer takes, where branches part and merge, what enters and what leaves."""

from __future__ import annotations

from regraft.recover.wiring.order import model_order
from regraft.recover.wiring.prior import Limits
from regraft.recover.wiring.wire import wire

__all__ = ["Limits", "model_order", "wire"]
