"""One more layer and the layers that take its tensor become a part of a hypothesis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regraft.recover.wiring import prior
from regraft.recover.wiring.choosing import channels_of, ranks_of
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.habits import fork_shape, forks, linear_ends, path_hash, reached
from regraft.recover.wiring.slots import Edges, Key, Slot, State, substituted

#: A sum may get further terms while the search is this many layers deep or less behind it.
OPEN_FOR = 12
#: Variables for what leaves a layer lie this far below those for what enters it.
LEAVING = 1 << 24


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
        after, consumers, keys = connected(slots, chosen, channels, depth, last=last)
        key = min(keys)
        if depth == state.depth and key >= state.key:
            continue
        made = merged_counts(fact, chosen)
        rows = max((s.rows for s in chosen if s.role != "concat"), default=0) if fact.keeps or fact.role == "sum" else 0
        if fact.rows:
            rows = channels if channels > 0 else rows
        if fact.role != "input":
            path = path_hash(fact, chosen, consumers[0][1])
            new = slot_of(node, fact, channels, rank, rows, depth, key, chosen)._replace(made=made, path=path)
            after = [*after, new]
        shape = fork_shape(chosen)
        total = price + extra + (prior.NEW_FORK if shape and shape not in state.forks else 0.0)
        seen = state.forks | {shape} if shape and shape not in state.forks else state.forks
        edges = Edges(node, fact.type, fact.role, tuple(consumers), rank, total, state.edges)
        yield State(tuple(after), depth, key, state.outputs, state.cost + total, seen, edges)


def unified(state: State, node: int, fact: Fact, chosen: Sequence[Slot]) -> tuple[list[Slot], int, int, float] | None:
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
    slots: Sequence[Slot], chosen: Sequence[Slot], channels: int, depth: int, *, last: bool
) -> tuple[list[Slot], list[tuple[int, int]], list[Key]]:
    """The slots after the chosen ones took the tensor, the edges, and all ways of the walk to the new layer."""
    places = {slot.node for slot in chosen}
    after: list[Slot] = []
    consumers: list[tuple[int, int]] = []
    keys: list[Key] = []
    for slot in slots:
        if slot.node not in places:
            if slot.role == "concat" or not slot.satisfied or depth - slot.depth <= OPEN_FOR:
                after.append(slot._replace(passed=slot.passed + 1) if slot.missing == channels > 0 else slot)
            continue
        if slot.role == "unary":
            consumers.append((slot.node, 0))
            keys.append(slot.key)
            continue
        further = slot.high + 1 if last and slot.near != depth else slot.low - 1
        label = further if slot.taken else 0
        consumers.append((slot.node, label))
        keys.append((*slot.key, label))
        taken = slot._replace(taken=slot.taken + 1, low=min(slot.low, label), high=max(slot.high, label), near=depth)
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
