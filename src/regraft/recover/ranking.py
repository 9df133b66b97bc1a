"""Drafts and their open questions as candidates, likeliest first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import exp

from regraft.blueprint import Blueprint, Choice, Label, Setting
from regraft.blueprint.words import words
from regraft.recover.candidate import Candidate
from regraft.recover.draft import Draft, edited
from regraft.recover.question import Question, combinations
from regraft.recover.refuted import Refuted

#: Of one question: for every setting the values that its options give it, in words, best first.
Values = Mapping[tuple[str, str], Sequence[str]]


def ranked(drafts: Sequence[Draft], refuted: Refuted | None = None) -> Iterator[Candidate]:
    """
    Every combination of a draft and answers to its questions, cheapest first, lazily; none twice.

    Drafts of one file are comparable: their costs count from the same point. What is found to be refuted on the way is
    passed over.
    """
    values: list[list[Values]] = [[values_of(question) for question in draft.questions] for draft in drafts]

    def of(number: int, draft: Draft) -> Iterator[tuple[float, int, tuple[int, ...]]]:
        for cost, places in combinations(draft.questions):
            if refuted is not None and refuted.whole(number):
                return
            if refuted is None or not refuted.passes(number, places):
                yield draft.cost + cost, number, places

    seen: set[int] = set()
    for cost, number, places in heapq.merge(*(of(i, draft) for i, draft in enumerate(drafts))):
        candidate = replace(answered(drafts[number], places, cost, values[number]), draft=number, places=places)
        mark = fingerprint(candidate.blueprint)
        if mark not in seen:
            seen.add(mark)
            yield candidate


def answered(draft: Draft, places: Sequence[int], cost: float, values: Sequence[Values]) -> Candidate:
    """The candidate that takes the option at ``places`` of each question, with the ``values_of`` each."""
    edits: dict[tuple[str, str], Setting] = {}
    choices = {choice.subject: choice for choice in draft.choices}
    for question, place, said in zip(draft.questions, places, values, strict=True):
        edits.update(question.options[place].edits)
        for choice in choices_of(question, place, said):
            # What a stage has said of a value stands; another value needs words of its own.
            if choice.subject not in choices or choices[choice.subject].value != choice.value:
                choices[choice.subject] = choice
    blueprint = replace(edited(draft.blueprint, edits), choices=tuple(choices.values()))
    return Candidate(blueprint, draft.grouping.tree, cost, family=draft.family)


def values_of(question: Question) -> Values:
    """For every setting that some option sets, what the options make of it, in words, each once."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for option in question.options:
        for key, value in option.edits.items():
            found.setdefault(key, {})[words(value)] = None
    return {key: tuple(said) for key, said in found.items()}


def choices_of(question: Question, place: int, values: Values) -> list[Choice]:
    """One choice for every setting that an option sets, with the values of the other options as candidates."""
    option = question.options[place]
    label: Label = question.label if place == 0 else "assumed"
    found: list[Choice] = []
    for key, value in option.edits.items():
        chosen = words(value)
        candidates = tuple(dict.fromkeys([chosen, *values[key]]))
        found.append(Choice(".".join(key), chosen, candidates, label, option.evidence))
    return found


def fingerprint(blueprint: Blueprint) -> int:
    """Equal for blueprints that compute the same by their description."""
    layers = tuple(
        (spec.name, spec.type, repr(sorted(spec.config.items(), key=lambda item: item[0]))) for spec in blueprint.layers
    )
    return hash((layers, repr(blueprint.calls), blueprint.inputs, blueprint.outputs))


def with_shares(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The same candidates, cheapest first, with their probabilities among each other."""
    if not candidates:
        return []
    least = min(candidate.cost for candidate in candidates)
    total = sum(exp(least - candidate.cost) for candidate in candidates)
    found = [replace(c, share=exp(least - c.cost) / total) for c in candidates]
    return sorted(found, key=lambda c: (not c.proof, c.cost))
