"""
All assignments at once: states of map sizes from step to step, with the cheapest ways between them.

Two assignments that lead to the same sizes of all tensors still needed have the same future, so only the cheapest is
followed further (dynamic programming; exact as long as no more states occur than are kept). What each setting would
cost at best, and the best few assignments, are read off the finished lattice.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from regraft.blueprint import Setting, Shape, TensorRef
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.ways import Edits, Price, Way, Ways

INFINITE = float("inf")


Key = tuple[object, ...]


Fits = Callable[[Shape, Shape], bool]


@dataclass(frozen=True, eq=False)
class Step:
    """
    One call as the search sees it.

    Attributes:
        name: The layer.
        inputs: Tensors that enter.
        outputs: Tensors that leave.
        ways: How the layer may be set.
        demand: What its arrays demand of the first input.
        shared: Whether the layer is called more than once, so that one choice serves all calls.
        price: What a way costs more for the shapes that arrive; None if nothing.
        partners: Tensors that will be merged with the first output, with what must be equal: what does not fit is
            dropped as soon as both are there.
    """

    name: str
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]
    ways: Ways
    demand: Demand = field(default_factory=Demand)
    shared: bool = False
    price: Price | None = None
    partners: tuple[tuple[TensorRef, Fits], ...] = ()


@dataclass(frozen=True, eq=False)
class Edge:
    """From a state before a step to one after it; the ways in ``group`` lead to the same sizes, cheapest first."""

    start: int
    end: int
    group: tuple[Way, ...]

    @property
    def cost(self) -> float:
        """Of the cheapest way."""
        return self.group[0].cost


@dataclass
class Lattice:
    """
    Every step's edges.

    Attributes:
        steps: The steps, in order.
        edges: For each step its edges.
        before: For each step and state the least cost to get there; one entry more than steps.
        after: The same for the way from there to the end.
        failure: The step that no state gets through, or empty.
        slack: What costs more than the best assignment by so many nats is forgotten.
        cut: Whether states were dropped because there were too many: then what is missing may still be possible.
    """

    steps: Sequence[Step]
    edges: list[list[Edge]] = field(default_factory=list)
    before: list[list[float]] = field(default_factory=lambda: [[0.0]])
    after: list[list[float]] = field(default_factory=list)
    slack: float = INFINITE
    failure: str = ""
    cut: bool = False

    @property
    def best(self) -> float:
        """The least cost of an assignment."""
        return INFINITE if self.failure else min(self.before[-1], default=INFINITE)


@dataclass(frozen=True)
class Assignment:
    """One way for every step, and the other ways of the same sizes."""

    cost: float
    edges: tuple[Edge, ...]


def assignments(lattice: Lattice) -> Iterator[Assignment]:
    """Assignments of different sizes, cheapest first, lazily."""
    if lattice.failure:
        return
    starting: list[dict[int, list[Edge]]] = []
    for edges in lattice.edges:
        by_start: dict[int, list[Edge]] = {}
        after = lattice.after[len(starting) + 1]
        for edge in sorted(edges, key=lambda e: e.cost + after[e.end]):
            by_start.setdefault(edge.start, []).append(edge)
        starting.append(by_start)
    number = count()
    heap: list[tuple[float, int, int, int, float, tuple]] = [(lattice.best, next(number), 0, 0, 0.0, ())]
    while heap:
        total, _, i, state, spent, path = heapq.heappop(heap)
        # The way back is known exactly, so a path is only left when another becomes cheaper.
        while i < len(lattice.steps):
            options = starting[i].get(state, [])
            if not options:
                break
            for edge in options[1:]:
                cost = spent + edge.cost
                heapq.heappush(
                    heap,
                    (cost + lattice.after[i + 1][edge.end], next(number), i + 1, edge.end, cost, (path, edge)),
                )
            spent, path, state, i = spent + options[0].cost, (path, options[0]), options[0].end, i + 1
        if i == len(lattice.steps):
            yield Assignment(total, unrolled(path))


def unrolled(path: tuple) -> tuple[Edge, ...]:
    """A chain of pairs as a list."""
    found: list[Edge] = []
    while path:
        path, edge = path
        found.append(edge)
    return tuple(reversed(found))


def best_with(lattice: Lattice) -> dict[str, dict[tuple[str, Edits], float]]:
    """For every layer and way the least cost of an assignment that takes it."""
    found: dict[str, dict[tuple[str, Edits], float]] = {}
    for i, edges in enumerate(lattice.edges):
        costs = found.setdefault(lattice.steps[i].name, {})
        for edge in edges:
            through = lattice.before[i][edge.start] + lattice.after[i + 1][edge.end]
            for way in edge.group:
                costs[way.key] = min(costs.get(way.key, INFINITE), through + way.cost)
    return found


def values_of(costs: Mapping[tuple[str, Edits], float], name: str) -> dict[Setting, float]:
    """For every value of one setting the least cost."""
    found: dict[Setting, float] = {}
    for (_, edits), cost in costs.items():
        for key, value in edits:
            if key == name:
                found[value] = min(found.get(value, INFINITE), cost)
    return found
