"""One case of the conformance test: a layer with its settings, what reaches it, and what stands around it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from regraft.layers import Layer

BATCH = 9
#: What masked steps hold; no drawn number is equal to it.
MASKED = -7.0


@dataclass(frozen=True)
class Input:
    """
    One tensor that enters the model.

    Attributes:
        shape: Without the batch axis.
        kind: ``floats`` are standard normal, ``ids`` whole numbers below ``below``, ``flags`` true or false,
            ``pixels`` evenly spread from 0 to ``below``.
        below: Upper bound of the ids or the pixels.
    """

    shape: tuple[int, ...]
    kind: Literal["floats", "ids", "flags", "pixels"] = "floats"
    below: int = 0

    @property
    def dtype(self) -> str:
        """The Keras dtype; that of numbers is left to the policy."""
        return {"ids": "int32", "flags": "bool"}.get(self.kind, "")

    def array(self, rng: np.random.Generator) -> np.ndarray:
        """Data for the input, exact in float32."""
        shape = (BATCH, *self.shape)
        if self.kind == "ids":
            return rng.integers(0, self.below, shape).astype("int32")
        if self.kind == "pixels":
            return rng.uniform(0, self.below, shape).astype("float32")
        if self.kind == "flags":
            return rng.random(shape) < 0.5
        return rng.standard_normal(shape).astype("float32")


@dataclass(frozen=True)
class Case:
    """
    A layer in a small model.

    Attributes:
        layer: The layer under test.
        inputs: What enters, in the order of the layer's arguments.
        front: A layer in front of it: ``map`` takes its input channels first (a padding by nothing), ``flat`` flattens a
            map, ``mask`` is a ``Masking``, ``ids`` an ``Embedding`` that masks the zeros.
        behind: ``average`` is a pooling over time that minds masks, ``dense`` a ``Dense``.
        unsized: The model does not say the sizes between batch and channels.
        call: ``one`` tensor, a ``list`` of them, or each as an argument of its own, ``apart``.
        states: How many of the inputs are initial states.
        numbers: Arguments that are numbers, by place.
        keywords: Further arguments by name.
    """

    layer: Layer
    inputs: tuple[Input, ...]
    front: Literal["", "map", "flat", "mask", "ids"] = ""
    behind: Literal["", "average", "dense"] = ""
    unsized: bool = False
    call: Literal["one", "list", "apart"] = "one"
    states: int = 0
    numbers: tuple[tuple[int, float], ...] = ()
    keywords: tuple[tuple[str, bool], ...] = ()

    @property
    def seed(self) -> int:
        """A number that depends on everything above."""
        return zlib.crc32(repr(self).encode())

    def arrays(self) -> list[np.ndarray]:
        """Data for every input. In masked sequences at least one step of every sample is kept."""
        rng = np.random.default_rng(self.seed)
        found = [one.array(rng) for one in self.inputs]
        if self.front == "mask":
            hidden = rng.random(found[0].shape[:-1]) < 0.4
            hidden.reshape(BATCH, -1)[:, rng.integers(0, hidden[0].size)] = False
            hidden[0] = False
            found[0][hidden] = MASKED
        if self.front == "ids":
            found[0][:, rng.integers(0, found[0].shape[1])] = 1
        return found

    def __str__(self) -> str:
        settings = {f: v for f, v in self.layer.config.items() if v != type(self.layer).__dataclass_fields__[f].default}
        said = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        around = [f"{name}={value!r}" for name in ("front", "behind", "call") if (value := getattr(self, name))]
        around += [
            f"{name}={value!r}"
            for name in ("unsized", "states", "numbers", "keywords")
            if (value := getattr(self, name))
        ]
        shapes = " ".join(str(one.shape) for one in self.inputs)
        return f"{type(self.layer).__name__}({said}) on {shapes} {' '.join(around)}"
