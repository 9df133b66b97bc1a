"""
Identity shortcuts around blocks of convolutions, in graphs of lists that do not name sums: which networks may have them.

A network adds the beginning of a block to its end everywhere or nowhere, and its blocks have equally many convolutions: so
there are few hypotheses, each about the whole network. An identity joins tensors behind their normalisations
(He et al. 2015) or in front of them (He et al. 2016, networks that normalise before they convolve).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.graph import Graph, Node
from regraft.recover.wiring.habits import kind

LENGTHS = (2, 3, 1)
WHY = "blocks of equal width, of which each begins with what the one before it began with"


@dataclass(frozen=True)
class Unit:
    """
    A convolution with what belongs to it.

    Attributes:
        name: Of the convolution.
        end: Of the last layer that belongs to it: its normalisation, its slopes, or itself.
        before: Its input.
        width: Channels that leave.
        pointwise: Whether its kernel has size 1.
        single: Whether it mixes no channels.
    """

    name: str
    end: str
    before: str
    width: int
    pointwise: bool
    single: bool


@dataclass(frozen=True)
class Shortcuts:
    """
    One hypothesis.

    Attributes:
        graph: With its sums.
        length: Convolutions in a block; 0 for none.
        normed: Whether blocks are added behind their normalisations.
        starts: The tensors with which blocks begin.
        ends: The tensors with which blocks end, and the sums.
        shape: ``plain``, ``bottleneck`` or ``inverted`` (depthwise in between), or empty for none that is published.
        usual: Whether the blocks of the network whose shortcuts are convolutions are as long.
    """

    graph: Graph
    length: int = 0
    normed: bool = True
    starts: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()
    shape: str = ""
    usual: bool = False


def hypotheses(graph: Graph, facts: Sequence[Fact]) -> list[Shortcuts]:
    """The graph as it is, and with identities around blocks, where any fit."""
    trunk = trunk_of(graph, units_of(graph, facts))
    found = [Shortcuts(graph)]
    seen = {graph.shape}
    for normed in (True, False):
        for length in LENGTHS:
            made = with_identities(graph, trunk, length, normed=normed)
            if made is not None and made.graph.shape not in seen:
                seen.add(made.graph.shape)
                found.append(made)
    return found


def units_of(graph: Graph, facts: Sequence[Fact]) -> list[Unit]:
    """The convolutions of a graph, in order, each with the normalisations and slopes behind it."""
    by_name = {fact.name: fact for fact in facts}
    consumers = consumers_of(graph)
    found: list[Unit] = []
    for node in graph.nodes:
        fact = by_name.get(node.name)
        if fact is None or kind(fact.type) != "linear" or fact.rank_in < 3:
            continue
        end = node.name
        while len(after := consumers.get(end, ())) == 1 and own(after[0], by_name):
            end = after[0].name
        single = fact.type.startswith("Depthwise")
        found.append(
            Unit(node.name, end, next(iter(node.inputs), ""), fact.cout or fact.cin or 0, fact.pointwise, single)
        )
    return found


def own(node: Node, facts: dict[str, Fact]) -> bool:
    """Whether a layer belongs to the convolution before it."""
    return node.name in facts and (kind(node.type) == "normalisation" or node.type == "PReLU")


def consumers_of(graph: Graph) -> dict[str, list[Node]]:
    """The layers that take each tensor."""
    found: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            found.setdefault(name, []).append(node)
    return found


def trunk_of(graph: Graph, units: Sequence[Unit]) -> list[Unit]:
    """The units one after another, without those on shortcuts."""
    by_name = {unit.name: unit for unit in units}
    nodes = graph.by_name
    merged = {name for node in graph.nodes if node.type == "Add" for name in node.inputs}
    after: dict[str, list[Unit]] = {}
    for unit in units:
        for root in roots(unit.before, by_name, nodes):
            after.setdefault(root, []).append(unit)
    found = [units[0]] if units else []
    while found and (ways := after.get(found[-1].name)):
        found.append(next((unit for unit in ways if not {unit.name, unit.end} & merged), ways[0]))
    return found


def roots(name: str, units: Mapping[str, Unit], nodes: Mapping[str, Node]) -> list[str]:
    """The convolutions whose results make a tensor, without others in between."""
    todo, found = [name], list[str]()
    while todo:
        name = todo.pop()
        if name in units:
            found.append(name)
        elif name in nodes:
            todo += nodes[name].inputs
    return found


def with_identities(graph: Graph, trunk: Sequence[Unit], length: int, *, normed: bool) -> Shortcuts | None:
    """The graph with an identity around every run of so many units that ends as wide as it began, none twice."""
    summed = {name: node.name for node in graph.nodes if node.type == "Add" for name in node.inputs}
    own = [unit.end if normed else unit.name for unit in trunk]
    ends = [summed.get(end, end) for end in own]
    pairs: list[tuple[str, str]] = []
    shapes: set[str] = set()
    i = 0
    while i + length < len(trunk):
        block = trunk[i + 1 : i + 1 + length]
        inside = any(end in summed for end in own[i + 1 : i + length])
        if own[i + length] in summed and not inside:
            i += length  # a block whose shortcut is a convolution
        elif trunk[i].width == block[-1].width and not block[-1].single and not inside:
            pairs.append((ends[i], ends[i + length]))
            shapes.add(shape_of(block))
            i += length
        else:
            i += 1
    if not pairs:
        return None
    made, sums = added(graph, pairs)
    behind = frozenset((*(end for _, end in pairs), *sums))
    starts = frozenset(start for start, _ in pairs) - behind
    shape = shapes.pop() if len(shapes) == 1 else ""
    return Shortcuts(made, length, normed, starts, behind, shape, length in projected(graph, trunk))


def shape_of(block: Sequence[Unit]) -> str:
    """Which published kind of block it is, by its kernels; empty if none."""
    if len(block) == 3 and block[0].pointwise and block[2].pointwise and not block[1].pointwise:
        return "inverted" if block[1].single else "bottleneck"
    return "plain" if len(block) == 2 and not any(unit.single for unit in block) else ""


def projected(graph: Graph, trunk: Sequence[Unit]) -> set[int]:
    """How many convolutions the blocks have whose shortcuts are convolutions."""
    by_name = {unit.name: unit for unit in trunk}
    places = {unit.name: i for i, unit in enumerate(trunk)}
    found: set[int] = set()
    for node in graph.nodes:
        if node.type != "Add":
            continue
        ways = [trace(name, graph.by_name) for name in node.inputs]
        ends = [next((n for n in way if n in by_name), "") for way in ways]
        if "" not in ends and len(set(ends)) > 1:
            low, high = sorted(places[end] for end in ends)
            found.add(high - low)
    return found


def trace(name: str, nodes: Mapping[str, Node]) -> list[str]:
    """A tensor, and those it comes from, always by the first input."""
    found: list[str] = []
    while name in nodes:
        found.append(name)
        name = next(iter(nodes[name].inputs), "")
    return found


def added(graph: Graph, pairs: Sequence[tuple[str, str]]) -> tuple[Graph, list[str]]:
    """
    The graph with a sum of each pair, and the names of the sums.

    What took the second tensor of a pair takes the sum, and the next pair starts from it.
    """
    names = {node.name for node in graph.nodes}
    after: dict[str, str] = {}
    terms: dict[str, str] = {end: start for start, end in pairs}
    nodes: list[Node] = []
    number = 0
    for node in graph.nodes:
        inputs = tuple(after.get(name, name) for name in node.inputs)
        nodes.append(replace(node, inputs=inputs))
        if node.name in terms:
            name = f"shortcut_{number}" if number else "shortcut"
            while name in names:
                name += "_"
            names.add(name)
            number += 1
            start = terms[node.name]
            nodes.append(Node(name, "Add", (node.name, after.get(start, start)), made=True, why=WHY))
            after[node.name] = name
    outputs = tuple(after.get(name, name) for name in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs), list(after.values())
