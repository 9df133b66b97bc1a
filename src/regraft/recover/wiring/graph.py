"""A graph over the layers of a file, before it becomes a blueprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from regraft.recover.wiring.facts import MERGES, Fact
from regraft.recover.wiring.slots import State

#: Merges whose inputs may not change places, though channels are merged one by one.
ORDERED = frozenset(("Subtract", "SubtractOperation", "TrueDivideOperation"))


@dataclass(frozen=True)
class Node:
    """
    One layer of the graph.

    Attributes:
        name: In the blueprint.
        type: In the catalogue; empty if unknown.
        inputs: Names of the layers whose outputs it takes, in order.
        rank: Of its output, batch included, as its consumers need it; 0 if unknown.
        cost: Of the decision where its output goes.
        made: Whether the file does not list it: a sum, a join or an input that wiring put there.
        why: The reason for what is unusual about it, in words.
        calls: How often it is called; the inputs of all calls follow each other.
        places: Which call and which output of its source each input is, where one is not the first.
    """

    name: str
    type: str
    inputs: tuple[str, ...] = ()
    rank: int = 0
    cost: float = 0.0
    made: bool = False
    why: str = ""
    calls: int = 1
    places: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Graph:
    """
    Layers with their inputs.

    Attributes:
        nodes: In an order in which inputs come first; that of the file where there is one.
        outputs: Names of the layers whose tensors leave.
        cost: In nats.
        sure: Whether the search was exhaustive, so that what all graphs share is certain up to layers used twice.
        broken: Edges that no fact allows: nothing better was found.
        notes: What a person should know.
        cut: Whether the search was cut short, so that what all graphs share is no more than likely.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    cost: float = 0.0
    sure: bool = False
    broken: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    cut: bool = False

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """Nodes by name."""
        return {node.name: node for node in self.nodes}

    @property
    def edges(self) -> frozenset[tuple[str, str, int]]:
        """All edges: source, consumer, place."""
        return frozenset((source, node.name, i) for node in self.nodes for i, source in enumerate(node.inputs))

    @cached_property
    def shape(self) -> frozenset[tuple[str, str, int]]:
        """All edges, those into layers where the order of inputs does not matter without their place."""
        free = {
            node.name for node in self.nodes if MERGES.get(node.type) in ("sum", "product") and node.type not in ORDERED
        }
        return frozenset((source, name, -1 if name in free else i) for source, name, i in self.edges)


def graph_of(state: State, facts: Sequence[Fact], *, sure: bool) -> Graph:
    """The graph of a finished hypothesis."""
    inputs: dict[int, list[tuple[int, tuple[int, int], int]]] = {}
    rank: dict[int, int] = {}
    costs: dict[int, float] = {}
    types: dict[int, str] = {}
    calls: dict[int, int] = {}
    outputs: list[str] = []
    edges = state.edges
    while edges is not None:
        for use in edges.consumers:
            inputs.setdefault(use.node, []).append((use.label, (use.call, use.output), edges.node))
        rank[edges.node], costs[edges.node], types[edges.node] = edges.rank, edges.cost, edges.type
        calls[edges.node] = 1 + max((use.call for use in edges.consumers), default=0)
        if not edges.consumers:
            outputs.append(facts[edges.node].name)
        edges = edges.before
    nodes: list[Node] = []
    for i, fact in enumerate(facts):
        taken = sorted(inputs.get(i, ()))
        places = tuple(place for _, place, _ in taken)
        nodes.append(
            Node(
                fact.name,
                types.get(i, fact.type),
                tuple(facts[source].name for _, _, source in taken),
                rank.get(i, 0),
                costs.get(i, 0.0),
                calls=calls.get(i, 1),
                places=places if any(place != (0, 0) for place in places) else (),
            )
        )
    return Graph(tuple(nodes), tuple(outputs), state.cost, sure)


def chain(facts: Sequence[Fact], *, cost: float = 0.0, sure: bool = False) -> Graph:
    """The layers one after another."""
    nodes: list[Node] = []
    before: str | None = None
    for fact in facts:
        nodes.append(Node(fact.name, fact.type, () if before is None or fact.role == "input" else (before,)))
        before = fact.name
    return Graph(tuple(nodes), (before,) if before is not None else (), cost, sure)
