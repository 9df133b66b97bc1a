"""Runs of a sequence in which a pattern follows itself: ``x a b a b a b y`` holds ``a b`` three times."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

#: Longest pattern that is looked for, in elements.
LONGEST_PERIOD = 24


@dataclass(frozen=True)
class Run:
    """
    A pattern that follows itself.

    Attributes:
        start: Place of the first element.
        stop: Place behind the last one; the length is a multiple of ``period``.
        period: Length of the pattern.
    """

    start: int
    stop: int
    period: int


def best_runs(elements: Sequence[Hashable], sizes: Sequence[int], ties: Sequence[int], most: int) -> list[Run]:
    """
    Runs that do not overlap, those that save most first chosen; in the order of the sequence.

    Args:
        elements: The sequence.
        sizes: How many layers each element stands for; a pattern stands for at least 2 and at most ``most``, and holds at
            most one element of more than 2, which is a block of its own.
        ties: For every place 1 if the element belongs to the one before it: patterns begin where that is seldom so.
        most: Layers of a pattern.
    """
    total = [0, *accumulate(sizes)]
    large = [0, *accumulate(int(size > 2) for size in sizes)]
    free = [True] * len(elements)
    chosen: list[Run] = []
    candidates = [run for run in stretches(elements) if large[run.start + run.period] - large[run.start] <= 1]
    while candidates:
        scored = [(saving(run, total, most), -run.period, -run.start, run) for run in candidates]
        best = max(scored, key=lambda found: found[:3])
        if best[0] <= 0:
            break
        run = turned(best[3], ties, total, most)
        chosen.append(run)
        free[run.start : run.stop] = [False] * (run.stop - run.start)
        candidates = [part for old in candidates for part in left_over(old, free)]
    return sorted(chosen, key=lambda run: run.start)


def stretches(elements: Sequence[Hashable]) -> Iterator[Run]:
    """The longest stretches that have a period; their length need not be a multiple of it."""
    number: dict[Hashable, int] = {}
    ids = [number.setdefault(element, len(number)) for element in elements]
    for period in range(1, min(LONGEST_PERIOD, len(ids) // 2) + 1):
        start = None
        for place in range(len(ids) - period + 1):
            same = place + period < len(ids) and ids[place] == ids[place + period]
            if same and start is None:
                start = place
            elif not same and start is not None:
                if place - start >= period and not repeats(ids[start : start + period]):
                    yield Run(start, place + period, period)
                start = None


def repeats(pattern: Sequence[int]) -> bool:
    """Whether a pattern is itself a shorter one several times: then that one is meant."""
    size = len(pattern)
    return any(size % part == 0 and pattern[part:] == pattern[:-part] for part in range(1, size // 2 + 1))


def saving(run: Run, total: Sequence[int], most: int) -> int:
    """Layers that need not be looked at: all of the run but one pattern, and one node for each time it occurs."""
    size = total[run.start + run.period] - total[run.start]
    count = (run.stop - run.start) // run.period
    return (count - 1) * size - count if 2 <= size <= most and count > 1 else 0


def turned(run: Run, ties: Sequence[int], total: Sequence[int], most: int) -> Run:
    """The run begun where its patterns are cut between elements that do not belong together."""
    length = run.stop - run.start
    best: tuple[float, int, Run] | None = None
    for shift in range(min(run.period, length - 2 * run.period + 1)):
        start = run.start + shift
        stop = start + (length - shift) // run.period * run.period
        shifted = Run(start, stop, run.period)
        cuts = range(start, stop, run.period)
        cost = sum(ties[cut] for cut in cuts) / len(cuts) - 1e-3 * saving(shifted, total, most)
        if best is None or cost < best[0]:
            best = (cost, shift, shifted)
    if best is None:
        raise ValueError(f"no pattern of length {run.period} fits twice into {length} elements")
    return best[2]


def left_over(run: Run, free: Sequence[bool]) -> Iterator[Run]:
    """The parts of a stretch that are still free and hold its pattern twice."""
    start = None
    for place in range(run.start, run.stop + 1):
        open_here = place < run.stop and free[place]
        if open_here and start is None:
            start = place
        elif not open_here and start is not None:
            if place - start >= 2 * run.period:
                yield Run(start, place, run.period)
            start = None
