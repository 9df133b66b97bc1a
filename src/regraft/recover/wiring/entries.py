"""Input layers: their shapes as far as the user, or the layers that take them, tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from regraft.blueprint import LayerSpec, Shape
from regraft.layers import layer_class, spec_of
from regraft.recover.draft import Hints
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.graph import Graph, Node

#: Layers behind which the shape is still that of the input.
PASSING = frozenset(
    "Activation ReLU LeakyReLU ELU Softmax Dropout BatchNormalization GaussianNoise Masking Rescaling".split()
)


def input_specs(graph: Graph, facts: Mapping[str, Fact], hints: Hints) -> dict[str, LayerSpec]:
    """
    The input layers of a graph with shape and type.

    Shapes the user gave are taken in the order of the inputs; if their number differs, none is.
    """
    entries = [node for node in graph.nodes if node.type == "InputLayer"]
    given: Sequence[Shape] = hints.input_shapes if len(hints.input_shapes) == len(entries) else ()
    found: dict[str, LayerSpec] = {}
    for i, node in enumerate(entries):
        shape, integers = expected(graph, node, facts)
        if given:
            shape = (None, *(given[i] or ()))
        dtype = "int32" if integers else "float32"
        found[node.name] = spec_of(node.name, layer_class("InputLayer")(**{"batch_shape": shape, "dtype": dtype}))
    return found


def expected(graph: Graph, entry: Node, facts: Mapping[str, Fact]) -> tuple[Shape, bool]:
    """The shape that the first layers behind an input ask for, None for an open axis, and whether they want integers."""
    consumers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for source in node.inputs:
            consumers.setdefault(source, []).append(node)
    todo, seen = [entry.name], set[str]()
    rank, channels = entry.rank, None
    while todo:
        name = todo.pop(0)
        for node in consumers.get(name, ()):
            if node.name in seen:
                continue
            seen.add(node.name)
            fact = facts.get(node.name)
            if fact is None:
                continue
            if fact.integers:
                return (None, None), True
            rank = rank or fact.rank_in
            if channels is None and fact.cin and fact.type != "Flatten":
                channels = fact.cin
            if not fact.cin and (fact.type in PASSING or fact.keeps) and not fact.rows:
                todo.append(node.name)
    if not rank:
        # A dense layer alone says nothing of the axes before the last; vectors are the usual case.
        rank = 2 if channels is not None else 0
    return ((None,) * (rank - 1) + (channels,) if rank else None), False
