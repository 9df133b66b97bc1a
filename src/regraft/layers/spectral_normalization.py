"""A wrapper that keeps the largest singular value of a kernel at 1 while it trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from regraft.blueprint import LayerSpec, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer, Weight, build
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.settings import Reading, positive, setting
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion


def wrapped(value: Any, reading: Reading) -> LayerSpec:
    """The wrapped layer: one with a kernel or a table."""
    spec = reading.layer(value)
    names = {w.name for w in build(spec).variables()}
    if not names & {"kernel", "embeddings"}:
        raise UnknownLayerError(f"a SpectralNormalization around {quote(spec.type)}, which has no kernel")
    return spec


@dataclass(frozen=True, kw_only=True)
class SpectralNormalization(Layer):
    """
    The wrapped layer as it is: Keras divides the kernel itself at every step of the training, and stores the result.

    What PyTorch's ``spectral_norm`` does at every call would divide once more. The vector that Keras keeps for its next
    step, and the second copy of the kernel in newer files, have no place in the emitted module.
    Keras: ``keras/src/layers/normalization/spectral_normalization.py``; PyTorch: the module of the wrapped layer.
    """

    masks: ClassVar = "own"
    #: Its own, beside those of the wrapped layer. The oracle knows by its name that Keras has the first one once.
    weights: ClassVar = (
        Weight("kernel_again", "... -> ...", index="0"),
        Weight("vector_u", "1 last -> 1 last", trainable=False, index="1"),
    )

    layer: LayerSpec = setting(parse=wrapped)
    power_iterations: int = setting(1, parse=positive)
    #: In Keras 3 the result has the dtype of the input: behind integers only their whole part is left of a table's rows.
    keeps_dtype: bool = setting(True, before={(3, 0, 0): False}, keras=False)

    @property
    def inner(self) -> Layer:
        """The wrapped layer."""
        return build(self.layer)

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        return self.inner.caveats(version)

    # ---- variables

    def variables(self) -> tuple[Weight, ...]:
        return (*(weight.inside("", "layer") for weight in self.inner.variables()), *self.weights)

    def stored(self, stored: Stored) -> Mapping[str, Origin]:
        flags = self.inner.stored_flags(stored)
        vector = Origin((len(flags),))
        inner = self.inner.stored(replace(stored, shapes=stored.shapes[: len(flags)]))
        return {**inner, "vector_u": vector}

    def stored_flags(self, stored: Stored) -> tuple[bool, ...]:
        return (*self.inner.stored_flags(stored), False)

    def axis_sizes(self) -> dict[str, int]:
        return self.inner.axis_sizes()

    # ---- graph

    @property
    def takes_channels_first(self) -> bool:
        return self.inner.takes_channels_first

    @property
    def passes_order(self) -> bool:
        return self.inner.passes_order

    def shape(self, inputs: tuple[Shape, ...]) -> Shape | tuple[Shape, ...]:
        return self.inner.shape(inputs)

    def arrange(self, arrival: Arrival) -> Arranged:
        arranged = self.inner.arrange(replace(arrival, absorbed=False))
        plain = tuple(replace(order, flat=()) for order in arranged.inputs)
        return replace(arranged, inputs=plain)

    def inside(self, shape: Shape) -> tuple[Layer, Shape]:
        return self.inner, shape

    def may_mask(self, arriving: bool) -> bool:
        """In Keras 3 the wrapped layer puts the mask on its output, and the wrapper takes nothing off."""
        return self.keeps_dtype and self.inner.masks == "pass" and self.inner.may_mask(arriving)

    def torch(self, site: Site) -> Form:
        form = self.inner.torch(site)
        carries = self.inner.carry(site) if form.carries is None else form.carries
        if self.keeps_dtype and any(w.name == "embeddings" for w in self.inner.variables()):
            form = replace(form, outputs=tuple(f"{text}.to(%0.dtype)" for text in form.outputs))
        return replace(form, carries=carries, mask="%m0" if self.may_mask(site.masks[0]) else "")
