"""Embedding of integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from regraft.blueprint import Shape
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Form, Site
from regraft.layers.settings import positive, setting
from regraft.layers.version import KerasVersion


@dataclass(frozen=True, kw_only=True)
class Embedding(Layer):
    """
    Row ``i`` of a table for every integer ``i``: ``(...) -> (..., output_dim)``. Numbers with a fraction are truncated.

    ``mask_zero`` makes a mask and nothing else: row 0 is an ordinary row, so PyTorch's ``padding_idx`` stays unset.
    Keras: ``keras/src/layers/core/embedding.py``; PyTorch: ``torch.nn.Embedding``.
    """

    masks: ClassVar = "own"
    axis_order: ClassVar = "keras"
    weights: ClassVar = (Weight("embeddings", "vocabulary embed -> vocabulary embed", torch="weight"),)

    input_dim: int = setting(parse=positive)
    output_dim: int = setting(parse=positive)
    mask_zero: bool = setting(False)
    input_length: int | None = setting(None, keras=False, parse=lambda v, _: v if isinstance(v, int) else None)
    #: Keras 1 dropped whole words while it trained.
    dropout: float = setting(0.0, keras=False, parse=lambda v, _: float(v or 0))

    def axis_sizes(self) -> dict[str, int]:
        return {"vocabulary": self.input_dim, "embed": self.output_dim}

    def to_keras(self, version: KerasVersion) -> dict[str, Any]:
        old = {"input_length": self.input_length} if version.major < 3 and self.input_length else {}
        return {**super().to_keras(version), **old}

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        return None if shape is None else (*shape, self.output_dim)

    def may_mask(self, arriving: bool) -> bool:
        return self.mask_zero

    def torch(self, site: Site) -> Form:
        rows, columns = site.stored["embeddings"]
        mask = "%0 != 0" if self.mask_zero else ""
        return Form(("%self(%0.long())",), f"nn.Embedding({rows}, {columns})", mask=mask)
