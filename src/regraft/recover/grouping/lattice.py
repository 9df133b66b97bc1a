"""Every way to read a list of arrays that was considered: how much dearer it gets without one layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from regraft.recover.grouping.forms import Form
from regraft.recover.grouping.links import State
from regraft.recover.grouping.reading import Layer, Reading

#: Alternatives up to here are named: one in three thousand.
NAMED = 8.0
#: What nothing else was considered for.
ALONE = 99.0


class _Step(NamedTuple):
    before: State
    stop: int
    after: State
    form: Form | None
    cost: float


class Lattice:
    """
    The states between arrays, and the layers that lead from one to another.

    Args:
        length: Number of arrays.
    """

    def __init__(self, length: int) -> None:
        self._arrived: list[dict[State, float]] = [{} for _ in range(length + 1)]
        self._steps: list[list[_Step]] = [[] for _ in range(length + 1)]
        self._place = 0
        self._covers: dict[int, dict[tuple[Form | None, int, int], float]] | None = None

    def arrive(self, place: int, states: Sequence[tuple[State, float]]) -> None:
        """The states that are kept in front of an array, with the cost of reading all before it; steps follow."""
        self._place = place
        for state, cost in states:
            self._arrived[place][state] = min(cost, self._arrived[place].get(state, cost))

    def step(self, before: State, stop: int, after: State, form: Form | None, cost: float) -> None:
        """A layer from the present place on."""
        self._steps[self._place].append(_Step(before, stop, after, form, cost))

    def judged(self, reading: Reading) -> Reading:
        """The reading with the margins of its layers, and the types that their arrays may have instead."""
        covers = self._costs_by_cover()
        margins: list[float] = []
        others: list[tuple[str, ...]] = []
        for layer in reading.layers:
            start, stop = layer.places[0], layer.places[-1] + 1
            rivals = sorted(
                (cost - reading.cost, form.type if form else "")
                for (form, first, last), cost in covers.get(start, {}).items()
                if (form, first, last) != (layer.form, start, stop)
            )
            margins.append(max(rivals[0][0], 0.0) if rivals else ALONE)
            own = _type(layer)
            others.append(
                tuple(dict.fromkeys(kind for cost, kind in rivals if cost <= NAMED and kind not in ("", own)))
            )
        return replace(reading, margins=tuple(margins), others=tuple(others))

    def _costs_by_cover(self) -> dict[int, dict[tuple[Form | None, int, int], float]]:
        """For each array the layers that may hold it, each with the cost of the cheapest reading that has it."""
        if self._covers is not None:
            return self._covers
        end = len(self._arrived) - 1
        onward: list[dict[State, float]] = [{} for _ in self._arrived]
        onward[end] = dict.fromkeys(self._arrived[end], 0.0)
        covers: dict[int, dict[tuple[Form | None, int, int], float]] = defaultdict(dict)
        for place in range(end - 1, -1, -1):
            for step in self._steps[place]:
                rest = onward[step.stop].get(step.after)
                if rest is None:
                    continue
                cost = step.cost + rest
                onward[place][step.before] = min(cost, onward[place].get(step.before, cost))
                total, key = cost + self._arrived[place][step.before], (step.form, place, step.stop)
                for array in range(place, step.stop):
                    covers[array][key] = min(total, covers[array].get(key, total))
        self._covers = covers
        return covers


def _type(layer: Layer) -> str:
    return layer.form.type if layer.form else ""
