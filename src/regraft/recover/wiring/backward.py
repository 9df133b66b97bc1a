"""
Graphs for a list of all layers in the order of ``model.layers``, found from the outputs back to the inputs.

Keras lists layers by depth, and layers of equal depth as a walk from the outputs meets them (see ``order``). Going
backwards, all consumers of a layer are placed before it is, so its depth and its place in the walk are known at once:
a hypothesis that the order of the file refutes dies at that layer. What is left is decided by channels, by the numbers
in names, and by convention (``prior``).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

from regraft.recover.wiring import prior
from regraft.recover.wiring.facts import MERGES, Fact
from regraft.recover.wiring.habits import fork_cost, forks, identity_cost
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
    for node in range(len(facts) - 1, -1, -1):
        options = interpretations(facts[node])
        found = [after for state in states for fact, cost in options for after in placed(state, node, fact, cost, limits)]
        found.sort(key=lambda s: s.cost)
        if not found:
            return [], exhaustive
        kept = [state for state in found[: limits.width] if state.cost <= found[0].cost + limits.reach]
        exhaustive = exhaustive and len(kept) == len(found)
        states = kept
    return sorted(ended(states), key=lambda s: s.cost), exhaustive


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


def placed(state: State, node: int, fact: Fact, cost: float, limits: Limits) -> Iterator[State]:
    """All ways to place one more layer in front of a hypothesis."""
    if state.depth == 0 and len(state.slots) <= state.outputs == placed_count(state) and state.outputs < limits.outputs:
        yield output(state, node, fact, cost)
    fitting = [slot for slot in state.slots if fits(fact, slot)]
    deep = state.depth - 1
    if not any(slot.depth >= deep for slot in fitting):
        return
    count = 0
    for chosen, price in subsets(fact, fitting, limits.subsets * 4):
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
    return State(slots, 0, key, state.outputs + 1, state.cost + price, edges)


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


def subsets(fact: Fact, slots: Sequence[Slot], limit: int) -> Iterator[tuple[list[Slot], float]]:
    """Sets of consumers, cheapest first, as far as each slot alone has a price."""
    prices: list[tuple[float, float]] = []
    for slot in slots:
        if slot.role == "unary" or not slot.taken:
            prices.append((prior.TAKEN, prior.PASSED))
        elif slot.satisfied:
            prices.append((prior.THIRD_TERM if slot.role != "concat" else prior.THIRD_JOINED, 0.0))
        else:
            prices.append((prior.JOINED, prior.SKIPPED))
    base = [take <= leave for take, leave in prices]
    start = sum(min(pair) for pair in prices)
    flips = sorted(range(len(slots)), key=lambda i: abs(prices[i][0] - prices[i][1]))
    steps = [abs(prices[i][0] - prices[i][1]) for i in flips]
    heap: list[tuple[float, tuple[int, ...]]] = [(start, ())]
    count = 0
    while heap and count < limit:
        price, flipped = heapq.heappop(heap)
        changed = {flips[i] for i in flipped}
        chosen = [slot for i, slot in enumerate(slots) if base[i] != (i in changed)]
        count += 1
        if chosen:
            yield chosen, price + prices_of_set(fact, chosen, slots)
        last = flipped[-1] + 1 if flipped else 0
        for i in range(last, len(flips)):
            heapq.heappush(heap, (price + steps[i], (*flipped, i)))


def prices_of_set(fact: Fact, chosen: Sequence[Slot], slots: Sequence[Slot]) -> float:
    """What a set of consumers costs as a whole."""
    cost = fork_cost(fact, chosen) + identity_cost(fact, chosen)
    if fork_cost(fact, slots) >= prior.BEHIND_PREACTIVATION:
        # Nobody expected this tensor elsewhere, so it costs nothing that others let it pass.
        cost -= sum(
            prior.PASSED if slot.role == "unary" or not slot.taken else prior.SKIPPED
            for slot in slots
            if slot not in chosen and not slot.satisfied
        )
    if fact.counter is not None:
        cost += prior.MADE_BEFORE * any(slot.made.get(fact.type, fact.counter + 1) <= fact.counter for slot in chosen)
    if fact.role != "input":
        cost += prior.COMPUTED_INTEGERS * sum(slot.integers for slot in chosen)
    return cost


def joined(state: State, node: int, fact: Fact, chosen: Sequence[Slot], price: float) -> Iterator[State]:
    """A hypothesis with one more layer and its consumers, if facts and order allow; one for each order of inputs."""
    depth = 1 + max(slot.depth for slot in chosen)
    if depth not in (state.depth, state.depth + 1):
        return
    settled = unified(state, node, fact, chosen)
    if settled is None:
        return
    slots, channels, rank, extra = settled
    far = [s for s in chosen if s.role != "unary" and s.taken and s.near != depth]
    parallel = any(s.role == "unary" or not s.taken for s in state.slots if s not in chosen)
    for last in (False, True) if far and parallel else (False,):
        after, consumers, keys = connected(slots, chosen, depth, last=last)
        key = min(keys)
        if depth == state.depth and key >= state.key:
            continue
        made = merged_counts(fact, chosen)
        rows = max((s.rows for s in chosen if s.role != "concat"), default=0) if fact.keeps or fact.role == "sum" else 0
        if fact.rows:
            rows = channels if channels > 0 else rows
        if fact.role != "input":
            new = slot_of(node, fact, channels, rank, rows, depth, key, chosen)._replace(made=made)
            after = [*after, new]
        total = price + extra
        edges = Edges(node, fact.type, fact.role, tuple(consumers), rank, total, state.edges)
        yield State(tuple(after), depth, key, state.outputs, state.cost + total, edges)


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
        integers=fact.integers,
        made=made,
    )
