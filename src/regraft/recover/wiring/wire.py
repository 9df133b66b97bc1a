"""From layers to graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from regraft.blueprint import Blueprint
from regraft.recover.draft import Draft, Hints
from regraft.recover.part import Grouping
from regraft.recover.wiring import prior
from regraft.recover.wiring.assemble import draft_of
from regraft.recover.wiring.backward import search
from regraft.recover.wiring.facts import Fact, facts_of
from regraft.recover.wiring.forward import forward
from regraft.recover.wiring.graph import Graph, Node, chain, graph_of
from regraft.recover.wiring.prior import Limits


def wire(grouping: Grouping, hints: Hints, limits: Limits | None = None) -> list[Draft]:
    """
    The likeliest graphs of the layers of a file, best first; at least one, whatever the layers are.

    Args:
        grouping: The layers.
        hints: Input shapes, in the order of the inputs.
        limits: How far to search.
    """
    limits = limits or Limits()
    inner = inner_models(grouping, limits)
    facts = facts_of(grouping.parts, grouping.tree, inner)
    if not facts:
        return [Draft(grouping, Blueprint("model", (), (), (), (), keras_version=grouping.tree.keras_version))]
    sequential = not any(fact.role == "input" for fact in facts)
    graphs = found(grouping, facts, limits)[: limits.drafts]
    by_name = {fact.name: fact for fact in facts}
    return [
        draft_of(graph, graphs, grouping, by_name, inner, hints, sequential=sequential and is_chain(graph))
        for graph in graphs
    ]


def inner_models(grouping: Grouping, limits: Limits) -> dict[str, Blueprint]:
    """The best graph of every nested model."""
    inner: dict[str, Blueprint] = {}
    for part in grouping.parts:
        if part.inner is not None:
            inner[part.name] = wire(part.inner, Hints(), limits)[0].blueprint
    return inner


def found(grouping: Grouping, facts: Sequence[Fact], limits: Limits) -> list[Graph]:
    """Graphs for the layers, cheapest first."""
    if grouping.complete and grouping.ordered:
        if any(fact.role == "input" for fact in facts):
            states, sure = search(facts, limits)
            if states:
                return distinct([graph_of(state, facts, sure=sure) for state in states])
        elif not any(fact.role in ("sum", "product", "concat", "dot") for fact in facts):
            return [entered(chain(facts))]
    if grouping.ordered and not any(fact.role != "unary" for fact in facts):
        graph = forward(facts)
        plain = chain(facts, cost=prior.CONTRADICTION * len(graph.broken or graph.nodes))
        return [entered(graph), *([] if graph.shape == plain.shape else [entered(plain)])]
    return [entered(chain(facts, cost=prior.CONTRADICTION))]


def distinct(graphs: Sequence[Graph]) -> list[Graph]:
    """The graphs without those that differ only in the order of a sum."""
    seen: set[frozenset[tuple[str, str, int]]] = set()
    kept: list[Graph] = []
    for graph in graphs:
        if graph.shape not in seen:
            seen.add(graph.shape)
            kept.append(graph)
    return kept


def entered(graph: Graph) -> Graph:
    """The graph with an input layer in front of what has no input."""
    names = {node.name for node in graph.nodes}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.inputs or node.type == "InputLayer":
            nodes.append(node)
            continue
        name = f"{node.name}_input"
        while name in names:
            name += "_"
        names.add(name)
        nodes += [Node(name, "InputLayer", made=True), replace(node, inputs=(name,))]
    return replace(graph, nodes=tuple(nodes))


def is_chain(graph: Graph) -> bool:
    """Whether every layer takes what the layer before it gives."""
    before = [node.name for node in graph.nodes]
    return all(node.inputs == (before[i],) for i, node in enumerate(graph.nodes[1:]))
