"""Assignments of the same layers as one question, so that many are asked for at the cost of one draft."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from regraft.blueprint import Setting
from regraft.recover.geometry.lattice import Assignment, Lattice
from regraft.recover.geometry.ways import Way
from regraft.recover.question import Option, Question, combinations, times

#: Options of one question about sizes, and how much dearer than the best the last may be, in nats.
MOST_OPTIONS, DEAREST = 600, 9.0
#: Ways of the same sizes that cost more than the best by this are not worth a question.
WORTH_ASKING = 6.0

#: Ways to put in layers of other types at the same sizes.
MOST_VARIANTS = 12
#: Settings of the layers that may be put in.
OF_SIZES = ("pool_size", "strides", "padding", "size", "target_shape", "data_format")

Chosen = Mapping[str, tuple[Way, ...]]
"""For every layer the ways of the sizes that an assignment gives it, cheapest first."""
Edits = dict[tuple[str, str], Setting]


def variants(lattice: Lattice, assignment: Assignment) -> Iterator[tuple[float, Chosen]]:
    """
    What an assignment chooses for every layer, cheapest first; a shared layer is chosen for once.

    Layers of different types that may be put in one place, a mean and a maximum of the same sizes, are variants.
    """
    base: dict[str, tuple[Way, ...]] = {}
    for step, edge in zip(lattice.steps, assignment.edges, strict=True):
        if step.name:
            base.setdefault(step.name, edge.group[:1] if step.shared else edge.group)
    places = [name for name, ways in base.items() if ways[0].kind]
    kinds = {name: list(dict.fromkeys(way.kind for way in base[name])) for name in places}
    several = [name for name in places if len(kinds[name]) > 1]
    least = {name: {way.kind: way.cost for way in reversed(base[name])} for name in several}
    ranked = [Question(tuple(Option(least[name][kind]) for kind in kinds[name]), "assumed") for name in several]
    for extra, picks in islice(combinations(ranked), MOST_VARIANTS):
        picked = {name: kinds[name][pick] for name, pick in zip(several, picks, strict=True)}
        yield (
            assignment.cost + extra,
            {
                name: tuple(way for way in ways if way.kind == picked[name]) if name in picked else ways
                for name, ways in base.items()
            },
        )


def structure(choice: Chosen) -> tuple[tuple[str, str], ...]:
    """Equal for assignments that put in the same layers in the same places, with whatever settings."""
    return tuple((name, ways[0].kind) for name, ways in choice.items() if ways[0].kind)


def varying(found: Sequence[Chosen]) -> frozenset[str]:
    """The layers that are not set alike by all of these assignments, and those put in that may be set otherwise."""
    first = found[0]
    marks = {name: tuple(way.key for way in ways) for name, ways in first.items()}
    put_in = {name for name, ways in first.items() if ways[0].kind and len(ways) > 1}
    changing = {
        name for other in found[1:] for name, ways in other.items() if tuple(way.key for way in ways) != marks[name]
    }
    return frozenset(name for name in put_in | changing if first[name][0].layer is not None)


def sizes_question(
    found: Sequence[tuple[float, Chosen]], layers: frozenset[str], names: Mapping[str, str]
) -> Question | None:
    """
    One question about all layers that assignments of one structure set differently; None where there is one only.

    Args:
        found: The assignments with their costs, cheapest first.
        layers: Those that vary. What other layers may do at the same sizes is asked for apart.
        names: For a place where a layer was put in the name of that layer.
    """
    if not layers:
        return None
    streams = [spelled(cost, choice, sorted(layers), names) for cost, choice in found]
    options: list[Option] = []
    seen: set[str] = set()
    least = found[0][0]
    for cost, edits in islice(heapq.merge(*streams, key=lambda item: item[0]), 2 * MOST_OPTIONS):
        if cost > least + DEAREST or len(options) >= MOST_OPTIONS:
            break
        mark = repr(sorted(edits.items()))
        if mark not in seen:
            seen.add(mark)
            reason = "the likeliest sizes" if not options else f"sizes that are {times(cost - least)} less likely"
            options.append(Option(cost - least, edits, reason))
    return Question(tuple(options), "assumed") if len(options) > 1 else None


def spelled(
    cost: float, choice: Chosen, layers: Sequence[str], names: Mapping[str, str]
) -> Iterator[tuple[float, Edits]]:
    """One assignment with all ways of the same sizes of some layers, cheapest first, with the settings they mean."""
    groups = [tuple(w for w in choice[name] if w.cost - choice[name][0].cost < WORTH_ASKING) for name in layers]
    questions = [Question(tuple(Option(way.cost) for way in ways), "assumed") for ways in groups]
    for extra, places in combinations(questions):
        picked = (ways[place] for ways, place in zip(groups, places, strict=True))
        yield (
            cost + extra,
            {
                (names.get(name, name), key): value
                for name, way in zip(layers, picked, strict=True)
                for key, value in settings_of(way)
            },
        )


def settings_of(way: Way) -> Iterator[tuple[str, Setting]]:
    """The settings that a way means; of a layer that was put in all that sizes hang on, whether given or not."""
    if way.kind and way.layer is not None:
        yield from ((key, way.layer.config[key]) for key in OF_SIZES if key in way.layer.config)
    else:
        yield from way.edits
