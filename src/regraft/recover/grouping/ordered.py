"""
A ``get_weights()`` list, read as layers: the cheapest ways to cut it into forms, by dynamic programming.

Behind every array the best few ways to read everything before it are kept, for each number of channels that may leave
there, so time grows with the number of arrays.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from regraft.recover.grouping.fitting import Sizes, fit
from regraft.recover.grouping.forms import FORMS, Form
from regraft.recover.grouping.habits import priors, together
from regraft.recover.grouping.lattice import Lattice
from regraft.recover.grouping.links import START, State, Widths, link_cost, outputs, shape_cost, states_after
from regraft.recover.grouping.reading import Layer, Reading
from regraft.recover.grouping.vectors import Look, role_cost

Shape = tuple[int, ...]
Leaving = tuple[tuple[int, float], ...]
#: Ways to read a list up to one array that are kept, for one state and in all.
BEAM_STATE, BEAM = 4, 12
#: An array that no form takes: dearer than any form, so it happens only where nothing fits.
UNKNOWN = 16.0


class _Path(NamedTuple):
    """A way to read the list up to an array: its cost, and the path it continues. The number decides between equals."""

    cost: float
    number: int
    state: State
    form: Form | None
    sizes: Sizes
    start: int
    own: float
    before: _Path | None


def read_ordered(shapes: Sequence[Shape], looks: Callable[[int], Look], count: int) -> list[Reading]:
    """
    The cheapest readings of a list of arrays, cheapest first.

    Args:
        shapes: Of the arrays, in order.
        looks: The values of an array at a glance.
        count: How many readings are wanted.
    """
    first = _read(shapes, looks, 1, priors())[0]
    expected = priors(first.layers)
    found = _read(shapes, looks, count, expected)
    return [replace(reading, whole=_whole(reading, expected)) for reading in found]


def _whole(reading: Reading, expected: Mapping[Form, float]) -> float:
    """The cost of a reading with its forms judged together."""
    apart = sum(expected[layer.form] for layer in reading.layers if layer.form is not None)
    return reading.cost - apart + together(reading.layers)


def _read(
    shapes: Sequence[Shape], looks: Callable[[int], Look], count: int, expected: Mapping[Form, float]
) -> list[Reading]:
    widths = Widths(shapes)
    lattice = Lattice(len(shapes))
    kept: list[list[_Path]] = [[] for _ in range(len(shapes) + 1)]
    kept[0] = [_Path(0.0, 0, START, None, {}, 0, 0.0, None)]
    number = 0
    for place in range(len(shapes)):
        paths, kept[place] = _best(kept[place]), []
        lattice.arrive(place, [(path.state, path.cost) for path in paths])
        for form, sizes, leaving, own in _candidates(shapes, looks, place, widths, expected):
            stop = place + len(form.arrays)
            for path in paths:
                cost = own + link_cost(form, sizes, path.state, widths, place) + _era_cost(form, path)
                for state, extra in states_after(form, sizes, leaving, path.state):
                    number += 1
                    lattice.step(path.state, stop, state, form, cost + extra)
                    kept[stop].append(
                        _Path(path.cost + cost + extra, number, state, form, sizes, place, cost + extra, path)
                    )
        for path in paths[:2]:
            number += 1
            lattice.step(path.state, place + 1, path.state, None, UNKNOWN)
            kept[place + 1].append(_Path(path.cost + UNKNOWN, number, path.state, None, {}, place, UNKNOWN, path))
    lattice.arrive(len(shapes), [(path.state, path.cost) for path in kept[-1]])
    return [lattice.judged(reading) for reading in _readings(kept[-1], len(shapes), count)]


def _candidates(
    shapes: Sequence[Shape], looks: Callable[[int], Look], place: int, widths: Widths, expected: Mapping[Form, float]
) -> list[tuple[Form, Sizes, Leaving, float]]:
    """The forms that fit from an array on, with what does not depend on the layers before."""
    found: list[tuple[Form, Sizes, Leaving, float]] = []
    for form in by_rank(len(shapes[place])):
        stop = place + len(form.arrays)
        if stop > len(shapes):
            continue
        fitted = cached_fit(form, tuple(shapes[place:stop]))
        if fitted is not None:
            sizes, leaving = fitted
            cost = expected[form] + shape_cost(form, sizes, widths, place)
            found.append((form, sizes, leaving, cost + roles_cost(form, range(place, stop), looks)))
    return found


def roles_cost(form: Form, places: Sequence[int], looks: Callable[[int], Look]) -> float:
    """How unlikely the values of a form's arrays are in their roles; kernels are not read."""
    judged = zip(form.judged, places, strict=True)
    return sum(role_cost(role, looks(place)) for role, place in judged if role)


@lru_cache(maxsize=16)
def by_rank(rank: int) -> tuple[Form, ...]:
    """The forms whose first array has so many axes."""
    return tuple(form for form in FORMS if len(form.axes[0]) == rank)


@lru_cache(maxsize=20_000)
def cached_fit(form: Form, shapes: tuple[Shape, ...]) -> tuple[Sizes, Leaving] | None:
    """The lengths of a form's axes and what leaves it; networks repeat their shapes."""
    sizes = fit(form, shapes)
    return None if sizes is None else (sizes, outputs(form, sizes))


def _era_cost(form: Form, path: _Path) -> float:
    """Layers of Keras 1 and of later versions do not meet in a list."""
    return 1.0 if form.keras_1 and path.form is not None and not path.form.keras_1 else 0.0


def _best(paths: list[_Path]) -> list[_Path]:
    """The cheapest paths, not too many for one state."""
    found: list[_Path] = []
    counts: dict[State, int] = {}
    for path in heapq.nsmallest(3 * BEAM, paths):
        counts[path.state] = counts.get(path.state, 0) + 1
        if counts[path.state] <= BEAM_STATE:
            found.append(path)
    return found[:BEAM]


def _readings(paths: list[_Path], length: int, count: int) -> list[Reading]:
    """The cheapest whole paths that differ in their layers."""
    found: dict[tuple[Layer, ...], Reading] = {}
    for path in heapq.nsmallest(3 * count, paths):
        layers: list[Layer] = []
        at, stop = path, length
        while at.before is not None:
            layers.append(Layer(at.form, tuple(range(at.start, stop)), at.sizes, at.own))
            at, stop = at.before, at.start
        key = tuple(reversed(layers))
        found.setdefault(key, Reading(key, path.cost))
    return list(found.values())[:count]
