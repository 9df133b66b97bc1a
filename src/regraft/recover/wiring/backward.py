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
from regraft.recover.wiring.joining import LEAVING, entering, joined, slot_of
from regraft.recover.wiring.prior import Limits
from regraft.recover.wiring.slots import Edges, Key, State
from regraft.recover.wiring.supply import crowded, demands, sources, starved

#: Open places up to which all hypotheses that ``Limits`` allows are kept.
MANY = 12
#: Hypotheses that may be made in all, and for each layer placed; real networks need 150 a layer. Of what needs more,
#: such as sums without end, each of which may take any tensor, only a few are followed from there on.
MOST_MADE, MADE_PER_LAYER = 60_000, 250
#: How many, and how many sets of consumers each.
FEW, FEW_SUBSETS = 2, 3


def search(facts: Sequence[Fact], limits: Limits) -> tuple[list[State], bool | None]:
    """
    The cheapest graphs, best first, and whether none was dropped for want of room; None if the search was cut short.

    Args:
        facts: All layers, in the order of the file.
        limits: How far to go.
    """
    states = [State()]
    exhaustive = True
    made, wanting = [*sources(facts), None], demands(facts)
    count, cut = 0, False
    for node in range(len(facts) - 1, -1, -1):
        options = interpretations(facts[node])
        found: list[State] = []
        bound = inf
        for state in states:
            for fact, cost in options:
                for after in placed(state, node, fact, cost, bound, limits):
                    if after.depth and wanting[node] and crowded(after, wanting[node]):
                        continue
                    if (here := made[node]) is not None and here != made[node + 1]:
                        after = starved(after, here, made[node + 1])  # noqa: PLW2901
                    bound = min(bound, expected(after) + limits.reach)
                    found.append(after)
        found.sort(key=expected)
        if not found:
            return [], exhaustive
        count += len(found)
        if count > max(MOST_MADE, MADE_PER_LAYER * (len(facts) - node)):
            limits = replace(limits, width=min(FEW, limits.width), alike=1, subsets=min(FEW_SUBSETS, limits.subsets))
            cut = True
        states = selected(found, limits)
        exhaustive = exhaustive and len(states) == len(found)
    return sorted(ended(states), key=lambda s: s.cost), None if cut else exhaustive


def expected(state: State) -> float:
    """The cost with what is sure to come: all that wants a tensor, but for one, will have to share one with others."""
    due = 0.0
    for slot in state.slots:
        if slot.role == "unary":
            due += prior.DUE
        elif slot.role == "states":
            due += prior.DUE_STATE * (slot.wants - slot.taken)
        elif not slot.satisfied:
            due += prior.DUE * max(slot.wants - slot.taken, 1)
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
    # The work for one hypothesis grows with its open places squared: many of them leave room for fewer hypotheses.
    slots = len(states[0].slots) if states else 0
    width = limits.width if slots <= MANY else max(limits.width * MANY * MANY // slots**2, 8)
    dearest = expected(states[0]) + limits.reach if states else 0.0
    for state in states:
        if expected(state) > dearest or len(alike) > width:
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
            s.role,
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


def interpretations(fact: Fact) -> list[tuple[Fact, float]]:
    """What a layer may be: itself, or for one without a type each of its guesses."""
    if fact.type.endswith("Operation") and fact.role in ("sum", "product"):
        # ``x + 3`` is the same operation as ``x + y``, with one tensor.
        return [(fact, 0.0), (replace(fact, role="unary", keeps=True), prior.CONSTANT_TERM)]
    if fact.type == "Dot":
        return [(replace(fact, cout=1), 0.0), (fact, prior.LONG_PRODUCT)]
    if fact.type or fact.weighted:
        return [(fact, 0.0)]
    guesses = fact.guesses or ("Activation", "Add", "Concatenate", "Multiply")
    return [(guessed(fact, name), prior.GUESS * (i + 1)) for i, name in enumerate(guesses)]


def guessed(fact: Fact, name: str) -> Fact:
    """A layer without variables as one of that type."""
    role = "input" if name == "InputLayer" else MERGES.get(name, "unary")
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
    if state.depth == 0 and state.outputs == placed_count(state) and state.outputs < limits.outputs:
        yield from output(state, node, fact, cost)
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


def output(state: State, node: int, fact: Fact, cost: float) -> Iterator[State]:
    """A layer whose tensor leaves the model."""
    price = (0.0, prior.SECOND_OUTPUT, prior.FURTHER_OUTPUT)[min(state.outputs, 2)] + cost
    price += prior.INPUT_LEAVES if fact.role == "input" else 0.0
    # What stands behind and wants just such a tensor would have taken it.
    own = channels_of(fact)
    price += prior.PASSED * sum(own > 0 and slot.role == "unary" and slot.channels == own for slot in state.slots)
    key: Key = (-state.outputs,)
    slot = slot_of(node, fact, own or -(node + 1) - LEAVING, 0, 0, 0, key, ())
    for wanting, extra in entering(slot, fact) if fact.role != "input" else (((), 0.0),):
        edges = Edges(node, fact.type, fact.role, (), 0, price + extra, state.edges)
        yield State((*state.slots, *wanting), 0, key, state.outputs + 1, state.cost + price + extra, state.forks, edges)
