"""
Graphs for lists of the layers that have variables, from the first to the last: sums and joins are not listed, channels show them.

A layer takes what the layer before it gives, if the channels allow. If they do not, it takes the newest tensor that fits (a
branch begins), or a join of the newest with earlier ones whose channels add up (U-Net skips, dense blocks). A branch that ends
with as many channels as a tensor nobody has taken is added to it before the next layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from regraft.recover.wiring import prior
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.graph import Graph, Node
from regraft.recover.wiring.habits import kind

#: Earlier tensors that a join is looked for among, and how many of them one join takes at most.
LOOKED_AT, JOINED = 24, 4
SUM_WHY = "two branches of the same width end here, and the next layer takes that width"
JOIN_WHY = "the channels of these tensors add up to what the next layer takes"
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
    """

    nodes: list[Node] = field(default_factory=list)
    channels: dict[str, int | None] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
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
    for fact in facts:
        source, why = source_of(found, fact)
        leaving = fact.cout if fact.cout is not None else found.channels.get(source or "")
        found.add(Node(fact.name, fact.type, (source,) if source else (), why=why), leaving)
    outputs = tuple(found.open) or tuple(node.name for node in found.nodes[-1:])
    return Graph(tuple(found.nodes), outputs, found.cost, broken=frozenset(found.broken))


def source_of(found: Forward, fact: Fact) -> tuple[str | None, str]:
    """What a layer takes, with the reason if that is not the layer before it."""
    if not found.nodes:
        return None, ""
    last = found.nodes[-1].name
    wanted = fact.cin
    if kind(fact.type) == "normalisation" and (behind := unfinished(found, wanted)):
        return behind, ""
    if wanted is None or found.channels[last] is None:
        return last, ""
    if pair := waiting(found, last, wanted):
        return found.merge("Add", pair, wanted, SUM_WHY), ""
    if takes(fact, found.channels[last], wanted):
        return last, ""
    if parts := join(found, last, wanted):
        found.cost += prior.UNLISTED_INPUT
        return found.merge("Concatenate", parts, wanted, JOIN_WHY), ""
    if branch := newest(found, fact, wanted):
        found.cost += prior.UNLISTED_INPUT
        return branch, BRANCH_WHY
    found.cost += prior.CONTRADICTION
    found.broken.add(fact.name)
    return last, ""


def unfinished(found: Forward, wanted: int | None) -> str | None:
    """
    The oldest convolution of that width that nothing follows yet: it is the next to be normalised.

    Branches of equal depth stand side by side in a file: first their convolutions, then the normalisations of these.
    """
    types = {node.name: node.type for node in found.nodes}
    names = [n for n in found.open if kind(types[n]) == "linear" and found.channels[n] == wanted]
    return names[0] if names else None


def takes(fact: Fact, channels: int | None, wanted: int) -> bool:
    """Whether a tensor of so many channels may enter: a Dense may follow a Flatten, which multiplies them."""
    if channels is None or channels == wanted:
        return True
    return fact.type == "Dense" and not wanted % channels


def waiting(found: Forward, last: str, wanted: int) -> tuple[str, str] | None:
    """The newest layer and a tensor of its width that nobody has taken, if the next layer takes that width."""
    if found.channels[last] != wanted:
        return None
    others = [name for name in found.open if name != last and found.channels[name] == wanted]
    return (last, others[-1]) if others else None


def join(found: Forward, last: str, wanted: int) -> tuple[str, ...] | None:
    """The newest tensor and earlier ones whose channels add up, those that nobody has taken first."""
    rest = wanted - (found.channels[last] or 0)
    if rest <= 0:
        return None
    earlier = [name for name in reversed(list(found.channels)) if name != last and found.channels[name]][:LOOKED_AT]
    ranked = sorted(earlier, key=lambda name: name not in found.open)
    for count in range(1, JOINED):
        for names in combinations(ranked, count):
            if sum(found.channels[name] or 0 for name in names) == rest:
                return (last, *names)
        if count == 1 and rest > sum(sorted((found.channels[n] or 0 for n in ranked), reverse=True)[: JOINED - 1]):
            return None
    return None


def newest(found: Forward, fact: Fact, wanted: int) -> str | None:
    """The newest tensor that fits, the one before which a branch begins."""
    names = [name for name in reversed(list(found.channels)) if takes(fact, found.channels[name], wanted)]
    exact = [name for name in names if found.channels[name] == wanted]
    return next(iter(exact or names), None)
