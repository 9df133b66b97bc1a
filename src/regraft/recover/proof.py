"""
Known outputs as a proof: candidates are tried until one reproduces them, then each of its choices is put to the test.

That outputs agree proves the function on those inputs, not every setting behind it: a choice is proved only if every other
value of it was tried and contradicts the pairs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, permutations

import numpy as np

from regraft.blueprint import Blueprint, Choice
from regraft.errors import RegraftError
from regraft.recover.agreement import RELATIVE, Matches, assigned, close, matches, order_of, size
from regraft.recover.candidate import Candidate, Pairs, Quick, Ran, Run
from regraft.recover.refuted import Refuted, cone
from regraft.recover.settings.answers import with_answer

#: Inputs are tried in every order up to this many.
MOST_INPUTS = 4
#: What a run in float32 may be off, of the largest value and of its own size, before it refutes: the records are float32
#: too, and within a fiftieth of this.
COARSE, COARSE_RELATIVE = 1e-3, 50 * RELATIVE
#: The same where it is known how far one such run is off: so many times that.
NOISE = 20.0


@dataclass(frozen=True)
class Effort:
    """
    How long to look: so many candidates, so many seconds, so many more to try the values of those that fit.

    Seconds are those of the processor, in this thread: what else the machine does leaves the result as it is.
    """

    candidates: int = 4000
    seconds: float = 20.0
    testing: float = 10.0


@dataclass(frozen=True)
class Trial:
    """
    Known outputs and the engines that candidates run on.

    Attributes:
        pairs: The known outputs.
        run: The engine that counts.
        quick: One that is fast and nearly right, to refute with.
    """

    pairs: Pairs
    run: Run
    quick: Quick | None = None

    @cached_property
    def first(self) -> Pairs:
        """One pair, the same arrays at every call."""
        return first_of(self.pairs)

    @cached_property
    def scales(self) -> list[float]:
        """The largest value of each known output."""
        return [size(array) for array in self.pairs.outputs]


@dataclass(frozen=True)
class Verdict:
    """
    What known outputs say of a blueprint.

    Attributes:
        order: Which of its outputs each known one is; None if it does not reproduce them.
        cause: The layers that the contradiction depends on; None if that is not known.
        noise: How far the quick engine was off, for each known output; None if that is not known.
    """

    order: tuple[int, ...] | None
    cause: frozenset[str] | None = None
    noise: Sequence[float] | None = None


def judged(blueprint: Blueprint, candidate: Candidate, trial: Trial, noise: Sequence[float] | None = None) -> Verdict:
    """
    Whether a blueprint reproduces known outputs: one pair nearly, then exactly, then all of them.

    Args:
        blueprint: The candidate's own, or one like it.
        candidate: For its variables.
        trial: The known outputs.
        noise: How far the quick engine was off where the outputs are known to be right, for each of them.
    """
    if len(blueprint.outputs) != len(trial.pairs.outputs):
        return Verdict(None, frozenset())
    first = trial.first
    nearly = quickly(trial, blueprint, candidate, first)
    if nearly is not None:
        slack = [COARSE * s for s in trial.scales] if noise is None else [NOISE * n for n in noise]
        relative = COARSE_RELATIVE if noise is None else RELATIVE
        agree = matches(nearly.outputs, first.outputs, trial.scales, slack, relative)
        if assigned(agree) is None:
            return Verdict(None, blamed(blueprint, agree))
    if first is not trial.pairs:
        found = trial.run(blueprint, candidate.tree, first.inputs)
        agree = matches(found.outputs, first.outputs, trial.scales)
        if found.outputs and assigned(agree) is None:
            return Verdict(None, blamed(blueprint, agree))
        every = quickly(trial, blueprint, candidate, trial.pairs) if found.outputs else None
        order = None if every is None else order_of(every.outputs, trial.pairs.outputs)
        if order is not None:
            return Verdict(order, noise=noise_of(nearly, found, order))
    found = trial.run(blueprint, candidate.tree, trial.pairs.inputs)
    order = order_of(found.outputs, trial.pairs.outputs)
    if order is not None:
        return Verdict(order, noise=noise_of(nearly, found, order) if first is trial.pairs else None)
    agree = matches(found.outputs, trial.pairs.outputs, trial.scales)
    return Verdict(None, blamed(blueprint, agree) if found.outputs else None)


def quickly(trial: Trial, blueprint: Blueprint, candidate: Candidate, pairs: Pairs) -> Ran | None:
    """A quick run that came to finite outputs; None if there is none."""
    ran = None if trial.quick is None else trial.quick(blueprint, candidate.tree, pairs.inputs)
    return ran if ran is not None and ran.outputs and all(np.isfinite(a).all() for a in ran.outputs) else None


def blamed(blueprint: Blueprint, agree: Matches) -> frozenset[str]:
    """The fewest layers that a contradiction depends on: those of an output that is none of the known ones, else all."""
    alone = [cone(blueprint, [ref]) for ref, row in zip(blueprint.outputs, agree, strict=True) if not any(row)]
    return min(alone, key=len) if alone else cone(blueprint, blueprint.outputs)


def reproducing(candidate: Candidate, trial: Trial) -> tuple[Candidate | None, Verdict]:
    """
    The candidate if it reproduces the pairs, with its inputs and outputs in their order.

    Returns:
        None if it does not, and then the layers that the contradiction depends on, as far as that is known.
    """
    causes: list[frozenset[str] | None] = [frozenset(ref.layer for ref in candidate.blueprint.inputs)]
    for taking in with_inputs(candidate, trial.pairs.inputs):
        verdict = judged(taking.blueprint, candidate, trial)
        if verdict.order is not None:
            outputs = tuple(taking.blueprint.outputs[i] for i in verdict.order)
            return replace(taking, blueprint=replace(taking.blueprint, outputs=outputs)), verdict
        if verdict.cause == frozenset():
            return None, verdict
        causes.append(verdict.cause)
    known = [cause for cause in causes if cause is not None]
    return None, Verdict(None, frozenset().union(*known) if len(known) == len(causes) else None)


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


def first_of(pairs: Pairs) -> Pairs:
    """The first pair alone, which refutes nearly every wrong candidate in a fraction of the time."""
    if len(pairs.inputs[0]) < 2 or any(len(array) != len(pairs.inputs[0]) for array in pairs.outputs):
        return pairs
    return Pairs(tuple(array[:1] for array in pairs.inputs), tuple(array[:1] for array in pairs.outputs))


def proved(
    candidates: Iterator[Candidate],
    pairs: Pairs,
    run: Run,
    effort: Effort,
    *,
    quick: Quick | None = None,
    refuted: Refuted | None = None,
    say: Callable[[str, int, int], None] | None = None,
) -> tuple[Candidate | None, int]:
    """
    The first candidate that reproduces the pairs, with what the pairs say of its choices, and how many were tried.

    Raises nothing: a candidate that cannot run is not the one.

    Args:
        candidates: In the order in which they are tried.
        pairs: The known outputs.
        run: The engine.
        effort: How long to look.
        quick: A faster engine, to refute with.
        refuted: Hears what is found to be wrong, so that ``candidates`` can pass over what is wrong for the same reason.
        say: Hears how many of the seconds are over.
    """
    begun = time.thread_time()
    trial = Trial(pairs, run, quick)
    tried = 0
    for candidate in islice(candidates, effort.candidates):
        tried += 1
        fits, verdict = reproducing(candidate, trial)
        if fits is not None:
            rows = len(pairs.inputs[0])
            proof = f"{rows} of {rows} known outputs are reproduced"
            return replace(tested(fits, trial, verdict.noise, effort), proof=proof), tried
        if refuted is not None and verdict.cause is not None and candidate.draft >= 0:
            refuted.add(candidate.draft, candidate.places, verdict.cause)
        spent = time.thread_time() - begun
        if say is not None:
            say("known outputs", round(spent), round(effort.seconds))
        if spent > effort.seconds:
            break
    return None, tried


def tested(candidate: Candidate, trial: Trial, noise: Sequence[float] | None, effort: Effort) -> Candidate:
    """The candidate with each choice labelled by what the pairs say of its other values."""
    end = time.thread_time() + effort.testing
    choices = [on_trial(candidate, choice, trial, noise, end) for choice in candidate.blueprint.choices]
    return replace(candidate, blueprint=replace(candidate.blueprint, choices=tuple(choices)))


def noise_of(nearly: Ran | None, right: Ran, order: Sequence[int]) -> list[float] | None:
    """How far a quick run is off, for each known output; None if there was none."""
    return None if nearly is None else [size(nearly.outputs[i] - right.outputs[i]) for i in order]


def on_trial(candidate: Candidate, choice: Choice, trial: Trial, noise: Sequence[float] | None, end: float) -> Choice:
    """One choice after its other values were tried; as it was if the time ended before."""
    others = [value for value in choice.candidates if value != choice.value]
    if choice.label == "proved" or not others:
        return choice
    alike: list[str] = []
    for value in others:
        if time.thread_time() > end:
            return choice
        verdict = still_fits(candidate, choice.subject, value, trial, noise)
        if verdict is None:
            return choice  # a choice that cannot be changed alone: the pairs say nothing of it
        alike += [value] if verdict else []
    if alike:
        note = f"{choice.evidence}; the known outputs are the same with {', '.join(alike)}"
        return replace(choice, evidence=note)
    refuted = f"the known outputs are reproduced, and with {', '.join(others)} they are not"
    return replace(choice, label="proved", evidence=refuted)


def still_fits(
    candidate: Candidate, subject: str, value: str, trial: Trial, noise: Sequence[float] | None
) -> bool | None:
    """Whether the pairs are reproduced with another value; None if the value cannot be put there."""
    try:
        other: Blueprint = with_answer(candidate.blueprint, subject, value)
    except RegraftError:
        return None
    return judged(other, candidate, trial, noise).order is not None


__all__ = ["Effort", "close", "order_of", "proved", "with_inputs"]
