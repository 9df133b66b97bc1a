"""Run the self-test of an emitted folder in this process, as it is or with something changed."""

from __future__ import annotations

import contextlib
import io
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import torch


def said(folder: Path, source: str | None = None, state: Mapping[str, Any] | None = None) -> str:
    """
    What ``python model.py --selftest`` says: what it prints, or its error.

    Args:
        folder: Holds ``model.py``, ``model.pth`` and ``selftest.npz``.
        source: Text in place of ``model.py``.
        state: Weights in place of ``model.pth``.
    """
    space = types.ModuleType("emitted")
    space.__dict__["__file__"] = str(folder / "model.py")
    text = source if source is not None else (folder / "model.py").read_text(encoding="utf-8")
    exec(compile(text, "model.py", "exec"), space.__dict__)  # noqa: S102 - our own output
    printed = io.StringIO()
    load = mock.patch.object(torch, "load", return_value=state) if state is not None else contextlib.nullcontext()
    try:
        with load, contextlib.redirect_stdout(printed):
            space.__dict__["selftest"]()
    except SystemExit as stop:
        return str(stop)
    return printed.getvalue()
