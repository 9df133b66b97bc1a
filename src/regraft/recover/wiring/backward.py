"""
Graphs for a list of all layers in the order of ``model.layers``, found from the outputs back to the inputs.

Keras lists layers by depth, and layers of equal depth as a walk from the outputs meets them (see ``order``). Going
backwards, all consumers of a layer are placed before it is, so its depth and its place in the walk are known at once:
a hypothesis that the order of the file refutes dies at that layer. What is left is decided by channels, by the numbers
in names, and by convention (``prior``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from math import inf

from regraft.recover.wiring import prior
from regraft.recover.wiring.choosing import channels_of, fits, subsets
from regraft.recover.wiring.facts import MERGES, Fact
from regraft.recover.wiring.joining import LEAVING, joined, slot_of
from regraft.recover.wiring.prior import Limits
from regraft.recover.wiring.slots import Edges, Key, State


def search(facts: Sequence[Fact], limits: Limits) -> tuple[list[State], bool]:
    """
    The cheapest graphs, best first, and whether none was dropped for want of room.

    Args:
        facts: All layers, in the order of the file.
        limits: How far to go.
    """
    states = [State()]
    exhaustive = True
    last_of = sources(facts)
    for node in range(len(facts) - 1, -1, -1):
        options = interpretations(facts[node])
        found: list[State] = []
        bound = inf
        for state in states:
            for fact, cost in options:
                for after in placed(state, node, fact, cost, bound, limits):
                    if node in last_of:
                        after = starved(after, node, last_of[node])  # noqa: PLW2901
                    bound = min(bound, expected(after) + limits.reach)
                    found.append(after)
        found.sort(key=expected)
        if not found:
            return [], exhaustive
        states = selected(found, limits)
        exhaustive = exhaustive and len(states) == len(found)
    return sorted(ended(states), key=lambda s: s.cost), exhaustive


def expected(state: State) -> float:
    """The cost with what is sure to come: all that wants a tensor, but for one, will have to share one with others."""
    due = 0.0
    for slot in state.slots:
        if slot.role == "unary":
            due += prior.DUE
        elif not slot.satisfied:
            due += prior.DUE * max(2 - slot.taken, 1)
            due += prior.DUE_SKIP if slot.taken == 1 and slot.depth < state.depth - 2 else 0.0
    return state.cost + due


def selected(states: Sequence[State], limits: Limits) -> list[State]:
    """
    The cheapest hypotheses, of which only a few may differ in nothing that matters from here on.

    Args:
        states: Cheapest first.
        limits: How many are kept.
    """
    kept: list[State] = []
    alike: dict[Hashable, int] = {}
    for state in states:
        if expected(state) > expected(states[0]) + limits.reach or len(alike) > limits.width:
            break
        future = signature(state)
        count = alike.get(future, 0)
        if count < limits.alike:
            alike[future] = count + 1
            kept.append(state)
    return kept


def signature(state: State) -> Hashable:
    """What of a hypothesis decides how it can go on; the keys matter only by their order."""
    order = sorted({slot.key for slot in state.slots} | {state.key})
    places = {key: i for i, key in enumerate(order)}
    slots = tuple(
        (
            s.node,
            s.type,
            s.channels,
            s.rank,
            s.rows,
            s.taken,
            s.filled,
            s.pending,
            s.forked,
            s.linear,
            s.reach,
            s.path,
            places[s.key],
        )
        for s in state.slots
        if s.role == "concat" or not s.satisfied
    )
    return state.depth, places[state.key], state.outputs if not state.depth else 0, slots


def sources(facts: Sequence[Fact]) -> dict[int, int]:
    """
    For the first layers of the file that make tensors of some number of channels, that number.

    In front of it no tensor has as many, up to where layers may make any number: joins, reshapes, nested models.
    """
    first: dict[int, int] = {}
    for node, fact in enumerate(facts):
        if fact.role in ("concat", "dot") or (fact.role == "unary" and not fact.keeps and not fact.cout):
            break
        if fact.cout:
            first.setdefault(fact.cout, node)
    return {node: channels for channels, node in first.items()}


def starved(state: State, node: int, channels: int) -> State:
    """The hypothesis, dearer by the places that want a tensor which no layer in front makes."""
    hungry = sum(slot.missing == channels and not slot.satisfied and slot.node != node for slot in state.slots)
    return replace(state, cost=state.cost + prior.NO_SOURCE * hungry) if hungry else state


def interpretations(fact: Fact) -> list[tuple[Fact, float]]:
    """What a layer may be: itself, or for one without a type each of its guesses."""
    if fact.type or fact.weighted:
        return [(fact, 0.0)]
    guesses = fact.guesses or ("Activation", "Add", "Concatenate", "Multiply")
    return [(guessed(fact, name), prior.GUESS * (i + 1)) for i, name in enumerate(guesses)]


def guessed(fact: Fact, name: str) -> Fact:
    """A layer without variables as one of that type."""
    role = MERGES.get(name, "unary")
    rows = name == "Flatten"
    keeps = role == "unary" and not rows and name not in ("Reshape", "Permute", "Lambda")
    return Fact(fact.name, name, role, keeps=keeps, rows=rows, keeps_rank=keeps, counter=fact.counter)


def ended(states: Sequence[State]) -> Iterator[State]:
    """Hypotheses in which every layer has its inputs; what is left is an entry that the list does not hold."""
    for state in states:
        left = [slot for slot in state.slots if not slot.satisfied]
        whole = [s for s in left if s.role == "concat" and s.taken >= 2 and s.pending]
        if all(slot in whole for slot in left):
            yield state


def placed(state: State, node: int, fact: Fact, cost: float, bound: float, limits: Limits) -> Iterator[State]:
    """All ways to place one more layer in front of a hypothesis that end below a bound."""
    if state.depth == 0 and len(state.slots) <= state.outputs == placed_count(state) and state.outputs < limits.outputs:
        yield output(state, node, fact, cost)
    fitting = [slot for slot in state.slots if fits(fact, slot)]
    deep = state.depth - 1
    if not any(slot.depth >= deep for slot in fitting):
        return
    count = 0
    for chosen, price in subsets(fact, node, fitting, limits, bound - state.cost - cost, state.depth):
        if not any(slot.depth >= deep for slot in chosen):
            continue
        for after in joined(state, node, fact, chosen, cost + price):
            count += 1
            yield after
        if count >= limits.subsets:
            return


def placed_count(state: State) -> int:
    """Layers placed so far, counted only as far as outputs go."""
    count, edges = 0, state.edges
    while edges is not None and count <= state.outputs:
        count, edges = count + 1, edges.before
    return count


def output(state: State, node: int, fact: Fact, cost: float) -> State:
    """A layer whose tensor leaves the model."""
    price = (0.0, prior.SECOND_OUTPUT, prior.FURTHER_OUTPUT)[min(state.outputs, 2)] + cost
    key: Key = (-state.outputs,)
    slot = slot_of(node, fact, channels_of(fact) or -(node + 1) - LEAVING, 0, 0, 0, key, ())
    slots = state.slots if fact.role == "input" else (*state.slots, slot)
    edges = Edges(node, fact.type, fact.role, (), 0, price, state.edges)
    return State(slots, 0, key, state.outputs + 1, state.cost + price, state.forks, edges)
