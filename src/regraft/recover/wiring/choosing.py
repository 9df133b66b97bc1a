"""Which of the layers that want a tensor take that of one more layer: what facts allow, and what it costs."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from math import log

from regraft.recover.wiring import prior
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.habits import (
    Meetings,
    Way,
    fork_cost,
    kind,
    mismatched,
    pair_cost,
    set_cost,
    successor,
    ways_of,
)
from regraft.recover.wiring.prior import Limits
from regraft.recover.wiring.slots import Slot


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
    if slot.role == "states" and fact.type == slot.type and not stated(fact, slot):
        return False
    return slot.role != "dot" or slot.taken < 2


def stated(fact: Fact, slot: Slot) -> bool:
    """Whether a recurrent layer gives another all initial states at once: its own last ones."""
    return slot.role == "states" and not slot.taken and fact.type == slot.type and fact.states == slot.wants


def subsets(
    fact: Fact, node: int, slots: Sequence[Slot], limits: Limits, bound: float, depth: int
) -> Iterator[tuple[list[Slot], float]]:
    """Sets of consumers with their prices, cheapest first as far as each slot alone has a price."""
    own = channels_of(fact)
    if own:
        return sets_of(fact, node, own, slots, limits, bound, depth)
    values = {0} | {s.channels for s in slots if s.role != "concat" and s.channels > 0}
    if len(values) == 1:
        return sets_of(fact, node, 0, slots, limits, bound, depth)
    groups = (sets_of(fact, node, value, slots, limits, bound, depth) for value in sorted(values))
    return heapq.merge(*groups, key=lambda pair: pair[1])


def sets_of(
    fact: Fact, node: int, value: int, slots: Sequence[Slot], limits: Limits, bound: float, depth: int
) -> Iterator[tuple[list[Slot], float]]:
    """Sets of consumers of a tensor with that many channels, or of one whose channels no consumer tells if 0."""
    own = channels_of(fact)
    members = [s for s in slots if s.role == "concat" or s.channels < 0 or s.channels == value or own == 1]
    wanted = successor(fact, members)
    prices = [price_of(fact, node, slot, value, wanted, depth) for slot in members]
    base = [take <= leave for take, leave in prices]
    flips = sorted(range(len(members)), key=lambda i: abs(prices[i][0] - prices[i][1]))
    steps = [abs(prices[i][0] - prices[i][1]) for i in flips]
    # Nobody expects a tensor in the middle of a block or at its beginning elsewhere, so it costs nothing that others let it pass.
    unexpected = fork_cost(fact, slots) >= prior.BEHIND_PREACTIVATION or (
        fact.begins and kind(fact.type) == "activation"
    )
    start = sum(min(pair) for pair in prices) + prior.PASSED_UNSURE * (len(slots) - len(members))
    bound = min(bound, start + limits.reach)
    heap: list[tuple[float, tuple[int, ...]]] = [(start, ())]
    known: Meetings = {}
    for _ in range(limits.subsets * 4):
        if not heap:
            return
        price, flipped = heapq.heappop(heap)
        if price > bound:
            return
        changed = {flips[j] for j in flipped}
        chosen = [slot for i, slot in enumerate(members) if base[i] != (i in changed)]
        passed = 0.0
        if chosen:
            ways: set[Way] | None = None
            for i, slot in enumerate(members):
                if not prices[i][1] or base[i] != (i in changed):
                    continue
                if not unexpected and slot.role != "unary":
                    ways = ways_of(chosen) if ways is None else ways
                if unexpected or (ways is not None and slot.role != "unary" and mismatched(slot, ways)):
                    passed += prices[i][1]
        if chosen and (own or not value or any(s.channels == value and s.role != "concat" for s in chosen)):
            total = price + set_cost(fact, chosen, known) - passed
            if total <= bound:
                yield chosen, total
        for i in range(flipped[-1] + 1 if flipped else 0, len(flips)):
            heapq.heappush(heap, (price + steps[i], (*flipped, i)))


def price_of(fact: Fact, node: int, slot: Slot, value: int, wanted: str, depth: int) -> tuple[float, float]:
    """
    What it costs that a slot takes a tensor with that many channels, and that it does not.

    ``wanted`` is the kind of layer that should follow: one of these takes the tensor, and nobody else expects it.
    ``depth`` is that of the layer placed last.
    """
    first = slot.role == "unary" or not slot.taken
    odd = pair_cost(fact, node, slot)
    if wanted:
        if kind(slot.type) == wanted:
            return odd + prior.TAKEN, 0.0
        odd += prior.INACTIVE if wanted != "normalisation" else 0.0 if slot.normed else prior.BARE
    take = odd + (prior.TAKEN if first else prior.JOINED)
    if slot.satisfied:
        return take + (prior.LATE_JOINED if slot.role == "concat" else prior.THIRD_TERM), 0.0
    if slot.role == "concat" and slot.taken >= 2:
        # Branches end right before their join in the order of the file; what comes later is a skip.
        take += prior.LATE_JOINED if slot.depth < depth - 1 else prior.THIRD_JOINED
    left = slot.channels - slot.filled if slot.role == "concat" and slot.channels > 0 else slot.channels
    if value > 0 and left == value and not slot.pending:
        leave = prior.PASSED if first else prior.SKIPPED_BY_SUM if slot.role == "sum" else prior.SKIPPED
        # As likely to be n tensors away as in the n before: what one more costs falls.
        return take, leave * log((slot.passed + 2) / (slot.passed + 1)) if odd < prior.PASSED else 0.0
    return take + prior.UNSURE, prior.PASSED_UNSURE
