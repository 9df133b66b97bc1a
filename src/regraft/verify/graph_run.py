"""What the graph of a SavedModel made of some inputs, as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class GraphTensors:
    """
    Tensors of a graph that depend on its inputs, in float32.

    Attributes:
        folder: Where they lie.
        files: File of each tensor, by the name of the operation that made it, in the order of the graph.
        outputs: File of each output of the signature, by its name, in the order of their names.
        oracle: Which TensorFlow ran it.
    """

    folder: Path
    files: Mapping[str, str]
    outputs: Mapping[str, str]
    oracle: str

    @property
    def names(self) -> list[str]:
        """Names of all tensors, in the order of the graph."""
        return list(self.files)

    def read(self, name: str) -> np.ndarray:
        """One tensor or output, mapped."""
        file = self.outputs[name] if name in self.outputs else self.files[name]
        return np.load(self.folder / file, mmap_mode="r", allow_pickle=False)
