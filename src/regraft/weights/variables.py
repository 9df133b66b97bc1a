"""Arrays of an HDF5 file as variables: bfloat16 becomes float32 when it is read."""

from __future__ import annotations

from functools import partial

import numpy as np

from regraft.errors import FileError
from regraft.weights.nodes import Dataset
from regraft.weights.source import Source
from regraft.weights.tree import Variable


def variable(file: Source, node: Dataset, name: str) -> Variable:
    """
    One stored array as a variable whose data is read on demand.

    Raises:
        FileError: If it holds something other than numbers.
    """
    if node.problem:
        raise FileError(file.shown, f"this array cannot be a weight: {node.problem}.", path=node.path)
    if node.dtype.kind == "V":
        # Keras stores bfloat16 as two opaque bytes: tagged in .weights.h5, untagged in .h5.
        return Variable(node.path, name, node.shape, "bfloat16", partial(_bfloat16, file, node), "two opaque bytes")
    return Variable(node.path, name, node.shape, node.dtype.name, partial(file.read, node))


def _bfloat16(file: Source, node: Dataset) -> np.ndarray:
    """bfloat16 is the upper half of a float32."""
    halves = file.read(node).view("<u2")
    return (halves.astype("u4") << 16).view("f4").reshape(node.shape)
