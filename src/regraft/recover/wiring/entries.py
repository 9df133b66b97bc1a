"""Input layers: their shapes as far as the user, or the layers that take them, tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from regraft.blueprint import LayerSpec, Shape
from regraft.layers import layer_class, spec_of
from regraft.recover.draft import Hints
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.graph import Graph, Node

#: Layers behind which the shape is still that of the input.
PASSING = frozenset(
    "Activation ReLU LeakyReLU ELU Softmax Dropout BatchNormalization GaussianNoise Masking Rescaling".split()
)


def stated(facts: Sequence[Fact], hints: Hints) -> list[Fact]:
    """
    The facts with what the user said of the inputs; no change where there are more or fewer.

    The shapes go by the numbers in the names of the input layers if all have one, else by the order of the file.
    """
    entries = [fact for fact in facts if fact.role == "input"]
    if len(entries) != len(hints.input_shapes):
        return list(facts)
    if all(fact.counter is not None for fact in entries):
        entries = sorted(entries, key=lambda fact: fact.counter or 0)
    shapes = {fact.name: shape for fact, shape in zip(entries, hints.input_shapes, strict=True) if shape}
    return [
        replace(fact, cout=shapes[fact.name][-1], rank_out=len(shapes[fact.name]) + 1, keeps_rank=False)
        if fact.name in shapes
        else fact
        for fact in facts
    ]


def input_specs(graph: Graph, facts: Mapping[str, Fact], hints: Hints) -> dict[str, LayerSpec]:
    """
    The input layers of a graph with shape and type.

    Shapes the user gave are taken in the order of the inputs; if their number differs, none is.
    """
    entries = [node for node in graph.nodes if node.type == "InputLayer"]
    wanted = [expected(graph, node, facts) for node in entries]
    given = assigned([shape for shape, _ in wanted], hints.input_shapes) if hints.input_shapes else None
    found: dict[str, LayerSpec] = {}
    for i, node in enumerate(entries):
        shape, integers = wanted[i]
        if given is not None:
            shape = (None, *given[i])
        dtype = "int32" if integers else "float32"
        found[node.name] = spec_of(node.name, layer_class("InputLayer")(**{"batch_shape": shape, "dtype": dtype}))
    return found


def assigned(wanted: Sequence[Shape], given: Sequence[tuple[int | None, ...]]) -> list[tuple[int | None, ...]] | None:
    """
    Which of the shapes that the user gave each input has; None if there are more or fewer.

    Each takes the first one left that is what its layers ask for; what is left over goes in order.
    """
    if len(wanted) != len(given):
        return None
    left = list(range(len(given)))
    found: dict[int, int] = {}
    for i, shape in enumerate(wanted):
        if (place := next((k for k in left if agree(shape, given[k])), None)) is not None:
            found[i] = place
            left.remove(place)
    return [given[found[i]] if i in found else given[left.pop(0)] for i in range(len(wanted))]


def agree(wanted: Shape, given: tuple[int | None, ...]) -> bool:
    """Whether an input that a layer asks for, batch included, may have a shape, without batch."""
    if wanted is None:
        return True
    sizes = zip(wanted[1:], given, strict=False)
    return len(wanted) == len(given) + 1 and all(a is None or b is None or a == b for a, b in sizes)


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
