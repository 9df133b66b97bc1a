"""Both models on the same inputs, and what of the one explains the other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from regraft.comparing.diagnosing import Diagnosis, Search
from regraft.comparing.finding import Index, difference
from regraft.comparing.model import Model, flat_model
from regraft.errors import OutputError
from regraft.graft.watching import Made, Watched, prepared, watch
from regraft.grafting.source import Converted, as_taken
from regraft.verify.trace import in_keras

#: Tensors of layers that compute the same in double precision differ by less. A small fault passes a wider limit where the
#: tensor is large for other reasons; parameters that were folded into others pass the wider one only.
TIGHT = 1e-10


@dataclass(frozen=True)
class Pair:
    """
    One run of both models.

    Attributes:
        watched: The module's, without what is random in it.
        diagnosis: The Keras model's, with the mistakes that explain the module.
        random: The first tensor of the module that is another one at every run; None if none is.
        spread: By how much it changes from one run to the next, relative to its largest value.
        random_at: Its place among the tensors of the run.
    """

    watched: Watched
    diagnosis: Diagnosis
    random: Made | None = None
    spread: float = field(default=0.0)
    random_at: int = 0

    @property
    def equal(self) -> bool:
        """Whether every output is equal without any mistake, and nothing is random."""
        return self.outputs_equal and self.random is None

    @property
    def outputs_equal(self) -> bool:
        """Whether nothing needed to be explained."""
        found = self.diagnosis
        return not found.causes and not found.unknown and found.walk.first >= len(found.model.calls)


def both(
    source: Converted,
    model: Model,
    twin: Any,
    inputs: Sequence[Any],
    tolerance: float,
    seconds: float,
    foreign: frozenset[str] = frozenset(),
) -> Pair:
    """
    Run both on the same inputs and look for what explains the difference.

    Args:
        source: The file's model.
        model: The same as a graph.
        twin: The user's module, as ``prepared`` gave it.
        inputs: Tensors as the module takes them.
        tolerance: Relative difference up to which two tensors are equal.
        seconds: How long to look for causes.
        foreign: Layers whose weights are others than the file's, so that no mistake explains them.

    Raises:
        ShapeMismatchError: The inputs are none of the file's model.
        CannotRunError: The file's model does not run on them.
        OutputError: The module cannot be run.
    """
    arrays = keras_inputs(source, inputs)
    watched, random, spread, number = seen(twin, inputs)
    until = time.monotonic() + seconds
    found = Search(Index(watched, tolerance), arrays, tolerance, until, foreign=foreign).diagnose(model)
    if found.causes or found.unknown:
        index = Index(watched, min(TIGHT, tolerance))
        near = Search(index, arrays, tolerance, until, foreign=foreign).diagnose(model)
        if len(near.unknown) <= len(found.unknown) and len(near.causes) >= len(found.causes):
            found = near
    return Pair(watched, found, random, spread, number)


def seen(twin: Any, inputs: Sequence[Any]) -> tuple[Watched, Made | None, float, int]:
    """
    A run of the module; the first tensor that is another one at every run, by how much, and its place.

    Raises:
        OutputError: The module cannot be run.
    """
    try:
        watched = watch(twin, inputs, seed=0)
        again = watch(twin, inputs, seed=1, whole=False)
        if not any(unlike(a, b) for a, b in zip(watched.outputs, again.outputs, strict=False)):
            return watched, None, 0.0, 0
        random, spread = differing(watched, watch(twin, inputs, seed=1))
        number = next((i for i, made in enumerate(watched.made) if made is random), 0)
        return watch(twin, inputs, still=True), random, spread, number
    except Exception as error:
        shapes = " and ".join(str(tuple(tensor.shape)) for tensor in inputs)
        raise OutputError(
            f"the module cannot be run on an input of shape {shapes}: {type(error).__name__}: {error}. Give the shape that it "
            "takes, batch first, with --input-shape N,C,H,W (once for each input)"
        ) from error


def keras_inputs(source: Converted, inputs: Sequence[Any]) -> list[np.ndarray]:
    """What the module takes, in Keras order and double precision."""
    taken = as_taken(source, inputs)
    arrays = [in_keras(tensor, order) for tensor, order in zip(taken, source.module.input_orders, strict=True)]
    return [np.ascontiguousarray(a.astype(np.float64) if a.dtype.kind == "f" else a) for a in arrays]


def differing(first: Watched, second: Watched) -> tuple[Made | None, float]:
    """The first tensor that two runs on the same inputs do not share; what was made and not filled yet is no number."""
    for one, other in zip(first.made, second.made, strict=False):
        if "empty" not in one.operation and (off := unlike(one.array, other.array)):
            return one, off
    return None, 0.0


def unlike(one: np.ndarray, other: np.ndarray) -> float:
    """How much two arrays of two runs differ, relative to the largest value."""
    if one.shape != other.shape:
        return 1.0
    off = difference(one, other)
    return 1.0 if off is None else off


def graph_of(source: Converted) -> Model:
    """The file's model as a graph that can be changed."""
    return flat_model(source.blueprint, source.binding.layers, source.tree)


__all__ = ["Pair", "both", "graph_of", "keras_inputs", "prepared"]
