"""
Graphs for a list of all layers in the order of ``model.layers``, found from the outputs back to the inputs.

Keras lists layers by depth, and layers of equal depth as a walk from the outputs meets them (see ``order``). Going
backwards, all consumers of a layer are placed before it is, so its depth and its place in the walk are known at once:
a hypothesis that the order of the file refutes dies at that layer. What is left is decided by channels, by the numbers
in names, and by convention (``prior``).
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from math import inf

from regraft.recover.wiring import prior
from regraft.recover.wiring.facts import MERGES, Fact
from regraft.recover.wiring.habits import fork_cost, fork_shape, forks, kind, linear_ends, pair_cost, path_hash, reached, set_cost, successor
from regraft.recover.wiring.prior import Limits
from regraft.recover.wiring.slots import Edges, Key, Slot, State, substituted

#: A sum may get further terms while the search is this many layers deep or less behind it.
OPEN_FOR = 12
#: Variables for what leaves a layer lie this far below those for what enters it.
LEAVING = 1 << 24


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
                    bound = min(bound, after.cost + limits.reach)
                    found.append(after)
        found.sort(key=lambda s: s.cost)
        if not found:
            return [], exhaustive
        states = selected(found, limits)
        exhaustive = exhaustive and len(states) == len(found)
    return sorted(ended(states), key=lambda s: s.cost), exhaustive


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
        if state.cost > states[0].cost + limits.reach or len(alike) > limits.width:
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
        (s.node, s.type, s.channels, s.rank, s.rows, s.taken, s.filled, s.pending, s.forked, s.linear, s.path, places[s.key])
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
    hungry = sum(
        slot.channels == channels and slot.role != "concat" and not slot.satisfied and slot.node != node
        for slot in state.slots
    )
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
    for chosen, price in subsets(fact, node, fitting, limits, bound - state.cost - cost):
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


def channels_of(fact: Fact) -> int:
    """Channels that leave a layer by its own variables; 0 if they do not tell."""
    return fact.cout or (fact.cin if fact.keeps else 0) or 0


def ranks_of(fact: Fact) -> tuple[int, ...]:
    """Ranks that may leave a layer; none if anything may."""
    if fact.rank_out:
        return (fact.rank_out,)
    if fact.rank_in and fact.keeps_rank:
        return (fact.rank_in,)
    if fact.rank_in and fact.type and not fact.keeps_rank and (fact.keeps or fact.cout):
        return (2, fact.rank_in)  # global pooling with or without its axes, the last step or the sequence
    return ()


def fits(fact: Fact, slot: Slot) -> bool:
    """Whether the output of a layer may enter a slot, as far as the two alone can tell."""
    own = channels_of(fact)
    if own:
        if slot.role == "concat":
            if slot.channels > 0 and slot.filled + len(slot.pending) + own > slot.channels:
                return False
        elif slot.channels > 0 and slot.channels != own and not (slot.role == "product" and own == 1):
            return False
        if slot.rows and slot.rows % own:
            return False
    if slot.rank and slot.role != "product":
        ranks = ranks_of(fact)
        if ranks and slot.rank not in ranks:
            return False
    return slot.role != "dot" or slot.taken < 2


def subsets(fact: Fact, node: int, slots: Sequence[Slot], limits: Limits, bound: float) -> Iterator[tuple[list[Slot], float]]:
    """Sets of consumers with their prices, cheapest first as far as each slot alone has a price."""
    own = channels_of(fact)
    if own:
        return sets_of(fact, node, own, slots, limits, bound)
    values = {0} | {s.channels for s in slots if s.role != "concat" and s.channels > 0}
    if len(values) == 1:
        return sets_of(fact, node, 0, slots, limits, bound)
    groups = (sets_of(fact, node, value, slots, limits, bound) for value in sorted(values))
    return heapq.merge(*groups, key=lambda pair: pair[1])


def sets_of(
    fact: Fact, node: int, value: int, slots: Sequence[Slot], limits: Limits, bound: float
) -> Iterator[tuple[list[Slot], float]]:
    """Sets of consumers of a tensor with that many channels, or of one whose channels no consumer tells if 0."""
    own = channels_of(fact)
    members = [s for s in slots if s.role == "concat" or s.channels < 0 or s.channels == value or own == 1]
    wanted = successor(fact, members)
    prices = [price_of(fact, node, slot, value, wanted) for slot in members]
    base = [take <= leave for take, leave in prices]
    flips = sorted(range(len(members)), key=lambda i: abs(prices[i][0] - prices[i][1]))
    steps = [abs(prices[i][0] - prices[i][1]) for i in flips]
    # Nobody expects a tensor in the middle of a block elsewhere, so it costs nothing that others let it pass.
    unexpected = fork_cost(fact, slots) >= prior.BEHIND_PREACTIVATION
    start = sum(min(pair) for pair in prices) + prior.PASSED_UNSURE * (len(slots) - len(members))
    bound = min(bound, start + limits.reach)
    heap: list[tuple[float, tuple[int, ...]]] = [(start, ())]
    for _ in range(limits.subsets * 4):
        if not heap:
            return
        price, flipped = heapq.heappop(heap)
        if price > bound:
            return
        chosen, passed = [], 0.0
        for i, slot in enumerate(members):
            if base[i] != (i in {flips[j] for j in flipped}):
                chosen.append(slot)
            else:
                passed += prices[i][1]
        if chosen and (own or not value or any(s.channels == value and s.role != "concat" for s in chosen)):
            total = price + set_cost(fact, chosen) - (passed if unexpected else 0.0)
            if total <= bound:
                yield chosen, total
        for i in range(flipped[-1] + 1 if flipped else 0, len(flips)):
            heapq.heappush(heap, (price + steps[i], (*flipped, i)))


def price_of(fact: Fact, node: int, slot: Slot, value: int, wanted: str) -> tuple[float, float]:
    """
    What it costs that a slot takes a tensor with that many channels, and that it does not.

    ``wanted`` is the kind of layer that should follow: one of these takes the tensor, and nobody else expects it.
    """
    first = slot.role == "unary" or not slot.taken
    odd = pair_cost(fact, node, slot)
    if wanted:
        if kind(slot.type) == wanted:
            return odd + prior.TAKEN, 0.0
        odd += prior.BARE if wanted == "normalisation" else prior.INACTIVE
    take = odd + (prior.TAKEN if first else prior.JOINED)
    if slot.satisfied:
        return take + (prior.THIRD_JOINED if slot.role == "concat" else prior.THIRD_TERM), 0.0
    left = slot.channels - slot.filled if slot.role == "concat" and slot.channels > 0 else slot.channels
    if value > 0 and left == value and not slot.pending:
        leave = prior.PASSED if first else prior.SKIPPED_BY_SUM if slot.role == "sum" else prior.SKIPPED
        return take, leave if odd < prior.PASSED else 0.0
    return take + prior.UNSURE, prior.PASSED_UNSURE


def joined(state: State, node: int, fact: Fact, chosen: Sequence[Slot], price: float) -> Iterator[State]:
    """A hypothesis with one more layer and its consumers, if facts and order allow; one for each order of inputs."""
    depth = 1 + max(slot.depth for slot in chosen)
    if depth not in (state.depth, state.depth + 1):
        return
    settled = unified(state, node, fact, chosen)
    if settled is None:
        return
    slots, channels, rank, extra = settled
    far = any(s.role != "unary" and s.taken and s.near != depth for s in chosen)
    both = far and any(s.role == "unary" or not s.taken for s in state.slots if s not in chosen)
    for last in (False, True) if both else (False,):
        after, consumers, keys = connected(slots, chosen, depth, last=last)
        key = min(keys)
        if depth == state.depth and key >= state.key:
            continue
        made = merged_counts(fact, chosen)
        rows = max((s.rows for s in chosen if s.role != "concat"), default=0) if fact.keeps or fact.role == "sum" else 0
        if fact.rows:
            rows = channels if channels > 0 else rows
        if fact.role != "input":
            new = slot_of(node, fact, channels, rank, rows, depth, key, chosen)._replace(made=made, path=path_hash(fact, chosen, consumers[0][1]))
            after = [*after, new]
        shape = fork_shape(chosen)
        total = price + extra + (prior.NEW_FORK if shape and shape not in state.forks else 0.0)
        seen = state.forks | {shape} if shape and shape not in state.forks else state.forks
        edges = Edges(node, fact.type, fact.role, tuple(consumers), rank, total, state.edges)
        yield State(tuple(after), depth, key, state.outputs, state.cost + total, seen, edges)


def unified(
    state: State, node: int, fact: Fact, chosen: Sequence[Slot]
) -> tuple[list[Slot], int, int, float] | None:
    """
    One tensor for all chosen consumers: the slots with what that tells, its channels, its rank, and a cost.

    None if the consumers contradict each other.
    """
    found: dict[int, int] = {}
    channels = channels_of(fact) or -(node + 1) - LEAVING
    extra = 0.0
    for slot in chosen:
        if slot.role == "concat":
            continue
        wanted = slot.channels
        if slot.type == "Reshape" and slot.filled and fact.type.startswith("Global"):
            wanted = slot.filled  # one number a channel, given back its axes of length 1
        while wanted < 0 and wanted in found:
            wanted = found[wanted]
        if wanted == channels:
            continue
        if slot.role == "product" and channels == 1:
            extra += prior.BROADCAST
        elif channels < 0:
            found[channels] = wanted
            channels = wanted
        elif wanted < 0:
            found[wanted] = channels
        else:
            return None
    if channels > 0 and any(slot.rows and slot.rows % channels for slot in chosen):
        return None
    ranks = {slot.rank for slot in chosen if slot.rank and slot.role != "product"}
    if len(ranks) > 1:
        return None
    own = ranks_of(fact)
    rank = ranks.pop() if ranks else own[0] if len(own) == 1 else 0
    if rank and own and rank not in own:
        return None
    slots = list(state.slots)
    for i, slot in enumerate(slots):
        if slot in chosen and slot.role == "concat":
            if channels > 0:
                slots[i] = slot._replace(filled=slot.filled + channels)
                if 0 < slot.channels < slot.filled + channels + len(slot.pending):
                    return None
            else:
                slots[i] = slot._replace(pending=(*slot.pending, channels))
        if slot in chosen and slot.role in ("sum", "concat") and not slot.rank and rank:
            slots[i] = slots[i]._replace(rank=rank)
    after = substituted(slots, found)
    return None if after is None else (after, channels, rank, extra)


def connected(
    slots: Sequence[Slot], chosen: Sequence[Slot], depth: int, *, last: bool
) -> tuple[list[Slot], list[tuple[int, int]], list[Key]]:
    """The slots after the chosen ones took the tensor, the edges, and all ways of the walk to the new layer."""
    places = {slot.node for slot in chosen}
    after: list[Slot] = []
    consumers: list[tuple[int, int]] = []
    keys: list[Key] = []
    for slot in slots:
        if slot.node not in places:
            if slot.role == "concat" or not slot.satisfied or depth - slot.depth <= OPEN_FOR:
                after.append(slot)
            continue
        if slot.role == "unary":
            consumers.append((slot.node, 0))
            keys.append(slot.key)
            continue
        if not slot.taken:
            label = 0
        else:
            label = slot.high + 1 if last and slot.near != depth else slot.low - 1
        consumers.append((slot.node, label))
        keys.append((*slot.key, label))
        taken = slot._replace(
            taken=slot.taken + 1, low=min(slot.low, label), high=max(slot.high, label), near=depth
        )
        full = taken.role in ("product", "dot") and taken.taken == 2
        full = full or (taken.role == "concat" and taken.channels > 0 and taken.filled == taken.channels)
        if not full or (taken.taken < 2):
            after.append(taken)
    return after, consumers, keys


def merged_counts(fact: Fact, chosen: Sequence[Slot]) -> dict[str, int]:
    """For every class the smallest creation number behind a layer, its own included."""
    made = dict(chosen[0].made) if chosen else {}
    for slot in chosen[1:]:
        for name, number in slot.made.items():
            made[name] = min(number, made.get(name, number))
    if fact.counter is not None:
        made[fact.type] = min(fact.counter, made.get(fact.type, fact.counter))
    return made


def slot_of(
    node: int, fact: Fact, channels: int, rank: int, rows: int, depth: int, key: Key, chosen: Sequence[Slot]
) -> Slot:
    """What a layer wants, once it is known what its consumers want of it."""
    if fact.role == "unary":
        wanted = channels if fact.keeps else fact.cin or -(node + 1)
        wanted = fact.cin or wanted
        into = fact.rank_in or (rank if fact.keeps_rank else rank - 1 if fact.integers and rank else 0)
    else:
        wanted, into = (-(node + 1) if fact.role == "dot" else channels), (0 if fact.role == "dot" else rank)
    made = {} if fact.counter is None else {fact.type: fact.counter}
    return Slot(
        node,
        fact.role,
        fact.type,
        wanted,
        into,
        rows,
        depth,
        key,
        forked=forks(fact, chosen),
        linear=linear_ends(fact, chosen),
        reach=reached(fact, chosen),
        place=fact.place,
        pointwise=fact.pointwise,
        filled=max(channels, 0) if fact.type == "Reshape" else 0,
        integers=fact.integers,
        made=made,
    )
