"""Whether a module that was filled computes what the file's model does: on the example, beyond it, and on other ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from regraft.errors import RegraftError
from regraft.graft.comparing import TOLERANCE, compare
from regraft.graft.difference import Difference
from regraft.graft.onto import Pair, side
from regraft.graft.stretching import hidden
from regraft.grafting.placing import placed
from regraft.grafting.result import Graft
from regraft.grafting.source import as_taken
from regraft.grafting.trials import BY_MASK, Trial, difference, trials

CONSTANT = "the example is one number throughout, on which nothing shows: random numbers of its shape were taken"
#: Settings whose effect does not depend on the numbers that are tried.
STEADY = frozenset({"epsilon", "momentum"})


def judged(graft: Graft, ours: Sequence[Any]) -> Graft:
    """
    A graft with both modules compared on its example.

    A difference without an effect there is tried with greater numbers at every unit: a limit at 6 does not show in 5. What has
    no effect then either is the same in other words.

    Args:
        graft: The module has its weights.
        ours: The example as the converted model takes it.
    """
    source, grafting = graft.source.twin.model, graft.grafting
    comparison = compare(grafting, source, graft.module, ours, graft.example)
    differences = tuple(d for d in grafting.differences if not (d.moving and comparison.respelled(d.place)))
    notes: tuple[str, ...] = ()
    quiet = [d for d in differences if d.what not in STEADY and comparison.respelled(d.place)]
    if comparison.equal and quiet:
        places = [d.place for d in quiet]
        shown = hidden(grafting, source, graft.module, ours, graft.example, places)
        if shown is not None:
            comparison = replace(comparison, hidden=shown)
            same = [d for d in quiet if d.place not in shown]
            differences = tuple(d for d in differences if d not in same)
            notes = respelled(same)
    notes = (*notes, *exchanged(grafting.pairs))
    grafting = replace(grafting, differences=differences)
    return replace(graft, grafting=grafting, comparison=comparison, notes=(*graft.notes, *notes))


def exchanged(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Layers and modules that bear each other's names: what runs where decides, and a person should know of it."""
    last = [pair.target.rpartition(".")[2] for pair in pairs]
    known = {pair.source for pair in pairs} & {name for name in last if last.count(name) == 1}
    found = [
        f"{pair.source} -> {pair.target}"
        for pair, name in zip(pairs, last, strict=True)
        if pair.source in known and name in known and pair.source != name
    ]
    if not found:
        return ()
    shown = ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")
    return (
        f"names say otherwise: {shown}. The module calls them in another order than the file's model; each has the weights of "
        "its place. If the order in the module is a mistake, mend it and graft again",
    )


def respelled(differences: Sequence[Difference]) -> tuple[str, ...]:
    """What is written in other words with the same result."""
    if not differences:
        return ()
    first, rest = differences[0], len(differences) - 1
    more = f", and {rest} more such places" if rest else ""
    return (
        f"in other words, with the same result whatever numbers were tried: {first.where} ({first.found}; in Keras "
        f"{first.expected}){more}",
    )


def further(graft: Graft) -> Graft:
    """A graft that is equal on its example, tried on others; what differs there is what counts."""
    notes: list[str] = []
    for trial in trials(graft.source, graft.example):
        try:
            ours = as_taken(graft.source, trial.inputs)
            grafting = graft.grafting
            if not trial.masked:
                _, ours, grafting = placed(graft.source, trial.inputs, side(graft.module, trial.inputs))
            again = judged(replace(graft, grafting=grafting, example=trial.inputs, notes=()), ours)
        except (RegraftError, RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
            why = str(error).strip().partition("\n")[0]
            notes.append(f"the module cannot be run {trial.words}, which the file's model takes: {why}")
            continue
        if again.equal or (trial.masked and same_outputs(again)):
            notes.append(f"also equal {trial.words}")
            continue
        said = f"equal on the first example, and not {trial.words}"
        again = replace(again, notes=(*graft.notes, *notes, said))
        return masked(again, trial) if trial.masked else again
    return replace(graft, notes=(*graft.notes, *notes))


def same_outputs(graft: Graft) -> bool:
    """Whether the outputs are equal, wherever a module puts its steps on the way there."""
    found = graft.comparison.outputs if graft.comparison is not None else ()
    return bool(found) and all(error is not None and error <= TOLERANCE for error in found)


def masked(graft: Graft, trial: Trial) -> Graft:
    """A graft that differs with masked steps, with that as a difference of the module."""
    assert graft.comparison is not None

    off = max((error for error in graft.comparison.outputs if error is not None), default=None)
    differences = (*graft.grafting.differences, difference(trial))
    return replace(
        graft,
        grafting=replace(graft.grafting, differences=differences),
        comparison=replace(graft.comparison, hidden={BY_MASK: off}),
    )
