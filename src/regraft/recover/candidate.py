"""A possible architecture of a weights file, ready to be bound, emitted and tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from regraft.blueprint import Blueprint, TensorRef
from regraft.weights import WeightTree


@dataclass(frozen=True)
class Candidate:
    """
    One architecture that fits a weights file.

    Attributes:
        blueprint: The architecture; ``choices`` say what was not in the file, how sure it is, and why.
        tree: The file as ``bind`` takes it: with one group a layer, also where the file itself is a list of arrays.
        cost: Minus the logarithm of its probability, in nats; only differences between candidates of one file mean
            something.
        share: Its probability among the candidates that were looked at, as far as the costs are right.
        family: The known architecture it is, or empty.
        proof: What proves it, in words: ``4 of 4 pairs reproduced``; empty if nothing does.
        draft: Number of the draft that it comes from; -1 if that is not known.
        places: Which option of each question of that draft it takes.
    """

    blueprint: Blueprint
    tree: WeightTree
    cost: float
    share: float = 0.0
    family: str = ""
    proof: str = ""
    draft: int = -1
    places: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ran:
    """
    One run of a candidate.

    Attributes:
        outputs: What it returned, in Keras order; empty if it failed.
        seen: The tensors that were asked for.
        failure: Why it failed, or empty.
    """

    outputs: tuple[np.ndarray, ...]
    seen: Mapping[TensorRef, np.ndarray] = field(default_factory=dict)
    failure: str = ""


class Run(Protocol):
    """
    Runs a candidate: recovery itself knows no engine, its caller brings one.

    Inputs and outputs are in Keras order, batch first; ``watch`` names tensors to show beside the outputs.
    """

    def __call__(
        self, blueprint: Blueprint, tree: WeightTree, inputs: Sequence[np.ndarray], watch: Sequence[TensorRef] = ()
    ) -> Ran:
        """Run once, in float64."""
        ...


class Quick(Protocol):
    """A run that is fast and nearly right: enough to refute, not to prove."""

    def __call__(self, blueprint: Blueprint, tree: WeightTree, inputs: Sequence[np.ndarray]) -> Ran | None:
        """Run once, in float32; None where only a whole run will do. The arrays must not change later."""
        ...


@dataclass(frozen=True)
class Pairs:
    """
    Inputs with the outputs that the original model gave: the strongest evidence there is.

    Attributes:
        inputs: One array an input, in Keras order, batch first.
        outputs: One array an output, batch first.
    """

    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]
