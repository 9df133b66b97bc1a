"""The emitted module against the real Keras: what the pipeline knows, handed to ``verify`` in its own terms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from regraft.blueprint import Blueprint
from regraft.emit.module import Module
from regraft.layers.binding import Binding
from regraft.report import VerificationRow
from regraft.weights import WeightTree


def check(
    folder: Path,
    format: str,
    module: Module,
    blueprint: Blueprint,
    binding: Binding,
    tree: WeightTree,
    *,
    verify: bool,
    progress: Callable[[str, int, int], None] | None = None,
) -> VerificationRow:
    """Compare the files in ``folder`` with Keras; without an oracle, or when told not to, say so."""
    return VerificationRow("not verified", reason="--no-verify was given" if not verify else "the oracle is not wired yet")
