"""The search through all sizes, step by step, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from regraft.blueprint import Call, Shape, TensorRef
from regraft.recover.geometry.budget import WAY
from regraft.recover.geometry.lattice import INFINITE, Edge, Key, Lattice, Step
from regraft.recover.geometry.ways import Price, Way, Workshop, least


def search(
    steps: Sequence[Step], shop: Workshop, width: int, limit: float = INFINITE, slack: float = INFINITE
) -> Lattice:
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
        kept = [
            j for j, ref in enumerate(live) if last_use.get(ref, -1) > i or (ref.call < 0 and last_call[ref.layer] > i)
        ]
        outputs = [j for j, ref in enumerate(step.outputs) if last_use.get(ref, -1) > i]
        chooses = step.shared and picked < 0 and last_call[step.name] > i
        moves = mover(step, shop)
        most = limit - rest[i + 1]
        partners = [(live.index(ref), fits) for ref, fits in step.partners if ref in live]
        found: dict[Key, int] = {}
        costs: list[float] = []
        edges: list[Edge] = []
        for state, key in enumerate(states):
            if shop.budget.spent:
                lattice.cut, lattice.failure = True, step.name or "(the outputs)"
                return lattice
            arriving = tuple(key[p] if p >= 0 else None for p in places)
            base = tuple(key[j] for j in kept)
            leaving = moves(arriving)  # type: ignore[arg-type]
            shop.budget.left -= len(leaving)
            for shapes, group in leaving:
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
            lattice.failure = step.name or "(the outputs)"
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

    def extra(price: Price, way: Way, arriving: tuple[Shape, ...]) -> float:
        key = (step.name, id(way.layer), arriving)
        if way.layer is None:
            return price(way, arriving)
        if key not in shop.prices:
            shop.prices[key] = price(way, arriving)
        return shop.prices[key]

    def moves(arriving: tuple[Shape, ...]) -> list[tuple[tuple[Shape, ...], tuple[Way, ...]]]:
        if arriving not in seen:
            groups: dict[tuple[Shape, ...], list[Way]] = {}
            known: set[object] = set()
            if not arriving or step.demand.allows(arriving[0]):
                for way in step.ways(arriving):
                    shop.budget.left -= WAY
                    shapes, function = leaving(way, arriving)
                    if shapes is not None and (way.kind, function) not in known:
                        known.add((way.kind, function))
                        priced = way if step.price is None else way.dearer(extra(step.price, way, arriving))
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
            if rest < INFINITE and lattice.before[i][edge.start] + rest <= limit:
                kept.append(edge)
                costs[edge.start] = min(costs[edge.start], rest)
        lattice.edges[i] = kept
        after = costs
        collected.append(after)
    lattice.after = collected[::-1]
