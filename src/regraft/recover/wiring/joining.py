"""One more layer and the layers that take its tensor become a part of a hypothesis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regraft.recover.wiring import prior
from regraft.recover.wiring.choosing import channels_of, ranks_of, stated
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.habits import fork_shape, forks, kind, linear_ends, path_hash, reached
from regraft.recover.wiring.slots import Edges, Key, Slot, State, Use, substituted

#: A sum may get further terms while the search is this many layers deep or less behind it.
OPEN_FOR = 12
#: Labels of initial states lie this far above those of other inputs.
STATES = 1 << 16
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
    if shared := shareable(fact, chosen):
        extra_shared = extra + (0.0 if chosen[0].role == "calls" else prior.SHARED)
        yield from finished(
            state, node, fact, chosen, (price + extra_shared, channels, rank), whole(slots, chosen[0]), depth, shared
        )
    far = any(s.role != "unary" and s.taken and s.near != depth for s in chosen)
    both = far and any(s.role == "unary" or not s.taken for s in state.slots if s not in chosen)
    for last in (False, True) if both else (False,):
        linked = connected(slots, chosen, fact, channels, depth, last=last)
        yield from finished(state, node, fact, chosen, (price + extra, channels, rank), linked, depth)


def finished(
    state: State,
    node: int,
    fact: Fact,
    chosen: Sequence[Slot],
    told: tuple[float, int, int],
    linked: tuple[list[Slot], list[Use], list[Key]],
    depth: int,
    calls: int = 1,
) -> Iterator[State]:
    """The hypotheses with the new layer's own slots, if the order allows it; ``told`` is a price, channels and a rank."""
    after, consumers, keys = linked
    price, channels, rank = told
    key = min(keys)
    if depth == state.depth and key >= state.key:
        return
    rows = max((s.rows for s in chosen if s.role != "concat"), default=0) if fact.keeps or fact.role == "sum" else 0
    if fact.rows:
        rows = channels if channels > 0 else rows
    shape = fork_shape(chosen)
    total = price + (prior.NEW_FORK if shape and shape not in state.forks else 0.0)
    seen = state.forks | {shape} if shape and shape not in state.forks else state.forks
    if fact.role == "input":
        edges = Edges(node, fact.type, fact.role, tuple(consumers), rank, total, state.edges)
        yield State(tuple(after), depth, key, state.outputs, state.cost + total, seen, edges)
        return
    new = slot_of(node, fact, channels, rank, rows, depth, key, chosen)
    new = new._replace(
        made=merged_counts(fact, chosen),
        path=path_hash(fact, chosen, consumers[0].label),
        normed=fact.role != "unary" and any(kind(slot.type) == "normalisation" for slot in chosen),
    )
    for own, cost in entering(new, fact, calls):
        edges = Edges(node, fact.type, fact.role, tuple(consumers), rank, total + cost, state.edges)
        yield State((*after, *own), depth, key, state.outputs, state.cost + total + cost, seen, edges)


def entering(slot: Slot, fact: Fact, calls: int = 1) -> Iterator[tuple[tuple[Slot, ...], float]]:
    """What a layer wants, in all ways, with what each costs: recurrent layers may be given their initial states."""
    if calls > 1:
        yield (slot._replace(role="calls", wants=calls),), 0.0
        return
    yield (slot,), 0.0
    if fact.states:
        first = slot._replace(key=(*slot.key, 0))
        states = slot._replace(
            role="states", channels=fact.cout or -(slot.node + 1), rank=2, key=(*slot.key, 1), wants=fact.states
        )
        yield (first, states), prior.INITIAL_STATES


def shareable(fact: Fact, chosen: Sequence[Slot]) -> int:
    """
    How often a layer may be called whose only consumer takes what all its calls give; 0 if it is not.

    Two branches with the same layers end in one merge, or in the next layer that both share.
    """
    if len(chosen) != 1 or fact.role != "unary" or chosen[0].taken:
        return 0
    slot = chosen[0]
    if slot.role == "calls":
        return slot.wants
    one = fact.cout and slot.role == "concat" and slot.channels not in (2 * fact.cout,) and slot.channels > 0
    return 2 if fact.weighted and not one and slot.role in ("sum", "product", "concat", "dot") else 0


def whole(slots: Sequence[Slot], slot: Slot) -> tuple[list[Slot], list[Use], list[Key]]:
    """The slots without one that takes all calls of a layer, with the edges and ways to it."""
    uses = [Use(slot.node, i, 0, i) for i in range(slot.wants)]
    keep = [s for s in slots if (s.node, s.role) != (slot.node, slot.role)]
    return keep, uses, [(*slot.key, i) for i in range(slot.wants)]


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
    ranks = {slot.rank for slot in chosen if slot.rank and slot.role != "product" and not stated(fact, slot)}
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
    slots: Sequence[Slot], chosen: Sequence[Slot], fact: Fact, channels: int, depth: int, *, last: bool
) -> tuple[list[Slot], list[Use], list[Key]]:
    """The slots after the chosen ones took the tensor, the edges, and all ways of the walk to the new layer."""
    places = {(slot.node, slot.role) for slot in chosen}
    after: list[Slot] = []
    consumers: list[Use] = []
    keys: list[Key] = []
    for slot in slots:
        if (slot.node, slot.role) not in places:
            if slot.role == "concat" or not slot.satisfied or depth - slot.depth <= OPEN_FOR:
                after.append(slot._replace(passed=slot.passed + 1) if slot.missing == channels > 0 else slot)
            continue
        if slot.role == "unary":
            consumers.append(Use(slot.node, 0))
            keys.append(slot.key)
            continue
        if stated(fact, slot):
            consumers += [Use(slot.node, STATES + i, 1 + i) for i in range(slot.wants)]
            keys.append((*slot.key, 0))
            continue
        further = slot.high + 1 if last and slot.near != depth else slot.low - 1
        label = further if slot.taken else 0
        consumers.append(Use(slot.node, label + STATES if slot.role == "states" else label))
        keys.append((*slot.key, label))
        taken = slot._replace(taken=slot.taken + 1, low=min(slot.low, label), high=max(slot.high, label), near=depth)
        taken = taken._replace(term=slot.term or kind(fact.type) or fact.role)
        full = taken.role in ("product", "dot", "states", "calls") and taken.taken == taken.wants
        full = full or (taken.role == "concat" and taken.channels > 0 and taken.filled == taken.channels)
        if not full or taken.taken < taken.wants:
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
