"""A setting as a person writes it, for choices and for ``--set``."""

from __future__ import annotations

from collections.abc import Mapping

from regraft.blueprint.graph import Blueprint, LayerSpec, Setting, TensorRef


def words(value: Setting) -> str:
    """
    One setting in words.

    >>> words((2, 2)), words(True), words(None), words("same"), words(LayerSpec("l", "LeakyReLU", {"slope": 0.3}))
    ('2, 2', 'true', 'none', 'same', 'LeakyReLU(slope=0.3)')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(words(item) if not isinstance(item, tuple) else f"({words(item)})" for item in value)
    if isinstance(value, LayerSpec):
        return f"{value.type}({', '.join(f'{key}={words(item)}' for key, item in value.config.items())})"
    if isinstance(value, Blueprint):
        return f"model {value.name}"
    if isinstance(value, TensorRef):
        return value.layer
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={words(item)}" for key, item in value.items())
    return str(value)
