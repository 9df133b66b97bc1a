"""The architecture: frozen dataclasses, shapes, checks, choices with evidence, and the TOML form."""

from regraft.blueprint.graph import (
    Blueprint,
    Call,
    Choice,
    Label,
    LayerSpec,
    Setting,
    Shape,
    TensorRef,
    all_refs,
    refs_in,
)
from regraft.blueprint.toml import from_toml, to_toml

__all__ = [
    "Blueprint",
    "Call",
    "Choice",
    "Label",
    "LayerSpec",
    "Setting",
    "Shape",
    "TensorRef",
    "all_refs",
    "from_toml",
    "refs_in",
    "to_toml",
]
