"""
Which comes first in a join, the tensor from far away or the new one: a program writes all its joins alike.

The order of the file rarely tells, but the kernel behind a join takes the channels in that order, and statistics do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.recover.wiring import prior
from regraft.recover.wiring.graph import Graph, Node
from regraft.recover.wiring.order import model_order

#: Graphs whose joins are turned.
TURNED = 2


def alike(graphs: Sequence[Graph]) -> list[Graph]:
    """The graphs with those whose joins are all written alike among them, priced by how much alike they are."""
    found = list(graphs)
    for graph in graphs[:TURNED]:
        for far_first in (False, True):
            if (turned := with_joins(graph, far_first)) != graph and possible(turned):
                found.append(turned)
    priced = [replace(graph, cost=graph.cost + prior.UNLIKE_JOIN * min(orders(graph))) for graph in found]
    return sorted(priced, key=lambda graph: graph.cost)


def skips(graph: Graph) -> list[Node]:
    """The joins of two tensors, one of which was made much earlier: just before the join stands only the other."""
    place = {node.name: i for i, node in enumerate(graph.nodes)}
    return [
        node
        for node in graph.nodes
        if node.type == "Concatenate"
        and len(node.inputs) == 2
        and not node.places
        and abs(place[node.inputs[0]] - place[node.inputs[1]]) > 1
    ]


def orders(graph: Graph) -> tuple[int, int]:
    """In how many joins the tensor from far away comes first, and in how many last."""
    place = {node.name: i for i, node in enumerate(graph.nodes)}
    first = [place[node.inputs[0]] < place[node.inputs[1]] for node in skips(graph)]
    return sum(first), len(first) - sum(first)


def with_joins(graph: Graph, far_first: bool) -> Graph:
    """The graph with all its joins in one order."""
    place = {node.name: i for i, node in enumerate(graph.nodes)}
    names = {node.name for node in skips(graph)}
    nodes = tuple(
        replace(node, inputs=tuple(sorted(node.inputs, key=lambda name: place[name], reverse=not far_first)))
        if node.name in names
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


def possible(graph: Graph) -> bool:
    """Whether Keras would list the layers of the graph in the order of the file."""
    layers = tuple(LayerSpec(node.name, node.type or "Activation") for node in graph.nodes)
    calls = tuple(Call(n.name, tuple(TensorRef(source) for source in n.inputs)) for n in graph.nodes if n.inputs)
    entries = tuple(TensorRef(node.name) for node in graph.nodes if not node.inputs)
    outputs = tuple(TensorRef(name) for name in graph.outputs)
    if any(node.calls > 1 for node in graph.nodes):
        return False
    return model_order(Blueprint("model", layers, calls, entries, outputs)) == [node.name for node in graph.nodes]
