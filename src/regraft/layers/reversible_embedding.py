"""A table of vectors that is read in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from regraft.blueprint import Setting, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.activation_layers import optional_number
from regraft.layers.base import Layer, Weight
from regraft.layers.form import Form, Site
from regraft.layers.settings import Reading, positive, setting
from regraft.layers.version import KerasVersion


def full_precision(value: Any, _: Reading) -> str | None:
    """The dtype in which the scores are computed; only one that loses nothing."""
    if value not in (None, "float32", "float64"):
        raise UnknownLayerError(f"ReversibleEmbedding that computes its scores in {quote(value)}")
    return value


@dataclass(frozen=True, kw_only=True)
class ReversibleEmbedding(Layer):
    """
    Row ``i`` for every integer ``i``; with ``reverse=True`` the products of vectors with all rows: ``(..., vocabulary)``.

    Without ``tie_weights`` the way back has a matrix of its own. ``logit_soft_cap`` c makes ``c * tanh(scores / c)``.
    Keras: ``keras/src/layers/core/reversible_embedding.py``; PyTorch: ``torch.nn.Embedding`` and
    ``torch.nn.functional.linear``.
    """

    masks: ClassVar = "own"
    axis_order: ClassVar = "keras"
    call_arguments: ClassVar = ("inputs", "reverse")
    weights: ClassVar = (
        Weight("embeddings", "vocabulary embed -> vocabulary embed", torch="weight"),
        Weight("reverse_embeddings", "embed vocabulary -> vocabulary embed", torch="reverse.weight", given="untied"),
    )

    input_dim: int = setting(parse=positive)
    output_dim: int = setting(parse=positive)
    tie_weights: bool = setting(True)
    mask_zero: bool = setting(False)
    reverse_dtype: str | None = setting(None, parse=full_precision)
    logit_soft_cap: float | None = setting(None, parse=optional_number)
    #: Whether a call goes the way back.
    reverse: bool = setting(False, keras=False)

    @property
    def untied(self) -> bool:
        """Whether the way back has a matrix of its own."""
        return not self.tie_weights

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return ("Keras 2 has no ReversibleEmbedding",) if version.major < 3 else ()

    def axis_sizes(self) -> dict[str, int]:
        return {"vocabulary": self.input_dim, "embed": self.output_dim}

    def called(self, arguments: Mapping[str, Setting]) -> Layer:
        return replace(self, reverse=bool(arguments.get("reverse")))

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        (shape,) = inputs
        if shape is None:
            return None
        return (*shape[:-1], self.input_dim) if self.reverse else (*shape, self.output_dim)

    def may_mask(self, arriving: bool) -> bool:
        return self.mask_zero or arriving

    def torch(self, site: Site) -> Form:
        rows, columns = site.stored["embeddings"]
        module = f"{'ReversibleEmbedding' if self.untied else 'nn.Embedding'}({rows}, {columns})"
        snippets = ("ReversibleEmbedding",) if self.untied else ()
        if not self.reverse:
            return Form(("%self(%0.long())",), module, snippets=snippets, mask="%0 != 0" if self.mask_zero else "")
        text = "%self.reverse(%0)" if self.untied else "F.linear(%0, %self.weight)"
        if self.logit_soft_cap is not None:
            text = f"torch.tanh({text} / {self.logit_soft_cap!r}) * {self.logit_soft_cap!r}"
        return Form((text,), module, snippets=snippets, mask="%m0" if site.masks[0] else "")
