"""Blueprints run as emitted modules in float64, and random inputs to run them on."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint, LayerSpec, Setting
from regraft.emit.module import emit
from regraft.errors import RegraftError
from regraft.layers.binding import Binding, bind
from regraft.verify.inputs import completed, fill, shapes_to_try, total_elements
from regraft.verify.needs import Need, needs
from regraft.verify.trace import emitted
from regraft.weights import WeightTree

TOLERANCE = 1e-5
BATCH = 3
#: What float inputs are multiplied by and moved to: normal, in 0..1, small.
DRAWS = ("normal", "uniform", "small")
#: So many inputs or outputs are tried in every order.
MOST_PERMUTED = 4
TOO_LARGE = 2**28

Arrays = tuple[np.ndarray, ...]


class CannotRunError(Exception):
    """A blueprint that could not be bound, emitted or run; the text says why."""


@dataclass(frozen=True)
class Runner:
    """An emitted module in float64, ready to run."""

    model: Any

    def __call__(self, inputs: Sequence[np.ndarray]) -> Arrays:
        """
        Outputs for inputs, all in Keras order, batch first.

        Raises:
            CannotRunError: The module stopped.
        """
        if len(inputs) != len(self.model.subject.input_orders):
            raise CannotRunError(f"takes {len(self.model.subject.input_orders)} inputs, not {len(inputs)}")
        ranks = [len(order.axes) for order in self.model.subject.input_orders]
        if any(rank and rank != array.ndim for rank, array in zip(ranks, inputs, strict=True)):
            raise CannotRunError(f"takes inputs of rank {ranks}, not {[a.ndim for a in inputs]}")
        try:
            ran = self.model.run(inputs, lambda *_: None)
        except (ValueError, IndexError, TypeError, RuntimeError) as error:
            raise CannotRunError(f"{type(error).__name__}: {error}"[:300]) from error
        if ran.outputs is None:
            raise CannotRunError(ran.placeholder or ran.crash)
        return tuple(np.asarray(output, "float64") for output in ran.outputs)


def runner(blueprint: Blueprint, weights: WeightTree | Binding) -> Runner:
    """
    Emit a blueprint with its variables.

    Raises:
        CannotRunError: It cannot be bound or emitted.
    """
    try:
        binding = weights if isinstance(weights, Binding) else bind(blueprint, weights)
        module = emit(blueprint, binding, "a benchmark")
        state = {n: a for t in module.transfers for n, a in zip(t.parameters, t.read(), strict=True)}
        subject: Any = types.SimpleNamespace(
            blueprint=blueprint,
            source=module.source,
            probes=(),
            input_orders=module.input_orders,
            output_orders=module.output_orders,
            state=lambda: state,
        )
        return Runner(emitted(subject))
    except RegraftError as error:
        raise CannotRunError(" ".join(str(error).split())[:300]) from error
    except Exception as error:
        raise CannotRunError(f"{type(error).__name__}: {error}"[:300]) from error


def inputs_for(blueprint: Blueprint, run: Runner, seed: int = 0, batch: int = BATCH) -> list[Arrays]:
    """
    Several random inputs that the original accepts: integers in range, floats in three ways.

    Raises:
        CannotRunError: No shape was accepted.
    """
    declared = tuple(blueprint.by_name[ref.layer].config.get("batch_shape") for ref in blueprint.inputs)
    if not all(isinstance(shape, tuple) for shape in declared):
        raise CannotRunError("the architecture does not state the shapes of its inputs")
    wanted, reason = needs(blueprint), "no size was accepted"
    for shapes in candidate_shapes(declared, batch):  # type: ignore[arg-type]
        elements = total_elements(blueprint, shapes)
        if elements is None or elements > TOO_LARGE:
            continue
        drawn = [drawn_inputs(shapes, wanted, draw, seed) for draw in DRAWS]
        try:
            run(drawn[0])
        except CannotRunError as error:
            reason = str(error)
            continue
        return drawn
    raise CannotRunError(reason)


def candidate_shapes(declared: tuple[tuple[int | None, ...], ...], batch: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Complete shapes with one batch size, unless the model fixes it."""
    fixed = next((shape[0] for shape in declared if shape and shape[0] is not None), None)
    for shapes in shapes_to_try(declared):
        yield tuple((fixed or batch, *completed(shape[1:], ())) for shape in shapes)


