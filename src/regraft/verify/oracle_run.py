"""One run of a Keras model on given inputs: every tensor as a ``.npy`` file, whole or one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from regraft.verify.difference import difference
from regraft.verify.oracle_graph import Capture
from regraft.verify.oracle_library import Library
from regraft.verify.oracle_steps import Made, walk

WIDE, NARROW = "float64", "float32"


class Run:
    """
    One run in one dtype.

    Args:
        keras: Which Keras.
        captures: The model in both dtypes.
        folder: Where the inputs lie as ``input-<n>.npy``, and where ``<dtype>-<spot>.npy`` are written.
        count: Number of inputs.
        dtype: ``float32`` or ``float64``.
    """

    def __init__(self, keras: Library, captures: Mapping[str, Capture], folder: Path, count: int, dtype: str) -> None:
        self.keras, self.captures, self.folder, self.dtype = keras, captures, folder, dtype
        self.arrays = [np.load(folder / f"input-{n}.npy", allow_pickle=False) for n in range(count)]
        self.steps: Iterator[Made] | None = None
        self.beside: Iterator[Made] | None = None

    def whole(self) -> dict[str, Any]:
        """Run the model as its users do, and write every tensor it made; each is let go when it is written."""
        with self.keras.precision(self.dtype):
            tensors = list(self.keras.evaluate(self.captures[self.dtype], self.inputs(self.dtype)))
        noise: dict[int, float] = {}
        tensors.reverse()
        for number in range(len(tensors)):
            array = as_array(tensors.pop())
            np.save(self.folder / f"{self.dtype}-{number}.npy", array, allow_pickle=False)
            narrow = self.folder / f"{NARROW}-{number}.npy"
            if self.dtype == WIDE and narrow.exists():
                noise[number] = difference(np.load(narrow, mmap_mode="r", allow_pickle=False), array).error
        return {"spots": self.spots(), "noise": noise}

    def rehearsal(self) -> dict[str, Any]:
        """Run the model call by call and keep nothing."""
        with self.keras.precision(self.dtype):
            for _ in walk(self.captures[self.dtype], self.tensors(self.dtype)):
                pass
        return {"spots": self.spots(), "noise": {}}

    def next(self) -> dict[str, Any]:
        """Make the next tensor, in double precision beside the same one in single precision, and write it."""
        if self.steps is None:
            self.steps = walk(self.captures[self.dtype], self.tensors(self.dtype))
            if self.dtype == WIDE:
                self.beside = walk(self.captures[NARROW], self.tensors(NARROW))
        with self.keras.precision(self.dtype):
            made = next(self.steps, None)
        if made is None:
            return {"made": None}
        array = as_array(made[1])
        np.save(self.folder / f"{self.dtype}-{made[0]}.npy", array, allow_pickle=False)
        if self.beside is None:
            return {"made": made[0]}
        with self.keras.precision(NARROW):
            number, narrow = next(self.beside)
        assert number == made[0]
        return {"made": number, "noise": difference(as_array(narrow), array).error}

    def inputs(self, dtype: str) -> list[np.ndarray]:
        """The inputs in a dtype."""
        return [array.astype(dtype) if array.dtype.kind == "f" else array for array in self.arrays]

    def tensors(self, dtype: str) -> list[Any]:
        """The inputs as tensors."""
        import tensorflow as tf

        return [tf.constant(array) for array in self.inputs(dtype)]

    def spots(self) -> list[dict[str, Any]]:
        """What the tensors are, by number."""
        return [{"layers": s.layers, "calls": s.calls, "index": s.index} for s in self.captures[NARROW].spots]


def as_array(tensor: Any) -> np.ndarray:
    """A tensor's numbers, without a copy where TensorFlow lends them."""
    if hasattr(tensor, "_numpy"):
        return np.asarray(tensor._numpy())
    return np.asarray(tensor)
