"""The ``Merge`` layer of Keras 1: one class with a mode, where Keras 2 has a class for each."""

from __future__ import annotations

from typing import Any

from regraft.errors import UnknownLayerError, quote

#: Source: ``keras/engine/topology.py`` of Keras 1.2.2, class ``Merge``.
MODES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "min": "Minimum"}


def modern_merge(settings: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """
    Class name and settings of the merge layer of Keras 2 that does the same.

    Raises:
        UnknownLayerError: For a mode that is code.
    """
    mode = settings.get("mode", "sum")
    own = {key: settings[key] for key in ("name", "trainable") if key in settings}
    if settings.get("mode_type", "raw") != "raw":
        raise UnknownLayerError("Merge whose mode is Python code, which is never run")
    if mode == "concat":
        return "Concatenate", {**own, "axis": settings.get("concat_axis", -1)}
    if mode == "dot":
        return "Dot", {**own, "axes": settings.get("dot_axes", -1), "normalize": False}
    if mode == "cos" and settings.get("dot_axes", -1) in (1, -1, [1, 1], [-1, -1], [[1], [1]]):
        return "Cosine", own
    if isinstance(mode, str) and mode in MODES:
        return MODES[mode], own
    raise UnknownLayerError(f"Merge with mode {quote(mode)}")
