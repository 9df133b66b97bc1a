"""
Known outputs as a proof: candidates are tried until one reproduces them, then each of its choices is put to the test.

That outputs agree proves the function on those inputs, not every setting behind it: a choice is proved only if every other
value of it was tried and contradicts the pairs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, permutations

import numpy as np

from regraft.blueprint import Blueprint, Choice
from regraft.errors import RegraftError
from regraft.recover.candidate import Candidate, Pairs, Run
from regraft.recover.settings.answers import with_answer

#: A recorded prediction is float32, printed or stored: this much of its own size, or of the largest value, is rounding.
RELATIVE, ABSOLUTE = 1e-3, 2e-6
#: Outputs are tried in every order up to this many.
MOST_OUTPUTS = 5
#: The same for inputs.
MOST_INPUTS = 4


@dataclass(frozen=True)
class Effort:
    """How long to look: so many candidates, so many seconds."""

    candidates: int = 4000
    seconds: float = 60.0


def close(found: np.ndarray, expected: np.ndarray, scale: float | None = None) -> bool:
    """
    Whether an output is the recorded one, element by element relative to its own size.

    A softmax that has made up its mind is all zeros and ones to an absolute tolerance, whatever stands before it: the
    small numbers count, down to a few roundings of the largest: of ``scale`` if that is given.
    """
    if found.shape != expected.shape or not np.isfinite(found).all():
        return False
    scale = size(expected) if scale is None else scale
    return bool((np.abs(found - expected) <= RELATIVE * np.abs(expected) + ABSOLUTE * max(scale, 1e-30)).all())


def size(array: np.ndarray) -> float:
    """The largest absolute value."""
    return float(np.abs(array).max(initial=0.0))


def order_of(
    found: Sequence[np.ndarray], expected: Sequence[np.ndarray], scales: Sequence[float] | None = None
) -> tuple[int, ...] | None:
    """Which output each expected one is; None if they are not the same arrays in some order."""
    if len(found) != len(expected):
        return None
    places = range(len(found))
    orders = permutations(places) if len(found) <= MOST_OUTPUTS else iter([tuple(places)])
    wanted = list(zip(expected, scales or [size(e) for e in expected], strict=True))
    return next((o for o in orders if all(close(found[i], *e) for i, e in zip(o, wanted, strict=True))), None)


def reproducing(candidate: Candidate, pairs: Pairs, run: Run) -> Candidate | None:
    """The candidate if it reproduces the pairs, with its inputs and outputs in their order; else None."""
    found = (as_it_is(taking, pairs, run) for taking in with_inputs(candidate, pairs.inputs))
    return next((fits for fits in found if fits is not None), None)


def with_inputs(candidate: Candidate, inputs: Sequence[np.ndarray]) -> Iterator[Candidate]:
    """The candidate with its inputs in every order in which the given arrays fit them; no file tells which comes first."""
    own = candidate.blueprint.inputs
    if len(own) != len(inputs) or len(own) > MOST_INPUTS:
        yield candidate
        return
    shapes = [candidate.blueprint.by_name[ref.layer].config.get("batch_shape") for ref in own]
    for order in permutations(range(len(own))):
        if all(takes(shapes[place], array.shape) for place, array in zip(order, inputs, strict=True)):
            yield replace(
                candidate, blueprint=replace(candidate.blueprint, inputs=tuple(own[place] for place in order))
            )


def takes(declared: object, given: Sequence[int]) -> bool:
    """Whether an input of a declared shape, batch first, may be an array."""
    if not isinstance(declared, tuple):
        return True
    return len(declared) == len(given) and all(d in (None, g) for d, g in zip(declared[1:], given[1:], strict=True))


def as_it_is(candidate: Candidate, pairs: Pairs, run: Run) -> Candidate | None:
    """The candidate if it reproduces the pairs with its inputs as they stand, its outputs in their order; else None."""
    first = first_of(pairs)
    if first is not pairs:
        found = run(candidate.blueprint, candidate.tree, first.inputs)
        if found.outputs and order_of(found.outputs, first.outputs, [size(a) for a in pairs.outputs]) is None:
            return None
    found = run(candidate.blueprint, candidate.tree, pairs.inputs)
    order = order_of(found.outputs, pairs.outputs)
    if order is None:
        return None
    outputs = tuple(candidate.blueprint.outputs[i] for i in order)
    return replace(candidate, blueprint=replace(candidate.blueprint, outputs=outputs))


def first_of(pairs: Pairs) -> Pairs:
    """The first pair alone, which refutes nearly every wrong candidate in a fraction of the time."""
    if len(pairs.inputs[0]) < 2 or any(len(array) != len(pairs.inputs[0]) for array in pairs.outputs):
        return pairs
    return Pairs(tuple(array[:1] for array in pairs.inputs), tuple(array[:1] for array in pairs.outputs))


def proved(candidates: Iterator[Candidate], pairs: Pairs, run: Run, effort: Effort) -> tuple[Candidate | None, int]:
    """
    The first candidate that reproduces the pairs, with what the pairs say of its choices, and how many were tried.

    Raises nothing: a candidate that cannot run is not the one.
    """
    end = time.monotonic() + effort.seconds
    tried = 0
    for candidate in islice(candidates, effort.candidates):
        tried += 1
        fits = reproducing(candidate, pairs, run)
        if fits is not None:
            rows = len(pairs.inputs[0])
            proof = f"{rows} of {rows} known outputs are reproduced"
            return replace(tested(fits, pairs, run, effort), proof=proof), tried
        if time.monotonic() > end:
            break
    return None, tried


def tested(candidate: Candidate, pairs: Pairs, run: Run, effort: Effort) -> Candidate:
    """The candidate with each choice labelled by what the pairs say of its other values."""
    end = time.monotonic() + effort.seconds
    choices = [
        on_trial(candidate, choice, pairs, run) if time.monotonic() < end else choice
        for choice in candidate.blueprint.choices
    ]
    return replace(candidate, blueprint=replace(candidate.blueprint, choices=tuple(choices)))


def on_trial(candidate: Candidate, choice: Choice, pairs: Pairs, run: Run) -> Choice:
    """One choice after its other values were tried."""
    others = [value for value in choice.candidates if value != choice.value]
    if choice.label == "proved" or not others:
        return choice
    alike: list[str] = []
    for value in others:
        verdict = still_fits(candidate, choice.subject, value, pairs, run)
        if verdict is None:
            return choice  # a choice that cannot be changed alone: the pairs say nothing of it
        alike += [value] if verdict else []
    if alike:
        note = f"{choice.evidence}; the known outputs are the same with {', '.join(alike)}"
        return replace(choice, evidence=note)
    refuted = f"the known outputs are reproduced, and with {', '.join(others)} they are not"
    return replace(choice, label="proved", evidence=refuted)


def still_fits(candidate: Candidate, subject: str, value: str, pairs: Pairs, run: Run) -> bool | None:
    """Whether the pairs are reproduced with another value; None if the value cannot be put there."""
    try:
        other: Blueprint = with_answer(candidate.blueprint, subject, value)
    except RegraftError:
        return None
    found = run(other, candidate.tree, pairs.inputs)
    return order_of(found.outputs, pairs.outputs) is not None


__all__ = ["Effort", "close", "proved", "reproducing"]
