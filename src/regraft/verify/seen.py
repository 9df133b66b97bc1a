"""The tensors of one run of Keras, as files: all of them at once, or each made when it is asked for and gone after use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from regraft.verify.subject import Spot

MAPPED_BYTES = 1 << 20
Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass
class Seen:
    """
    Every tensor of one run, on disk.

    Attributes:
        folder: Where ``<dtype>-<n>.npy`` lie.
        spots: Number of each tensor.
        dtypes: In which dtypes the model runs: float32, and float64 unless TensorFlow lacks an operation for it.
        notes: What Keras could not do, in words.
        noise: How far Keras' own float32 is from its float64, relative to the largest value, by tensor.
    """

    folder: Path
    spots: Mapping[Spot, int]
    dtypes: tuple[str, ...]
    notes: tuple[str, ...]
    noise: dict[Spot, float]

    def begin(self, dtype: str) -> None:
        """Get ready for reading tensors of one dtype."""

    def read(self, spot: Spot, dtype: str) -> np.ndarray:
        """One tensor, in Keras order; a large one is mapped, not loaded."""
        path = self.path(spot, dtype)
        mapped = path.stat().st_size > MAPPED_BYTES
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)

    def used(self, spot: Spot, dtype: str) -> None:
        """Said of a tensor that will not be read again: its file may go."""

    def end(self, dtype: str) -> None:
        """Delete the tensors of one dtype."""
        for path in self.folder.glob(f"{dtype}-*.npy"):
            path.unlink()

    def path(self, spot: Spot, dtype: str) -> Path:
        """Where a tensor lies."""
        return self.folder / f"{dtype}-{self.spots[spot]}.npy"


@dataclass
class Stream(Seen):
    """
    The same, with Keras going on only as far as it is asked to, and each file deleted after use.

    Attributes:
        ask: Sends a request to the worker.
        inputs: Number of inputs.
        made: Numbers of the tensors that were made.
        by_number: The tensor of each number.
        live: Files that lie there now, and ``most``, how many at once at the most.
    """

    ask: Ask = field(default=lambda _: {})
    inputs: int = 0
    made: set[int] = field(default_factory=set)
    by_number: Mapping[int, Spot] = field(default_factory=dict)
    live: set[int] = field(default_factory=set)
    most: int = 0

    def begin(self, dtype: str) -> None:
        """Let the worker begin a run."""
        self.made.clear()
        self.live.clear()
        self.by_number = {number: spot for spot, number in self.spots.items()}
        self.ask({"do": "stream", "folder": str(self.folder), "inputs": self.inputs, "dtype": dtype})

    def read(self, spot: Spot, dtype: str) -> np.ndarray:
        """One tensor; the worker goes on until it is made."""
        while self.spots[spot] not in self.made and self.more():
            pass
        return super().read(spot, dtype)

    def more(self) -> bool:
        """Let the worker make one more tensor; whether there was one."""
        answer = self.ask({"do": "next"})
        number = answer["made"]
        if number is None:
            return False
        self.made.add(number)
        self.live.add(number)
        self.most = max(self.most, len(self.live))
        if "noise" in answer:
            self.noise[self.by_number[number]] = max(answer["noise"], self.noise.get(self.by_number[number], 0.0))
        return True

    def used(self, spot: Spot, dtype: str) -> None:
        """Delete its file."""
        self.path(spot, dtype).unlink(missing_ok=True)
        self.live.discard(self.spots[spot])

    def end(self, dtype: str) -> None:
        """Let the run come to its end, for the noise of what nobody asked for; then delete what is left."""
        while self.more():
            for path in self.folder.glob(f"{dtype}-*.npy"):
                path.unlink()
        super().end(dtype)
