"""How a verification is done: on which inputs, in which precisions, with how much memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from regraft.verify.oracle import DTYPES

Precision = Literal["float32", "float64", "both"]


@dataclass(frozen=True)
class How:
    """
    What a person may choose.

    Attributes:
        samples: Inputs in Keras order, batch first, in place of the seeded ones; see ``samples.checked``.
        precision: ``both``, or one of the two: float64 alone decides, float32 alone shows what users will see.
        low_memory: Whether Keras runs call by call, so that few tensors exist at a time, in memory and on disk.
    """

    samples: tuple[np.ndarray, ...] | None = None
    precision: Precision = "both"
    low_memory: bool = False

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes in which Keras runs, in the order in which it does."""
        return DTYPES if self.precision == "both" else (self.precision,)


USUAL = How()
