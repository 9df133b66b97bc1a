"""
The weights of a Keras file onto a PyTorch module that the user already has.

The file becomes a module of our own first, which is compared with Keras; then the runs of the two modules are put side by
side, so that names and the order of definition are of no account.
"""

from __future__ import annotations

from regraft.grafting.result import Graft
from regraft.grafting.run import graft

__all__ = ["Graft", "graft"]
