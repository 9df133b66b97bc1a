"""One model of the diagnosis benchmark: in Keras, and in PyTorch by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn


@dataclass(frozen=True)
class Twin:
    """
    One network in both.

    Attributes:
        name: What it is.
        keras: Makes the Keras model; called with the package.
        module: Makes the PyTorch module.
        shapes: Of the inputs, in PyTorch's order, batch first.
        below: Inputs are whole numbers below this; random numbers if it is 0.
        scale: Inputs are uniform up to this; normal if it is 0.
        load: Fills the module with the arrays of the Keras model by path; regraft graft does if there is none.
        padded: Whether the last steps of an input are 0, and so masked.
    """

    name: str
    keras: Callable[[Any], Any]
    module: Callable[[], nn.Module]
    shapes: Sequence[tuple[int, ...]]
    below: int = 0
    scale: float = 0.0
    padded: bool = False
    load: Callable[[Any, Mapping[str, np.ndarray]], None] | None = None
