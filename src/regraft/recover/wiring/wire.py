"""From layers to graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from regraft.blueprint import Blueprint
from regraft.recover.draft import Draft, Hints
from regraft.recover.part import Grouping
from regraft.recover.wiring import prior
from regraft.recover.wiring.assemble import draft_of
from regraft.recover.wiring.backward import search
from regraft.recover.wiring.entries import stated
from regraft.recover.wiring.evidence import weighed
from regraft.recover.wiring.facts import Fact, facts_of
from regraft.recover.wiring.folded import folded, variables
from regraft.recover.wiring.forward import forward
from regraft.recover.wiring.graph import Graph, Node, chain, graph_of
from regraft.recover.wiring.prior import Limits
from regraft.recover.wiring.sequence import in_sequence
from regraft.recover.wiring.shortcuts import Shortcuts, hypotheses
from regraft.recover.wiring.turned import alike

#: Graphs of a list without layers that hold nothing, at most: each is fitted to map sizes, which takes long.
RIVALS = 3


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
    graphs = found(grouping, facts, hints, limits)[: limits.drafts]
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


def found(grouping: Grouping, facts: Sequence[Fact], hints: Hints, limits: Limits) -> list[Graph]:
    """Graphs for the layers, cheapest first."""
    if grouping.complete and grouping.ordered:
        if any(fact.role == "input" for fact in facts):
            states, sure = search(stated(facts, hints), limits)
            if not states and hints.input_shapes:
                states, sure = search(facts, limits)  # maps with channels first, inputs in another order
            if states:
                graphs = [replace(graph_of(state, facts, sure=bool(sure)), cut=sure is None) for state in states]
                return distinct(alike(graphs))
        elif not any(fact.role in ("sum", "product", "concat", "dot") for fact in facts):
            return [entered(chain(facts))]
    if not any(fact.role != "unary" for fact in facts):
        if not grouping.ordered:
            facts = sequenced(grouping, facts, hints)
        graph = forward(facts)
        plain = chain(facts, cost=prior.CONTRADICTION * len(graph.broken or graph.nodes))
        graphs = sorted(shortcut_graphs(graph, facts, grouping), key=lambda one: one.cost)
        graphs = [one for one in graphs[:RIVALS] if one.cost <= graphs[0].cost + limits.reach]
        if graph.shape != plain.shape:
            graphs.append(replace(plain, cost=max(plain.cost, graphs[0].cost + prior.CHAIN_INSTEAD)))
        return [entered(one) for one in graphs]
    return [replace(entered(chain(facts, cost=prior.CONTRADICTION)), cut=True)]


def sequenced(grouping: Grouping, facts: Sequence[Fact], hints: Hints) -> list[Fact]:
    """Layers of a list without order, in the likeliest one."""
    parts = {part.name: part for part in grouping.parts}
    read = cache(lambda name: variables(parts[name], grouping))
    return in_sequence(facts, hints, folded(grouping), read)


def shortcut_graphs(graph: Graph, facts: Sequence[Fact], grouping: Grouping) -> list[Graph]:
    """The graph with and without identities around its blocks, by habit and by the statistics of BatchNorms."""
    found = hypotheses(graph, facts)
    if len(found) == 1:
        return [graph]
    told = weighed(found, folded(grouping))
    usual = any(hypothesis.usual for hypothesis in found)
    habit = [habit_cost(hypothesis, usual=usual) for hypothesis in found]
    return [replace(h.graph, cost=graph.cost + float(a) + b) for h, a, b in zip(found, told, habit, strict=True)]


def habit_cost(found: Shortcuts, *, usual: bool) -> float:
    """
    What it costs, before statistics are looked at, that a network has these identities.

    ``usual`` says that some hypothesis continues the blocks whose shortcuts are convolutions.
    """
    if not found.length:
        return prior.NO_IDENTITIES if usual else 0.0
    return (0.0 if found.usual else prior.IDENTITIES[found.shape]) + (prior.ODD_BLOCK if not found.shape else 0.0)


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
