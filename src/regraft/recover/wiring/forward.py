"""
Graphs for lists of the layers that have variables, from the first to the last: sums and joins are not listed, channels show them.

A layer takes what the layer before it gives, if the channels allow. If they do not, it takes the newest tensor that fits (a
branch begins), or a join of the newest with earlier ones whose channels add up (U-Net skips, dense blocks). A branch that ends
with as many channels as a tensor nobody has taken is added to it before the next layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice

from regraft.recover.wiring import prior
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.graph import Graph, Node
from regraft.recover.wiring.habits import kind

#: Earlier tensors that a join is looked for among, and how many of them one join takes at most.
LOOKED_AT, JOINED = 24, 4
#: Layers with variables in a block, at most.
BLOCK = 8
SUM_WHY = "two branches of the same width end here, and the next layer takes that width"
GATE_WHY = "two layers squeeze the channels and expand them again, as factors of these channels"
JOIN_WHY = "the channels of these tensors add up to what the next layer takes"
RESHAPE_WHY = "the vector before it can be cut into a map of this many channels"
BRANCH_WHY = "the layer before it has another width; this is the newest tensor that fits"


@dataclass
class Forward:
    """
    What is wired so far.

    Attributes:
        nodes: In the order in which they run.
        channels: Of every tensor, by name; None where nothing tells.
        open: Tensors that nobody has taken, oldest first.
        broken: Layers that take a tensor of the wrong size because there is no right one.
        pointwise: Layers whose kernels have size 1.
        flat: Tensors that are vectors for sure: what a Dense makes of a flattened map, and what follows.
        maps: Tensors that are maps for sure: what a convolution over images makes, and what keeps it.
    """

    nodes: list[Node] = field(default_factory=list)
    channels: dict[str, int | None] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    pointwise: set[str] = field(default_factory=set)
    flat: set[str] = field(default_factory=set)
    maps: set[str] = field(default_factory=set)
    cost: float = 0.0
    made: int = 0

    def add(self, node: Node, channels: int | None) -> None:
        """One more layer, after those that it takes."""
        self.nodes.append(node)
        self.channels[node.name] = channels
        self.open = [*(name for name in self.open if name not in node.inputs), node.name]

    def merge(self, kind: str, sources: Sequence[str], channels: int | None, why: str) -> str:
        """A sum or join that the list does not name."""
        self.made += 1
        stem = kind.lower()
        name = stem if self.made == 1 else f"{stem}_{self.made - 1}"
        while name in self.channels:
            name += "_"
        self.add(Node(name, kind, tuple(sources), made=True, why=why), channels)
        return name


def forward(facts: Sequence[Fact]) -> Graph:
    """
    The graph that a reader who knows the habits of Keras code would draw.

    Args:
        facts: Layers with variables, in the order of the file; sums and joins among them are not expected.
    """
    found = Forward()
    for place, fact in enumerate(facts):
        source, why = source_of(found, fact, facts[place:])
        leaving = fact.cout if fact.cout is not None else found.channels.get(source or "")
        found.add(Node(fact.name, fact.type, (source,) if source else (), why=why), leaving)
        shaped(found, fact, source)
        if fact.pointwise:
            found.pointwise.add(fact.name)
    outputs = tuple(found.open) or tuple(node.name for node in found.nodes[-1:])
    return Graph(tuple(found.nodes), outputs, found.cost, broken=frozenset(found.broken))


def shaped(found: Forward, fact: Fact, source: str | None) -> None:
    """Note whether what a layer gives is a vector or a map, where what it takes tells."""
    flattens = fact.type == "Dense" and source is not None and found.channels[source] not in (None, fact.cin)
    if fact.name not in found.broken and (flattens or (source in found.flat and fact.rank_in <= 2)):
        found.flat.add(fact.name)
    elif fact.rank_in == 4 or (source in found.maps and fact.type != "Dense" and not fact.rank_in):
        found.maps.add(fact.name)


def source_of(found: Forward, fact: Fact, rest: Sequence[Fact]) -> tuple[str | None, str]:
    """What a layer takes, with the reason if that is not the layer before it; ``rest`` begins with the layer."""
    if not found.nodes:
        return None, ""
    last = found.nodes[-1].name
    wanted = fact.cin
    if kind(fact.type) == "normalisation" and (pair := meeting(found, rest)):
        return found.merge("Add", pair, wanted, SUM_WHY), ""
    if kind(fact.type) == "normalisation" and (behind := unfinished(found, wanted)):
        return behind, ""
    if wanted is None or found.channels[last] is None:
        return last, ""
    if gate := gated(found, fact, last):
        return found.merge("Multiply", (gate, last), found.channels[gate], GATE_WHY), ""
    if pair := waiting(found, last, wanted):
        return found.merge("Add", pair, wanted, SUM_WHY), ""
    if branches := branches_of(found, wanted):
        return found.merge("Concatenate", branches, wanted, JOIN_WHY), ""
    if takes(fact, found.channels[last], wanted, flat=last in found.flat):
        return last, ""
    if found.nodes[-1].type == "Dense" and becomes_map(fact, found.channels[last] or 0, wanted):
        return last, RESHAPE_WHY
    if fact.pointwise and (start := recent(found, wanted)):
        return start, BRANCH_WHY
    if parts := join(found, last, wanted, raw=kind(fact.type) == "normalisation"):
        found.cost += prior.UNLISTED_INPUT
        return found.merge("Concatenate", parts, wanted, JOIN_WHY), ""
    if branch := newest(found, fact, wanted):
        found.cost += prior.UNLISTED_INPUT
        return branch, BRANCH_WHY
    found.cost += prior.CONTRADICTION
    found.broken.add(fact.name)
    return last, ""


def meeting(found: Forward, rest: Sequence[Fact]) -> tuple[str, ...] | None:
    """
    Two convolutions of one width that nothing follows yet, if only one normalisation of that width comes now.

    In networks that normalise before they convolve, a branch and its shortcut are added as they are.
    """
    wanted = rest[0].cin
    types = {node.name: node.type for node in found.nodes[-LOOKED_AT:]}
    bare = [n for n in found.open if kind(types.get(n, "")) == "linear" and found.channels[n] == wanted]
    coming = 0
    for fact in rest:
        if kind(fact.type) != "normalisation" or fact.cin != wanted:
            break
        coming += 1
    return (bare[-2], bare[-1]) if len(bare) >= 2 > coming else None


def gated(found: Forward, fact: Fact, last: str) -> str | None:
    """
    The maps that two layers squeeze to fewer channels and expand again, if these then scale the maps channel by channel.

    Source: Hu et al. 2018, "Squeeze-and-Excitation Networks". A vector cannot be convolved, and a Dense behind one
    takes exactly its length.
    """
    by_name = {node.name: node for node in found.nodes[-LOOKED_AT:]}
    expand = by_name.get(last)
    squeeze = by_name.get(expand.inputs[0]) if expand is not None and expand.inputs else None
    if expand is None or squeeze is None or not squeeze.inputs:
        return None
    maps = squeeze.inputs[0]
    if expand.type != squeeze.type or maps not in by_name or by_name[maps].type == expand.type:
        return None
    before, narrow, after = (found.channels[name] for name in (maps, squeeze.name, last))
    if before is None or narrow is None or before != after or 2 * narrow > before:
        return None
    if expand.type == "Dense":
        convolved = fact.rank_in > 3 and fact.cin == after
        flattened = fact.type == "Dense" and (fact.cin or 0) > (after or 0)
        return maps if convolved or flattened else None
    pointwise = found.pointwise >= {squeeze.name, last}
    normed = kind(by_name[maps].type) == "normalisation" and kind(fact.type) != "normalisation"
    return maps if pointwise and normed and fact.cin == after else None


def branches_of(found: Forward, wanted: int) -> tuple[str, ...] | None:
    """All tensors that nobody has taken, where there are several and their channels add up to what is wanted."""
    sizes = [found.channels[name] or 0 for name in found.open]
    return tuple(found.open) if len(sizes) > 1 and min(sizes) > 0 and sum(sizes) == wanted else None


def unfinished(found: Forward, wanted: int | None) -> str | None:
    """
    The oldest convolution of that width that nothing follows yet: it is the next to be normalised.

    Branches of equal depth stand side by side in a file: first their convolutions, then the normalisations of these.
    """
    types = {node.name: node.type for node in found.nodes}
    names = [n for n in found.open if kind(types[n]) == "linear" and found.channels[n] == wanted]
    return names[0] if names else None


def takes(fact: Fact, channels: int | None, wanted: int, *, flat: bool) -> bool:
    """Whether a tensor of so many channels may enter: a Dense may follow a Flatten, which multiplies those of maps."""
    if channels is None or channels == wanted:
        return True
    return fact.type == "Dense" and not flat and not wanted % channels


def becomes_map(fact: Fact, length: int, wanted: int) -> bool:
    """Whether what a Dense makes can be cut into a map of that many channels: a generator begins so."""
    mapped = fact.rank_in > 2 or kind(fact.type) == "normalisation"
    return mapped and length > wanted and not length % wanted


def waiting(found: Forward, last: str, wanted: int) -> tuple[str, str] | None:
    """The newest layer and a tensor of its width that nobody has taken, if the next layer takes that width."""
    if found.channels[last] != wanted:
        return None
    others = [name for name in found.open if name != last and found.channels[name] == wanted]
    return (last, others[-1]) if others else None


def join(found: Forward, last: str, wanted: int, *, raw: bool) -> tuple[str, ...] | None:
    """
    The newest tensor and earlier ones whose channels add up, those that nobody has taken first.

    What a normalisation reads is joined as it is, not yet normalised (``raw``), where there is a choice.
    """
    rest = wanted - (found.channels[last] or 0)
    if rest <= 0:
        return None
    # Vectors and maps are never joined.
    unlike = found.maps if last in found.flat else found.flat if last in found.maps else set[str]()
    sized = (name for name in reversed(found.channels) if name != last and found.channels[name])
    earlier = list(islice((name for name in sized if name not in unlike), LOOKED_AT))
    ranked = sorted(earlier, key=oddness(found, raw=raw))
    for count in range(1, JOINED):
        for names in combinations(ranked, count):
            if sum(found.channels[name] or 0 for name in names) == rest:
                return (last, *names)
        if count == 1 and rest > sum(sorted((found.channels[n] or 0 for n in ranked), reverse=True)[: JOINED - 1]):
            return None
    return None


def oddness(found: Forward, *, raw: bool) -> Callable[[str], tuple[bool, ...]]:
    """
    What makes a tensor an unlikely part of a join.

    A convolution that is normalised next is used up; skips are joined once, while dense blocks go on from joins.
    """
    types = {node.name: node.type for node in found.nodes}
    normalised = {n.inputs[0] for n in found.nodes if kind(n.type) == "normalisation" and n.inputs}
    joined = {name for node in found.nodes if node.type == "Concatenate" for name in node.inputs}
    if raw:
        return lambda n: (kind(types[n]) == "normalisation", types[n] != "Concatenate", n not in found.open)
    return lambda n: (n in normalised, n in joined, n not in found.open)


def recent(found: Forward, wanted: int) -> str | None:
    """The tensor of that width a block ago: a shortcut of kernel size 1 begins where the block did."""
    types = {node.name: node.type for node in found.nodes}
    names = [node.name for node in found.nodes[-BLOCK:] if found.channels[node.name] == wanted]
    normed = {n.inputs[0] for n in found.nodes if kind(n.type) == "normalisation" and n.inputs}
    done = [name for name in names if name not in normed and types[name] != "DepthwiseConv2D"]
    return done[-1] if done else None


def newest(found: Forward, fact: Fact, wanted: int) -> str | None:
    """The newest tensor that fits, the one before which a branch begins."""
    names = [n for n, size in reversed(found.channels.items()) if takes(fact, size, wanted, flat=n in found.flat)]
    exact = [name for name in names if found.channels[name] == wanted]
    return next(iter(exact or names), None)
