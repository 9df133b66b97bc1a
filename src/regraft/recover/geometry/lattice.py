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

from regraft.blueprint import Call, Setting, Shape, TensorRef
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.ways import Edits, Price, Way, Ways, Workshop, least

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


def search(steps: Sequence[Step], shop: Workshop, width: int, limit: float = INFINITE, slack: float = INFINITE) -> Lattice:
    """
    Follow all sizes through all steps.

    Args:
        steps: Inputs first, every tensor made before it is used.
        shop: Remembers shapes from search to search.
        width: How many states are kept behind each step, the cheapest.
        limit: What cannot end below this cost is dropped.
        slack: What ends above the best by more than this is dropped too.
    """
    lattice = Lattice(steps, slack=slack)
    rest = [0.0]
    for step in reversed(steps):
        rest.append(rest[-1] + (0.0 if step.shared else least(step.ways)))
    rest.reverse()
    last_use = {ref: i for i, step in enumerate(steps) for ref in step.inputs}
    last_call = {step.name: i for i, step in enumerate(steps)}
    live: list[TensorRef] = []
    states: list[Key] = [()]
    for i, step in enumerate(steps):
        pick = TensorRef(step.name, -1)
        places = [live.index(ref) if ref in live else -1 for ref in step.inputs]
        picked = live.index(pick) if pick in live else -1
        kept = [j for j, ref in enumerate(live) if last_use.get(ref, -1) > i or (ref.call < 0 and last_call[ref.layer] > i)]
        outputs = [j for j, ref in enumerate(step.outputs) if last_use.get(ref, -1) > i]
        chooses = step.shared and picked < 0 and last_call[step.name] > i
        moves = mover(step, shop)
        most = limit - rest[i + 1]
        partners = [(live.index(ref), fits) for ref, fits in step.partners if ref in live]
        found: dict[Key, int] = {}
        costs: list[float] = []
        edges: list[Edge] = []
        for state, key in enumerate(states):
            arriving = tuple(key[p] if p >= 0 else None for p in places)
            base = tuple(key[j] for j in kept)
            for shapes, group in moves(arriving):  # type: ignore[arg-type]
                if any(not fits(key[j], shapes[0]) for j, fits in partners):  # type: ignore[arg-type]
                    continue
                chosen = group
                if picked >= 0:
                    chosen = tuple(way for way in group if way.key == key[picked])
                for part in [(way,) for way in chosen] if chooses else [chosen] if chosen else []:
                    after = (*base, *(shapes[j] for j in outputs), *((part[0].key,) if chooses else ()))
                    # A shared layer pays once.
                    cost = lattice.before[i][state] + (0.0 if picked >= 0 else part[0].cost)
                    if cost > most:
                        continue
                    end = found.setdefault(after, len(costs))
                    if end == len(costs):
                        costs.append(cost)
                    costs[end] = min(costs[end], cost)
                    edges.append(Edge(state, end, part if picked < 0 else (free(part[0]),)))
        if not costs:
            lattice.failure = step.name
            return lattice
        states, costs, edges = narrowed(list(found), costs, edges, width, lattice)
        lattice.edges.append(edges)
        lattice.before.append(costs)
        live = [live[j] for j in kept] + [step.outputs[j] for j in outputs] + ([pick] if chooses else [])
    look_back(lattice)
    return lattice


def free(way: Way) -> Way:
    """The same way at no cost: a shared layer was paid for at its first call."""
    return Way(way.edits, 0.0, way.layer, way.kind)


def mover(step: Step, shop: Workshop) -> Callable[[tuple[Shape, ...]], list[tuple[tuple[Shape, ...], tuple[Way, ...]]]]:
    """For the shapes that arrive the shapes that can leave, each with its ways; of equal functions the cheapest way."""
    call = Call(step.name, step.inputs)
    count = len(step.outputs)
    seen: dict[tuple[Shape, ...], list[tuple[tuple[Shape, ...], tuple[Way, ...]]]] = {}

    def leaving(way: Way, arriving: tuple[Shape, ...]) -> tuple[tuple[Shape, ...] | None, object]:
        if way.layer is None:
            return (arriving[:1] if way.kind == "absent" and arriving else (None,) * count), way.kind
        shapes, function = shop.effect(way.layer, call, arriving)
        return (None if shapes is None else (*shapes, *(None,) * (count - len(shapes)))[:count]), function

    def moves(arriving: tuple[Shape, ...]) -> list[tuple[tuple[Shape, ...], tuple[Way, ...]]]:
        if arriving not in seen:
            groups: dict[tuple[Shape, ...], list[Way]] = {}
            known: set[object] = set()
            if not arriving or step.demand.allows(arriving[0]):
                for way in step.ways(arriving):
                    shapes, function = leaving(way, arriving)
                    if shapes is not None and (way.kind, function) not in known:
                        known.add((way.kind, function))
                        priced = way if step.price is None else way.dearer(step.price(way, arriving))
                        groups.setdefault(shapes, []).append(priced)
            seen[arriving] = [(shapes, tuple(sorted(ways, key=lambda w: w.cost))) for shapes, ways in groups.items()]
        return seen[arriving]

    return moves


def narrowed(
    states: list[Key], costs: list[float], edges: list[Edge], width: int, lattice: Lattice
) -> tuple[list[Key], list[float], list[Edge]]:
    """Only the cheapest states, if there are too many."""
    if len(states) <= width:
        return states, costs, edges
    lattice.cut = True
    order = sorted(range(len(states)), key=costs.__getitem__)[:width]
    place = {old: new for new, old in enumerate(order)}
    kept = [Edge(e.start, place[e.end], e.group) for e in edges if e.end in place]
    return [states[i] for i in order], [costs[i] for i in order], kept


def look_back(lattice: Lattice) -> None:
    """Costs from every state to the end; edges that lead nowhere, or only to dear assignments, are dropped."""
    after = [0.0] * len(lattice.before[-1])
    collected = [after]
    limit = lattice.best + lattice.slack
    for i in range(len(lattice.steps) - 1, -1, -1):
        costs = [INFINITE] * len(lattice.before[i])
        kept: list[Edge] = []
        for edge in lattice.edges[i]:
            rest = edge.cost + after[edge.end]
            if lattice.before[i][edge.start] + rest <= limit:
                kept.append(edge)
                costs[edge.start] = min(costs[edge.start], rest)
        lattice.edges[i] = kept
        after = costs
        collected.append(after)
    lattice.after = collected[::-1]


def assignments(lattice: Lattice) -> Iterator[Assignment]:
    """Assignments of different sizes, cheapest first, lazily."""
    if lattice.failure:
        return
    starting: list[dict[int, list[Edge]]] = []
    for edges in lattice.edges:
        by_start: dict[int, list[Edge]] = {}
        for edge in edges:
            by_start.setdefault(edge.start, []).append(edge)
        starting.append(by_start)
    number = count()
    heap: list[tuple[float, int, int, int, float, tuple]] = [(lattice.best, next(number), 0, 0, 0.0, ())]
    while heap:
        total, _, i, state, spent, path = heapq.heappop(heap)
        # The way back is known exactly, so a path is only left when another becomes cheaper.
        while i < len(lattice.steps):
            options = sorted(
                starting[i].get(state, []), key=lambda e: e.cost + lattice.after[i + 1][e.end]
            )
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
