"""What is known of one tensor of the graph while moments are carried through it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from regraft.blueprint import Shape
from regraft.moments.law import Law
from regraft.moments.moment import Moments


@dataclass(frozen=True, eq=False)
class Flow:
    """
    The channels of one tensor.

    Attributes:
        law: Their distribution; None where it cannot be known, see ``reason``.
        axis: Axis of the channels in Keras order, counted from the batch at 0; -1 for the last.
        sources: The BatchNorms that it comes from.
        through: The layers since then, in the order of the graph.
        measured: Whether the variance comes from a stored one; that behind a linear layer or a sum is rough.
        start: The distribution whose rough spread the law goes back to; None if there is no such.
        tail: What happened to every element, or to neighbours, since then.
        rough: Why the mean is less sure than linearity makes it, a few words a reason.
        margins: Zeros that a padding layer put around the map and no kernel has read yet: (before, after) an axis.
        flat: Where a map of unknown size was flattened, how channels lie in the last axis: ``last`` if they run
            fastest, ``first`` if slowest; empty otherwise.
        low: No element is smaller.
        high: No element is larger.
        squashed: The layers that these bounds come from.
        reason: Why nothing is known.
    """

    law: Law | None
    axis: int = -1
    sources: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    measured: bool = True
    start: Law | None = None
    tail: tuple[Callable[[Law], Law], ...] = ()
    rough: tuple[str, ...] = ()
    margins: tuple[tuple[int, int], ...] = ()
    flat: Literal["", "last", "first"] = ""
    low: float = -math.inf
    high: float = math.inf
    squashed: tuple[str, ...] = ()
    reason: str = ""

    def then(self, layer: str, law: Law, *rough: str, **changes: object) -> Flow:
        """Behind one more layer, no way back past it. Pending margins stay."""
        start = None if changes.get("measured", self.measured) else law
        kept = replace(self, law=law, start=start, tail=(), through=(*self.through, layer), **changes)  # type: ignore[arg-type]
        return replace(kept, rough=once((*self.rough, *rough)))

    def onward(self, layer: str, change: Callable[[Law], Law], *rough: str) -> Flow:
        """Behind one more layer that changes every element by itself, or takes the largest of neighbours."""
        if self.law is None:
            return self
        through = (*self.through, layer) if layer else self.through
        return replace(
            self,
            law=change(self.law),
            tail=(*self.tail, change),
            through=through,
            rough=once((*self.rough, *rough)),
        )


def unknown(reason: str) -> Flow:
    """A tensor of which nothing is known."""
    return Flow(None, reason=reason)


def once(items: Iterable[str]) -> tuple[str, ...]:
    """The items without repetitions, in order."""
    return tuple(dict.fromkeys(items))


def channel_axis(flow: Flow, shape: Shape) -> int:
    """The axis of the channels, as a number from the front where the rank is known."""
    return flow.axis % len(shape) if shape else flow.axis


def spatial(flow: Flow, shape: Shape, rank: int) -> tuple[int | None, ...]:
    """Lengths of the axes that are neither batch nor channels; None each where the shape is unknown."""
    if shape is None or len(shape) != rank + 2:
        return (None,) * rank
    axis = channel_axis(flow, shape)
    return tuple(n for i, n in enumerate(shape) if i not in (0, axis))


def settled(flow: Flow, shape: Shape) -> Flow:
    """The flow with its pending margins counted as elements that are zero; ``shape`` is that with the margins."""
    if not any(before + after for before, after in flow.margins) or flow.law is None:
        return flow
    sizes = spatial(flow, shape, len(flow.margins))
    share = 1.0
    for n, (before, after) in zip(sizes, flow.margins, strict=True):
        if n:
            share *= (n - before - after) / n
    mean, variance = flow.law.moments
    mixed = Moments(mean * share, share * (variance + np.square(mean)) - np.square(mean * share))
    return replace(flow, law=Law.of(mixed), start=None, tail=(), margins=())


def widened(flow: Flow, length: int) -> Flow | None:
    """A flattened map of unknown size, once the length of its axis is known; None if the channels do not divide it."""
    if flow.law is None or not flow.flat:
        return flow
    places, rest = divmod(length, flow.law.channels)
    if rest or not places:
        return None
    return replace(flow, law=repeated(flow.law, places, flow.flat == "last"), flat="", start=None, tail=())


def repeated(law: Law, places: int, fastest: bool) -> Law:
    """Every channel once for each place of a flattened map; ``fastest`` if neighbours are different channels."""
    mean, variance = (
        np.tile(part, (1, places)) if fastest else np.repeat(part, places, axis=1) for part in law.moments
    )
    return Law.of(Moments(mean, variance))