def drawn_inputs(shapes: Sequence[tuple[int, ...]], wanted: Sequence[Need], draw: str, seed: int) -> Arrays:
    """One set of inputs."""
    rng = np.random.default_rng((seed, DRAWS.index(draw)))
    arrays = [fill(rng, shape, need) for shape, need in zip(shapes, wanted, strict=True)]
    for place, (array, need) in enumerate(zip(arrays, wanted, strict=True)):
        if need.kind == "normal" and need.mask is None and draw != "normal":
            changed = rng.random(array.shape) if draw == "uniform" else 0.1 * array
            arrays[place] = changed.astype("float32").astype("float64")
    return tuple(arrays)


def error_of(found: Arrays, expected: Arrays) -> float:
    """Largest difference relative to the scale of each output; infinite where shapes or numbers are not comparable."""
    if [a.shape for a in found] != [a.shape for a in expected]:
        return float("inf")
    worst = 0.0
    for ours, theirs in zip(found, expected, strict=True):
        if not theirs.size:
            continue
        same = np.isfinite(ours).all() and np.isfinite(theirs).all()
        worst = max(worst, float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-30)) if same else np.inf)
    return worst


@dataclass(frozen=True)
class Comparison:
    """
    A candidate's outputs beside the original's.

    Attributes:
        equal: Whether they are equal on all inputs.
        error: The largest relative difference.
        inputs: For each of the candidate's inputs the place of the original's.
        outputs: For each of the original's outputs the place of the candidate's.
        reason: Why it did not run.
    """

    equal: bool
    error: float = float("inf")
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    reason: str = ""

    @property
    def note(self) -> str:
        """What stands in another order, which no weights file tells."""
        sides = (("inputs", self.inputs), ("outputs", self.outputs))
        moved = [f"{name} in the order {order}" for name, order in sides if order != tuple(range(len(order)))]
        return "; ".join(moved)


def orders(count: int) -> list[tuple[int, ...]]:
    """Every order of so many things, the given one first; of many things only that."""
    return list(permutations(range(count))) if count <= MOST_PERMUTED else [tuple(range(count))]


def compare(run: Runner, inputs: Sequence[Arrays], expected: Sequence[Arrays]) -> Comparison:
    """
    Run a candidate on the original's inputs.

    Which of several inputs or outputs comes first is stored in no weights file, so that they may stand in any order.
    """
    reason, best = "", Comparison(False)
    for order in orders(len(inputs[0])):
        try:
            found = [run([case[place] for place in order]) for case in inputs]
        except CannotRunError as error:
            reason = reason or str(error)
            continue
        for out in orders(len(expected[0])):
            if len(found[0]) != len(out):
                best = Comparison(False, reason=f"{len(found[0])} outputs instead of {len(out)}")
                continue
            errors = [
                error_of(tuple(ours[i] for i in out), theirs) for ours, theirs in zip(found, expected, strict=True)
            ]
            error = max(errors)
            if error < best.error:
                best = Comparison(error <= TOLERANCE, error, order, out)
            if best.equal:
                return best
    return best if np.isfinite(best.error) or best.reason else replace(best, reason=reason)


def with_shapes(blueprint: Blueprint, shapes: Sequence[Setting]) -> Blueprint:
    """The blueprint with other declared input shapes, batch first."""
    wanted = dict(zip((ref.layer for ref in blueprint.inputs), shapes, strict=True))

    def changed(spec: LayerSpec) -> LayerSpec:
        if spec.name not in wanted:
            return spec
        return replace(spec, config={**spec.config, "batch_shape": wanted[spec.name]})

    return replace(blueprint, layers=tuple(map(changed, blueprint.layers)))
