"""A trace without what has no parameters: units, merges, inputs and outputs, and the ways between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from regraft.graft.trace import Trace, Use
from regraft.graft.unit import CELLS, Label, Unit, units_of

#: Merges whose inputs have an order.
ORDERED = frozenset({"cat", "sub", "div", "matmul", "attention", "stack"})

#: Nodes that are told apart by their number.
ENDS = frozenset({"input", "output"})


@dataclass(frozen=True)
class Step:
    """
    An operation without parameters on the way from one node to the next.

    Attributes:
        inner: Of a function of one tensor that takes it twice, ``x * sigmoid(x)``, what was done to it the second time.
    """

    kind: str
    settings: Mapping[str, Any]
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    module: str
    inner: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Way:
    """What one node takes: the node that it comes from, and what happens in between."""

    source: int
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Node:
    """
    A unit, a merge, an input or an output.

    Attributes:
        kind: Of the unit or merge; ``input`` or ``output``.
        unit: The unit, if it is one.
        before: What it takes, in order.
        name: As a person would call it.
        shape: Of the tensor that leaves.
        place: Of the operation in the trace; -1 for inputs and outputs.
        axis: Along which tensors are put side by side.
    """

    kind: str
    before: tuple[Way, ...]
    name: str
    unit: Unit | None = None
    shape: tuple[int, ...] = ()
    place: int = -1
    axis: int | None = None

    @property
    def label(self) -> Label:
        """What must be equal for two nodes to be the same."""
        if self.unit is not None:
            return self.unit.label
        return (self.kind, self.name) if self.kind in ENDS else (self.kind,)


@dataclass(frozen=True)
class Network:
    """Nodes in an order in which they can run."""

    nodes: tuple[Node, ...]

    def after(self) -> list[list[tuple[int, int]]]:
        """For every node who takes it, and as which of their inputs."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.nodes]
        for place, node in enumerate(self.nodes):
            for number, way in enumerate(node.before):
                found[way.source].append((place, number))
        return found


@dataclass
class Builder:
    """The nodes so far, and where each operation of the trace ends up."""

    nodes: list[Node] = field(default_factory=list)
    ends: dict[int, Way] = field(default_factory=dict)
    cells: dict[frozenset[str], int] = field(default_factory=dict)

    def step(self, unit: Unit, ways: Sequence[Way], use: Use) -> Way:
        """One call of a recurrent cell: all its calls are one node, which takes what any of them takes from others."""
        key = frozenset(use.parameters.values())
        place = self.cells.setdefault(key, len(self.nodes))
        if place == len(self.nodes):
            self.add(Node(unit.kind, (), unit.name, unit, use.shape))
        known = self.nodes[place].before
        new = {way.source: way for way in ways if way.source not in (place, *(old.source for old in known))}
        self.nodes[place] = replace(self.nodes[place], before=(*known, *new.values()))
        return Way(place)

    def side_by_side(self, ways: Sequence[Way], axis: int) -> list[Way]:
        """What is put side by side, with the parts of what was put together along the same axis before."""
        found: list[Way] = []
        for way in ways:
            node = self.nodes[way.source]
            found += node.before if not way.steps and node.axis == axis else [way]
        return found

    def add(self, node: Node) -> Way:
        """One more node."""
        self.nodes.append(node)
        return Way(len(self.nodes) - 1)


def network_of(trace: Trace) -> Network:
    """The network of a trace."""
    build = Builder()
    owners: dict[frozenset[str], list[Unit]] = {}
    for unit in units_of(trace):
        owners.setdefault(frozenset(unit.use.parameters.values()), []).append(unit)
    for place in sorted({i for use in trace.uses for i in (*use.inputs,) if i < 0} | {-1}, reverse=True):
        build.ends[place] = build.add(Node("input", (), f"input {-place}"))
    for use in trace.uses:
        ways = distinct([build.ends[i] for i in use.inputs])
        if use.parameters:
            end = Way(-1)
            for unit in owners[frozenset(use.parameters.values())]:
                if unit.kind in CELLS:
                    end = build.step(unit, ways, use)
                    continue
                end = build.add(Node(unit.kind, tuple(ways), unit.name, unit, use.shape, use.place))
                ways = [end]
            build.ends[use.place] = end
        elif len(ways) > 1 and not same_source(ways):
            ways = ways if use.kind in ORDERED else sorted(ways, key=lambda way: way.source)
            axis = axis_of(use)
            ways = ways if axis is None else build.side_by_side(ways, axis)
            name = f"{use.kind} in {use.module or 'the model'}"
            build.ends[use.place] = build.add(Node(use.kind, tuple(ways), name, None, use.shape, use.place, axis))
        else:
            build.ends[use.place] = passed(ways, use)
    for number, place in enumerate(trace.outputs):
        build.add(Node("output", (build.ends[place],), f"output {number + 1}"))
    return Network(without_idle(build.nodes))


def axis_of(use: Use) -> int | None:
    """The axis along which an operation puts tensors side by side; None if it does something else."""
    axis = use.settings.get("dim") if use.kind == "cat" else None
    return axis % len(use.shape) if isinstance(axis, int) and use.shape else None


def without_idle(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes without those joins that nothing takes, because a join behind them took their parts."""
    taken = {way.source for node in nodes for way in node.before}
    idle = {place for place, node in enumerate(nodes) if node.axis is not None and place not in taken}
    if not idle:
        return tuple(nodes)
    stay = [place for place in range(len(nodes)) if place not in idle]
    new = {old: place for place, old in enumerate(stay)}
    kept = [
        replace(nodes[i], before=tuple(replace(way, source=new[way.source]) for way in nodes[i].before)) for i in stay
    ]
    return without_idle(kept)


def distinct(ways: Sequence[Way]) -> list[Way]:
    """Ways without repetition: attention takes one tensor three times."""
    return list(dict.fromkeys(ways, None)) if all(not way.steps for way in ways) else unrepeated(ways)


def unrepeated(ways: Sequence[Way]) -> list[Way]:
    """The same for ways with steps, whose settings cannot be hashed."""
    kept: list[Way] = []
    for way in ways:
        if way not in kept:
            kept.append(way)
    return kept


def same_source(ways: Sequence[Way]) -> bool:
    """Whether all come from one node: ``x * sigmoid(x)`` is a function of one tensor."""
    return len({way.source for way in ways}) == 1


def passed(ways: Sequence[Way], use: Use) -> Way:
    """A way with one more step; the parts of ``x * sigmoid(x)`` become one."""
    entering = use.shapes[0] if use.shapes else ()
    shortest = min(ways, key=lambda way: len(way.steps))
    inner = [step for way in ways for step in way.steps[len(shortest.steps) :]]
    kind = use.kind
    if inner:
        kind = "silu" if [step.kind for step in inner] == ["sigmoid"] and kind == "mul" else kind
        kind = "hardswish" if [step.kind for step in inner] == ["hardsigmoid"] and kind == "mul" else kind
    settings: Mapping[str, Any] = use.settings
    if inner and kind == use.kind:
        settings = {**settings, "of": tuple(step.kind for step in inner)}
    step = Step(kind, settings, (entering, use.shape), use.module, tuple(inner))
    return Way(shortest.source, (*shortest.steps, step))
