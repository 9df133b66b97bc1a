"""Questions that the file leaves: their options with costs, and the best combinations of answers."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import exp, log

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


def times(cost: float) -> str:
    """
    A difference in nats as how many times less likely, for people.

    >>> times(2.3), times(0.5), times(20)
    ('10 times', '1.6 times', 'over 1,000 times')
    """
    if cost > log(1000):
        return "over 1,000 times"
    factor = exp(max(0.0, cost))
    return f"{factor:.0f} times" if factor >= 9.5 else f"{factor:.1f} times"


def combinations(questions: Sequence[Question]) -> Iterator[tuple[float, tuple[int, ...]]]:
    """
    Every combination of answers, cheapest first, lazily.

    Yields:
        The total cost above the best combination, and the place of each question's option.
    """
    number = count()
    # Only places other than 0 are kept: with a question for each of 2,000 layers all places would fill the memory.
    heap: list[tuple[float, int, tuple[tuple[int, int], ...]]] = [(0.0, next(number), ())]
    while heap:
        cost, _, moved = heapq.heappop(heap)
        places = [0] * len(questions)
        for i, place in moved:
            places[i] = place
        yield cost, tuple(places)
        # Each combination is reached once: only questions from the last one that was moved on may move.
        for i in range(moved[-1][0] if moved else 0, len(questions)):
            options, place = questions[i].options, places[i]
            if place + 1 < len(options):
                step = options[place + 1].cost - options[place].cost
                further = (*(moved[:-1] if place else moved), (i, place + 1))
                heapq.heappush(heap, (cost + step, next(number), further))
