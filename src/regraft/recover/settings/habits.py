"""
One question for all hidden activations that share a habit.

The layers of a network mostly have the same function: that is the habit, one for convolutions, one for dense layers, often
the same. Options are habits, and habits with layers that differ, cheapest first. Places of the same kind differ together.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from math import log

from regraft.blueprint import Setting
from regraft.recover.question import Option, Question, combinations, sorted_question
from regraft.recover.settings import conventions
from regraft.recover.settings.evidence import Answer, Evidence
from regraft.recover.settings.functions import LEAKY
from regraft.recover.settings.slots import Family, Slot

#: Options a question may have, and how much dearer than the best one the last may be, in nats.
MOST_OPTIONS, DEAREST = 96, 14.0
#: In how many places single layers are tried apart from those of their kind.
MOST_SINGLE = 40
#: The first so many functions may be the habit of one family while another one is that of the other.
MIXED = 6
LEAKY_INLINE = 2.5


Write = Callable[[Slot, Answer], Mapping[tuple[str, str], Setting]]
Reason = Callable[[Slot, Answer], str]


@dataclass(frozen=True)
class Habit:
    """What a network does by habit: one function for each family, in front of normalisations or behind."""

    conv: str
    dense: str
    in_front: bool
    cost: float

    def answer(self, slot: Slot) -> Answer:
        """What the habit says for a slot."""
        function = self.conv if slot.family == "conv" else self.dense
        return Answer(function, self.in_front and bool(slot.partner) and function != "linear")


@dataclass(frozen=True)
class Place:
    """Slots of one kind with what the values say about each: they get one answer."""

    slots: tuple[Slot, ...]
    evidence: tuple[Evidence, ...]
    told: dict[Answer, float] = field(default_factory=dict, compare=False)
    ranks: dict[Answer, tuple[Question, list[Answer]]] = field(default_factory=dict, compare=False)

    def cost(self, answer: Answer, habit: Habit) -> float:
        """Nats of one answer for all of them: the deviation counts once, the evidence of each counts."""
        if answer not in self.told:
            self.told[answer] = sum(e.cost(answer) for e in self.evidence)
        return prior(self.slots[0], answer, habit) + self.told[answer]

    def ranked(self, habit: Habit, functions: Sequence[str]) -> tuple[Question, list[Answer]]:
        """Its answers, cheapest first, and their costs as a question; equal for habits that say the same here."""
        own = habit.answer(self.slots[0])
        if own not in self.ranks:
            costs = sorted((self.cost(a, habit), a) for a in answers_for(self.slots[0], functions))
            options = tuple(Option(cost) for cost, _ in costs)
            self.ranks[own] = Question(options, "assumed"), [answer for _, answer in costs]
        return self.ranks[own]


def habits(
    kind: str, slots: Sequence[Slot], functions: Sequence[str], special: Mapping[str, float] | None = None
) -> list[Habit]:
    """
    All habits of a network with these slots, with their prior costs.

    Args:
        kind: What the network is made of.
        slots: Its hidden activations.
        functions: Short names of what they may be.
        special: Shares of functions in networks of a special kind, instead of the usual ones.
    """
    families: set[Family] = {slot.family for slot in slots}
    pairs = any(slot.partner for slot in slots)
    put_in = any(slot.inserted for slot in slots)
    table = conventions.HABITS[kind]
    dense = conventions.HABITS["dense" if kind == "conv" else kind]
    found: list[Habit] = []
    for a, b in product(functions, repeat=2):
        if a != b and (len(families) < 2 or not {a, b} <= set(functions[:MIXED])):
            continue
        cost = (table if "conv" in families else dense).cost(a)
        if special:
            rest = -log(max(1 - sum(special.values()), 0.02))
            cost = -log(special[a]) if a in special else cost + rest
        if len(families) == 2:
            same = conventions.SAME_IN_BOTH
            cost += -log(same) if a == b else -log(1 - same) + dense.cost(b)
        if not put_in:
            # A leaky function mostly is a layer of its own, which the file would list.
            cost += sum(LEAKY_INLINE for f in {a, b} if f.startswith(LEAKY))
        found.append(Habit(a, b, False, cost - log(conventions.NORM_FIRST) * pairs))
        if pairs:
            found.append(Habit(a, b, True, cost - log(1 - conventions.NORM_FIRST)))
    return found


def prior(slot: Slot, answer: Answer, habit: Habit) -> float:
    """Nats of an answer for a slot, before its values are looked at."""
    own = habit.answer(slot)
    same = conventions.SAME_AS_HABIT
    rest = 1.0 - slot.linear
    if answer.function == "linear":
        share = max(
            slot.linear, same if own.function == "linear" and slot.linear > conventions.EXPLICIT_LINEAR else 0.0
        )
    elif answer.function == own.function:
        share = rest * same
    else:
        share = rest * max(conventions.DEVIATION.shares.get(answer.function, 0.0), conventions.RARE / 2)
    if answer.in_front != own.in_front and "linear" not in (answer.function, own.function):
        share *= 0.05
    if slot.named:
        share = 0.9 * (answer.function == slot.named) + 0.1 * share
    return -log(max(share, 1e-6))


def answers_for(slot: Slot, functions: Sequence[str]) -> list[Answer]:
    """Every answer a slot may get."""
    found = [Answer(f) for f in functions]
    return found + [Answer(f, True) for f in functions if f != "linear"] if slot.partner else found


def grouped(slots: Sequence[Slot], evidence: Sequence[Evidence]) -> list[Place]:
    """Slots by their kind of place; those whose names state a function stand alone."""
    kinds: dict[object, list[int]] = {}
    for i, slot in enumerate(slots):
        kinds.setdefault((slot.family, slot.alike, slot.linear, slot.named, bool(slot.partner)), []).append(i)
    return [Place(tuple(slots[i] for i in group), tuple(evidence[i] for i in group)) for group in kinds.values()]


def assignments(
    places: Sequence[Place], habit: Habit, functions: Sequence[str]
) -> Iterator[tuple[float, tuple[Answer, ...]]]:
    """Answers for all places under one habit, cheapest first, with what they cost in all."""
    found = [place.ranked(habit, functions) for place in places]
    ranked, answers = [question for question, _ in found], [those for _, those in found]
    base = habit.cost + sum(question.options[0].cost for question in ranked)
    for cost, chosen in combinations(ranked):
        yield base + cost, tuple(answers[i][place] for i, place in enumerate(chosen))


def question(
    slots: Sequence[Slot],
    evidence: Sequence[Evidence],
    candidates: Sequence[Habit],
    functions: Sequence[str],
    write: Write,
    reason: Reason,
) -> Question:
    """
    The question whose options answer all slots at once; its label is left ``assumed``.

    Args:
        slots: At least one.
        evidence: What the values say about each.
        candidates: Habits with their costs.
        functions: Short names of what a slot may have.
        write: The edits that give a slot an answer.
        reason: Why a slot has an answer, in words.
    """
    places = grouped(slots, evidence)
    found: dict[tuple[Answer, ...], float] = {}
    streams = [assignments(places, habit, functions) for habit in candidates]
    best: float | None = None
    for cost, chosen in islice(heapq.merge(*streams, key=lambda item: item[0]), 40 * MOST_OPTIONS):
        best = cost if best is None else best
        if cost > best + DEAREST or len(found) >= MOST_OPTIONS:
            break
        spread = tuple(a for place, a in zip(places, chosen, strict=True) for _ in place.slots)
        found.setdefault(spread, cost)
    for spread, cost in singles(places, next(iter(found)), candidates, functions):
        if found.get(spread, cost + 1) > cost:
            found[spread] = cost
    every = [slot for place in places for slot in place.slots]
    known: dict[tuple[str, Answer], str] = {}

    def once(slot: Slot, answer: Answer) -> str:
        if (slot.layer, answer) not in known:
            known[slot.layer, answer] = reason(slot, answer)
        return known[slot.layer, answer]

    options = [
        Option(
            cost,
            {k: v for s, a in zip(every, spread, strict=True) for k, v in write(s, a).items()},
            reasons(every, spread, once),
        )
        for spread, cost in found.items()
    ]
    return sorted_question(options, "assumed")


def uniform(places: Sequence[Place], candidates: Sequence[Habit]) -> Iterator[tuple[tuple[Answer, ...], float]]:
    """For every habit of one function its answer in all places, with what it costs."""
    for habit in candidates:
        if habit.conv == habit.dense:
            answers = [habit.answer(place.slots[0]) for place in places]
            cost = habit.cost + sum(place.cost(answer, habit) for place, answer in zip(places, answers, strict=True))
            yield tuple(a for place, a in zip(places, answers, strict=True) for _ in place.slots), cost


def singles(
    places: Sequence[Place], best: tuple[Answer, ...], candidates: Sequence[Habit], functions: Sequence[str]
) -> Iterator[tuple[tuple[Answer, ...], float]]:
    """The best answers with one layer changed that has others of its kind beside it."""
    if len(best) > MOST_SINGLE:
        return
    every = [(s, e) for place in places for s, e in zip(place.slots, place.evidence, strict=True)]
    crowded = {s.layer for place in places if len(place.slots) > 1 for s in place.slots}

    def total(spread: Sequence[Answer], habit: Habit) -> float:
        return habit.cost + sum(prior(s, a, habit) + e.cost(a) for (s, e), a in zip(every, spread, strict=True))

    def shared(habit: Habit) -> float:
        """What ``total`` counts too often for places that deviate together."""
        over, at = 0.0, 0
        for place in places:
            over += (len(place.slots) - 1) * prior(place.slots[0], best[at], habit)
            at += len(place.slots)
        return over

    habit = min(candidates, key=lambda h: total(best, h) - shared(h))
    base = total(best, habit) - shared(habit)
    for i, (slot, e) in enumerate(every):
        if slot.layer not in crowded:
            continue
        for answer in answers_for(slot, functions):
            if answer != best[i]:
                step = prior(slot, answer, habit) + e.cost(answer) - e.cost(best[i])
                yield (*best[:i], answer, *best[i + 1 :]), base + step


def reasons(slots: Sequence[Slot], answers: Sequence[Answer], reason: Reason) -> str:
    """The reasons of an option in words, each once, the commonest first."""
    counts: dict[str, int] = {}
    for slot, answer in zip(slots, answers, strict=True):
        text = f"{answer.function}: {reason(slot, answer)}"
        counts[text] = counts.get(text, 0) + 1
    texts = sorted(counts, key=lambda text: -counts[text])
    more = f"; {len(texts) - 3} more reasons" if len(texts) > 3 else ""
    return "; ".join(texts[:3]) + more
