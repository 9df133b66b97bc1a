"""
What a naive translation costs: real Keras, the translation that comes to mind first, and ours, on the same input in float64.

``REGRAFT_TRAPS=write`` records both errors in docs/traps.json, from which docs/layers.md shows them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tests.twin import converted, randomise, relative_error, run

RECORD = Path(__file__).parents[2] / "docs" / "traps.json"
#: What ours may be off; TensorFlow keeps some constants in float32, and resizes in float32.
EXACT, CONSTANT, SINGLE = 1e-10, 1e-7, 5e-6

Weights = Mapping[str, torch.Tensor]
Naive = Callable[..., torch.Tensor]


@dataclass
class Traps:
    """Measures traps and keeps what was measured."""

    folder: Path
    rows: list[dict[str, Any]] = field(default_factory=list)

    def check(
        self,
        words: str,
        model: Any,
        inputs: Sequence[np.ndarray],
        naive: Naive,
        *,
        above: float,
        ours: float = EXACT,
        filled: bool = False,
    ) -> None:
        """
        Assert that the naive translation is wrong and ours is not.

        Args:
            words: The naive translation, as the page shows it.
            model: A Keras model in float64 with one output.
            inputs: In Keras order.
            naive: Takes the variables by name (a second ``kernel`` is ``kernel_1``), then the inputs; gives Keras order.
            above: What its error is larger than.
            ours: What ours may be.
            filled: The variables have their values already.
        """
        if not filled:
            randomise(model, 3)
        file = self.folder / "model.keras"
        if not type(model).__module__.startswith("keras"):
            file = self.folder / "model.h5"
        model.save(file)
        expected = np.asarray(model(list(inputs) if len(inputs) > 1 else inputs[0]))
        (found,) = run(converted(file), inputs)
        with torch.no_grad():
            guess = naive(variables(model), *[torch.from_numpy(array) for array in inputs]).numpy()
        self.measured(words, relative_error(guess, expected), relative_error(found, expected), above, ours)

    def measured(self, words: str, naive_error: float, our_error: float, above: float, ours: float) -> None:
        """Assert both errors and keep them."""
        self.rows.append({"trap": words, "naive": float(f"{naive_error:.2e}"), "ours": float(f"{our_error:.1e}")})
        assert naive_error > above, f"{words}: only {naive_error:.1e} off, so that the input shows nothing"
        assert our_error <= ours, f"{words}: ours is {our_error:.1e} off"

    def close(self) -> None:
        """Write the record if that was asked for."""
        if os.environ.get("REGRAFT_TRAPS") == "write":
            rows = sorted(self.rows, key=lambda row: -row["naive"])
            RECORD.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def variables(model: Any) -> dict[str, torch.Tensor]:
    """The variables of a model by their last name; the second of a name has ``_1`` behind it."""
    found: dict[str, torch.Tensor] = {}
    for weight in model.weights:
        name = getattr(weight, "path", weight.name).split("/")[-1].split(":")[0]
        count = sum(key == name or key.startswith(f"{name}_") for key in found)
        found[f"{name}_{count}" if count else name] = torch.from_numpy(np.array(weight))
    return found


def noise(*shape: int, scale: float = 1.0) -> np.ndarray:
    """Standard normal numbers, exact in float32."""
    return (np.random.default_rng(0).standard_normal(shape) * scale).astype("float32").astype("float64")


def first(x: torch.Tensor) -> torch.Tensor:
    """Channels last to channels first."""
    return x.movedim(-1, 1)


def last(x: torch.Tensor) -> torch.Tensor:
    """Channels first to channels last."""
    return x.movedim(1, -1)


def conv_kernel(kernel: torch.Tensor) -> torch.Tensor:
    """The kernel of a convolution, rightly moved."""
    return kernel.movedim((-1, -2), (0, 1))
