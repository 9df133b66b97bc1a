"""Questions that the file leaves: their options with costs, and the best combinations of answers."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import exp

from regraft.blueprint import Label, Setting


@dataclass(frozen=True)
class Option:
    """
    One answer.

    Attributes:
        cost: Minus the logarithm of its probability, in nats, up to a constant of the question: 2.3 more is ten times
            less likely.
        edits: The settings it sets: ``{("conv2d_3", "padding"): "same"}``. A setting inside a wrapped layer is
            reached with dots, ``("bidirectional", "layer.return_sequences")``.
        evidence: Why it has that cost, in words, with figures where there are any.
    """

    cost: float
    edits: Mapping[tuple[str, str], Setting] = field(default_factory=dict)
    evidence: str = ""


@dataclass(frozen=True)
class Question:
    """
    Something open, answered independently of all other questions; what hangs together is one question.

    Attributes:
        options: Best first.
        label: How sure the best option is.
    """

    options: tuple[Option, ...]
    label: Label


def sorted_question(options: Sequence[Option], label: Label) -> Question:
    """A question whose options stand best first; equal costs keep their order."""
    return Question(tuple(sorted(options, key=lambda o: o.cost)), label)


def share(question: Question) -> float:
    """The probability of the best option among all, if the costs are right."""
    best = question.options[0].cost
    return 1.0 / sum(exp(best - option.cost) for option in question.options)


def combinations(questions: Sequence[Question]) -> Iterator[tuple[float, tuple[int, ...]]]:
    """
    Every combination of answers, cheapest first, lazily.

    Yields:
        The total cost above the best combination, and the place of each question's option.
    """
    first: tuple[int, ...] = (0,) * len(questions)
    number = count()
    heap: list[tuple[float, int, tuple[int, ...], int]] = [(0.0, next(number), first, 0)]
    while heap:
        cost, _, places, start = heapq.heappop(heap)
        yield cost, places
        # Each combination is reached once: only questions from the last one that was moved on may move.
        for i in range(start, len(questions)):
            options, place = questions[i].options, places[i]
            if place + 1 < len(options):
                step = options[place + 1].cost - options[place].cost
                moved = (*places[:i], place + 1, *places[i + 1 :])
                heapq.heappush(heap, (cost + step, next(number), moved, i))
