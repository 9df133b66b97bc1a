"""What the layers in front can give to those that want a tensor, and how many of them need somebody to take theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from regraft.recover.wiring import prior
from regraft.recover.wiring.choosing import channels_of
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.slots import State


def sources(facts: Sequence[Fact]) -> list[frozenset[int] | None]:
    """
    For every place in the file the lengths of the tensors that the layers in front of it make.

    None where they may make any: behind inputs of unknown shape, joins, reshapes, nested models.
    """
    found: list[frozenset[int] | None] = []
    made: frozenset[int] | None = frozenset()
    for fact in facts:
        found.append(made)
        if fact.role in ("concat", "dot") or (not fact.cout and not fact.keeps and fact.role in ("input", "unary")):
            made = None
        elif made is not None and fact.cout:
            made = made | {fact.cout}
    return found


def starved(state: State, made: frozenset[int], before: frozenset[int] | None) -> State:
    """The hypothesis, dearer by the places that from here on want a tensor which no layer in front makes."""
    hungry = sum(
        slot.role != "concat" and not slot.satisfied and slot.missing > 0 and slot.missing not in made
        for slot in state.slots
        if before is None or slot.missing in before
    )
    return replace(state, cost=state.cost + prior.NO_SOURCE * hungry) if hungry else state


def demands(facts: Sequence[Fact]) -> list[Mapping[int, int]]:
    """
    For every place in the file how many open places the layers in front of it need, by the length of their tensors.

    Every layer that is no output gives its tensor to somebody. Going back, each takes at least one of the places that
    fit, and opens one itself. Numbers below two say nothing and are left out.
    """
    found: list[Mapping[int, int]] = []
    needed: dict[int, int] = {}
    lengths = {channels_of(fact) for fact in facts} - {0}
    # Branches that meet in a merge may share their layers.
    branches = 2 if any(fact.role not in ("input", "unary") for fact in facts) else 1
    vectors: set[int] = set()
    for fact in facts:
        found.append({length: count for length, count in needed.items() if count > 1})
        own = channels_of(fact)
        if fact.type in ("InputLayer", "Dense"):
            vectors.add(own)
        for length in lengths:
            takes = int(length == own)
            needed[length] = max(
                takes, needed.get(length, 0) + takes - opened(fact, length, branches, length in vectors)
            )
    return found


def opened(fact: Fact, length: int, branches: int, vectors: bool) -> int:
    """How many places for tensors of some length a layer opens at most; initial states if vectors are there to be them."""
    if fact.role == "input":
        return 0
    if fact.role != "unary" or (not fact.type and not fact.weighted):
        return 1 << 16
    own = int(not fact.cin or fact.cin == length)
    return own * branches + (fact.states if vectors and fact.cout == length else 0)


def crowded(state: State, needed: Mapping[int, int]) -> bool:
    """Whether fewer places are open than the layers in front need."""
    if any(slot.role not in ("unary", "states", "calls") for slot in state.slots):
        return False
    for length, count in needed.items():
        fitting = (s for s in state.slots if s.channels == length or s.channels < 0)
        if sum(1 if slot.role == "unary" else slot.wants - slot.taken for slot in fitting) < count:
            return True
    return False
