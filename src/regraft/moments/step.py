"""One call of one layer, as the rules of moment propagation see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from regraft.blueprint import LayerSpec, Shape
from regraft.layers.base import Layer
from regraft.moments.flow import Flow


@dataclass(frozen=True, eq=False)
class Step:
    """
    One call.

    Attributes:
        spec: The layer as data.
        layer: The same, built.
        arrays: Its variables by their Keras names.
        flows: What is known of the tensors that enter; each has a law.
        shapes: Their shapes, in Keras order.
        output: Shape of the first output.
    """

    spec: LayerSpec
    layer: Layer
    arrays: Mapping[str, np.ndarray]
    flows: tuple[Flow, ...]
    shapes: tuple[Shape, ...]
    output: Shape

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.spec.name

    @property
    def first(self) -> bool:
        """Whether the channels come right after the batch."""
        return getattr(self.layer, "data_format", "channels_last") == "channels_first"
