"""How likely a tensor is to be used in several places: what the types around it say."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from math import log

from regraft.recover.wiring import prior
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.slots import Slot

ACTIVATIONS = frozenset("Activation ReLU LeakyReLU PReLU ELU Softmax ThresholdedReLU".split())
NORMALISATIONS = frozenset(
    "BatchNormalization LayerNormalization GroupNormalization SyncBatchNormalization RMSNormalization".split()
)
#: A way to a merge: its place in the file, pools on the way less their inverse, and whether strides may hide on it.
Way = tuple[int, int, bool]
#: Merges that are kept in view from one layer.
WAYS = 8
#: What it costs that two consumers of one tensor meet again, by their places and roles.
Meetings = dict[tuple[int, str, int, str], float]
LINEAR = ("Conv", "Dense", "DepthwiseConv", "SeparableConv")


@cache
def kind(type_name: str) -> str:
    """The family of a type, as far as habits differ."""
    if type_name in ACTIVATIONS:
        return "activation"
    if type_name in NORMALISATIONS:
        return "normalisation"
    if type_name.startswith(LINEAR):
        return "linear"
    for word in ("GlobalAveragePooling", "GlobalMaxPooling"):
        if type_name.startswith(word):
            return "GlobalPooling"
    for word in ("Flatten", "Reshape", "Dropout"):
        if word in type_name:
            return word
    if "Padding" in type_name or "Cropping" in type_name:
        return "Padding"
    if "Pooling" in type_name:
        return "Pooling"
    return ""


def fork_cost(fact: Fact, consumers: Sequence[Slot]) -> float:
    """What it costs that one tensor has these consumers."""
    if len(consumers) < 2:
        return 0.0
    own = kind(fact.type)
    after = {kind(slot.type) for slot in consumers}
    merges = [slot for slot in consumers if slot.role in ("sum", "product", "concat", "dot")]
    merged = bool(merges)
    normed = merged and all(slot.normed for slot in merges)
    if fact.role == "input" and 0 < sum(slot.integers for slot in consumers) < len(consumers):
        return prior.SHARED_INTEGERS
    if own == "linear" and after & {"normalisation", "activation"}:
        return prior.RAW_IDENTITY if normed and "normalisation" in after else prior.UNFINISHED
    if own == "normalisation" and "activation" in after:
        return prior.BEFORE_ACTIVATION + (prior.NORMED_IDENTITY if normed else 0.0)
    if own == "linear" and all(slot.role == "sum" for slot in consumers):
        return prior.TWO_SUMS
    if own == "Flatten" and len(merges) == len(consumers):
        return prior.VECTOR_SHARED
    if own == "activation" and normed:
        return prior.NORMED_IDENTITY
    if own == "Pooling" and not normed and any(slot.role == "concat" for slot in merges):
        return prior.POOLED_SKIP
    cost = prior.FORK.get(own, 0.0)
    return cost if merged else min(cost, prior.FORK["Pooling"])


def identity_cost(fact: Fact, consumers: Sequence[Slot]) -> float:
    """
    What it costs that an identity starts where it does; known once the layer before it is.

    It starts where the last merge or pool ended, or behind the activation there. In networks that normalise before they
    convolve it starts before the normalisation (He et al. 2016, "Identity mappings in deep residual networks").
    """
    forked = [slot for slot in consumers if slot.forked]
    if not forked:
        return 0.0
    own = kind(fact.type)
    merges = [slot for slot in consumers if slot.role in ("sum", "concat")]
    if own == "linear" and merges and all(slot.normed for slot in merges):
        return 0.0
    if own in ("linear", ""):
        return (
            prior.INSIDE
            if own == "linear"
            else 0.0
            if all(kind(s.type) != "normalisation" for s in forked)
            else (prior.BEHIND_PREACTIVATION)
        )
    if own == "Pooling" and any(kind(slot.type) == "normalisation" for slot in forked):
        return prior.BEHIND_PREACTIVATION
    return 0.0


def forks(fact: Fact, consumers: Sequence[Slot]) -> bool:
    """Whether an identity around what comes after starts behind this layer; passed back along its chain."""
    own = kind(fact.type)
    around = any(
        (s.role in ("sum", "concat") and s.taken) or (kind(s.type) == "Pooling" and s.linear) for s in consumers
    )
    if own in ("activation", "normalisation", "Dropout") and around:
        return len(consumers) > 1
    return own in ("normalisation", "Dropout") and any(slot.forked for slot in consumers)


def path_hash(fact: Fact, consumers: Sequence[Slot], label: int) -> int:
    """What follows a layer up to the next merge, with the place there, or up to the next fork."""
    if fact.role != "unary" or len(consumers) != 1:
        return hash((fact.type, fact.role, tuple(sorted(slot.type for slot in consumers))))
    return hash((fact.type, consumers[0].path if consumers[0].role == "unary" else (consumers[0].type, label)))


def fork_shape(consumers: Sequence[Slot]) -> int:
    """The paths that part at a tensor; 0 if it has one consumer."""
    if len(consumers) < 2:
        return 0
    return hash(tuple(sorted(slot.path if slot.role == "unary" else hash(slot.type) for slot in consumers)))


def linear_ends(fact: Fact, consumers: Sequence[Slot]) -> frozenset[int]:
    """The merges that the input of a layer reaches without a nonlinearity in between."""
    own = kind(fact.type)
    if own in ("activation", "Pooling"):
        return frozenset(~slot.node for slot in consumers if slot.role == "sum")
    if fact.role != "unary" or own not in ("linear", "normalisation", "Dropout", "Padding", ""):
        return frozenset()
    return ends(consumers) if fact.type else frozenset()


def ends(consumers: Sequence[Slot]) -> frozenset[int]:
    """The sums and joins among the consumers, and those that they reach in turn."""
    found: set[int] = set()
    for slot in consumers:
        if slot.role in ("sum", "concat"):
            found.add(slot.node)
        if slot.linear:
            found.update(node for node in slot.linear if node >= 0)
    return frozenset(found)


def detour_cost(consumers: Sequence[Slot]) -> float:
    """What it costs that a tensor meets a linear function of itself in a sum or a join."""
    if len(consumers) < 2:
        return 0.0
    met: set[int] = set()
    twice: set[int] = set()
    merges = {slot.node for slot in consumers if slot.role == "sum"}
    for slot in consumers:
        reached = ends((slot,)) | {~node for node in slot.linear if ~node in merges}
        twice |= met & reached
        met |= reached
    if not twice:
        return 0.0
    sums = any(slot.node in twice and slot.role == "sum" for slot in consumers) or all(
        slot.role == "unary" for slot in consumers
    )
    return prior.LINEAR_DETOUR if sums else prior.LINEAR_DETOUR_JOINED


def reached(fact: Fact, consumers: Sequence[Slot]) -> frozenset[Way]:
    """The ways from the input of a layer to the next merges behind it."""
    own = kind(fact.type)
    if own in ("GlobalPooling", "Flatten", "Reshape") or fact.role == "dot":
        return frozenset()
    shift = (own == "Pooling") - ("UpSampling" in fact.type or "Transpose" in fact.type)
    soft = own == "linear"
    ways = ways_of(consumers)
    if len(ways) > WAYS:
        ways = sorted(ways)[:WAYS]
    return frozenset((node, scale + shift, bent or soft) for node, scale, bent in ways)


def ways_of(consumers: Sequence[Slot]) -> set[Way]:
    """The ways of a tensor to merges: into those that take it, and through its other consumers."""
    ways: set[Way] = {(slot.node, 0, False) for slot in consumers if slot.role in ("sum", "concat")}
    return ways.union(*(slot.reach for slot in consumers))


def size_cost(consumers: Sequence[Slot], known: Meetings | None = None) -> float:
    """
    What it costs that a tensor meets itself again behind pools and their inverse.

    Both ways to the next merge must make maps of one size. Strides of convolutions do not show; they can make a map
    smaller, never larger. ``known`` remembers what two consumers cost, for many sets of the same slots.
    """
    if len(consumers) < 2:
        return 0.0
    known = {} if known is None else known
    total = [0.0] * len(consumers)
    for i, slot in enumerate(consumers):
        for j in range(i):
            key = (consumers[j].node, consumers[j].role, slot.node, slot.role)
            cost = known.get(key)
            if cost is None:
                cost = known[key] = meeting(consumers[j], slot)
            total[i] += cost
            total[j] += cost
    # One way of many that is unlike the others, a pool of stride 1 among branches, is unlike them once.
    return min(total)


def meeting(first: Slot, second: Slot) -> float:
    """What it costs that the ways of two consumers meet in the next merge they share."""
    ways, others = ways_of((first,)), ways_of((second,))
    common = {w[0] for w in ways} & {w[0] for w in others}
    if not common:
        return 0.0
    node = min(common)
    return min(difference(a, b) for a in ways if a[0] == node for b in others if b[0] == node)


def difference(first: Way, second: Way) -> float:
    """What it costs that two ways to one merge shrink maps by different numbers of pools."""
    (_, small, bent), (_, large, _) = sorted((first, second), key=lambda way: way[1])
    if small == large:
        return 0.0
    return prior.MISMATCH if small < 0 or not bent else prior.STRIDES


def mismatched(slot: Slot, ways: AbstractSet[Way]) -> bool:
    """Whether a merge wants maps of another size than a tensor has that reaches merges on these ways."""
    own = [way for way in ways if way[0] == slot.node]
    return bool(own) and all(scale for _, scale, _ in own)


def pair_cost(fact: Fact, node: int, slot: Slot) -> float:
    """What it costs that this one layer follows that one."""
    own, after = kind(fact.type), kind(slot.type)
    cost = 0.0
    if own == after and own in ("activation", "normalisation", "Dropout"):
        cost += prior.TWICE
    if fact.role == "concat" and after == "activation":
        cost += prior.ACTIVATED_JOIN
    if slot.role == "dot" and slot.taken and slot.term != (own or fact.role):
        cost += prior.UNLIKE_TERMS
    if slot.type == "Flatten" and fact.rank_out == 2:
        cost += prior.USELESS_FLATTEN
    if own == "Padding" and slot.pointwise:
        cost += prior.USELESS_BORDER
    if slot.role in ("sum", "product") and slot.taken:
        cost += max(0.0, log((slot.node - node) / prior.USUAL_LENGTH))
    if slot.integers and fact.role != "input" and slot.role == "unary":
        cost += prior.COMPUTED_INTEGERS
    if fact.counter is not None and slot.made.get(fact.type, fact.counter + 1) <= fact.counter:
        cost += prior.MADE_BEFORE
    paired = fact.place is not None and slot.place is not None and own in ("linear", "normalisation")
    if paired and after in ("normalisation", "activation") and mispaired(fact.place, slot.place):
        cost += prior.MISPAIRED
    return cost


def successor(fact: Fact, slots: Sequence[Slot]) -> str:
    """What should follow a layer as far as these slots go: a convolution's normalisation, a normalisation's activation."""
    wanted = {"linear": "normalisation", "normalisation": "activation"}.get(kind(fact.type), "")
    return wanted if any(kind(s.type) == wanted and (s.channels > 0 or wanted == "activation") for s in slots) else ""


def mispaired(first: tuple[int, int] | None, second: tuple[int, int] | None) -> bool:
    """Whether the one is the k-th of its class and the other is not, where there are as many of each."""
    return first is not None and second is not None and first[1] == second[1] and first[0] != second[0]


def set_cost(fact: Fact, consumers: Sequence[Slot], known: Meetings | None = None) -> float:
    """What it costs that these are the consumers, all of them."""
    own = kind(fact.type)
    cost = fork_cost(fact, consumers) + identity_cost(fact, consumers) + detour_cost(consumers)
    cost += size_cost(consumers, known)
    if own == "activation" and len(consumers) == 1 and consumers[0].role == "sum" and consumers[0].term == "linear":
        cost += prior.UNLIKE_TERMS
    if len(consumers) > 1 and fact.begins and own == "activation":
        cost += prior.INSIDE_NAMED
    return cost
