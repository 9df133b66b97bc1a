"""A tensor of one model among those of another, whatever order its axes have there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from regraft.graft.watching import Watched

How = Literal["values", "rearranged"]


@dataclass(frozen=True)
class Found:
    """
    A tensor of the module that is one of the Keras model.

    Attributes:
        number: Among the tensors of the run; ``-1 - i`` is the i-th input.
        how: ``values``: axis by axis; ``rearranged``: the same numbers in another order.
        error: Largest difference, relative to the largest value.
    """

    number: int
    how: How
    error: float


@dataclass
class Index:
    """The tensors of a run by what does not change when axes move."""

    watched: Watched
    tolerance: float
    sizes: dict[int, list[int]] = field(default_factory=dict)
    moments: dict[int, tuple[float, ...]] = field(default_factory=dict)
    kept: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number in (*range(-len(self.watched.inputs), 0), *range(len(self.watched.made))):
            array = self.array(number)
            if array.size:
                self.sizes.setdefault(array.size, []).append(number)

    @cached_property
    def used(self) -> frozenset[int]:
        """Tensors that something is made of, or that leave the module."""
        return frozenset({i for made in self.watched.made for i in made.inputs} | set(self.watched.ends))

    def array(self, number: int) -> np.ndarray:
        """A tensor as numbers in double precision."""
        if number not in self.kept:
            raw = self.watched.inputs[-1 - number] if number < 0 else self.watched.made[number].array
            self.kept[number] = finite(raw)
        return self.kept[number]

    def moment(self, number: int) -> tuple[float, ...]:
        """What does not depend on the order of its numbers."""
        if number not in self.moments:
            self.moments[number] = moments_of(self.array(number))
        return self.moments[number]

    def equal(self, array: np.ndarray) -> list[int]:
        """Every tensor with these numbers, in whatever order."""
        array = finite(array)
        wanted = moments_of(array) if array.size else ()
        return (
            [n for n in self.sizes.get(array.size, ()) if alike(wanted, self.moment(n), self.tolerance)]
            if wanted
            else []
        )

    def find(self, array: np.ndarray) -> Found | None:
        """
        The tensor that holds these numbers; the one that was made first, where there are several.

        Args:
            array: In Keras order, batch first.
        """
        array = finite(array)
        if not array.size:
            return None
        wanted = moments_of(array)
        near = [n for n in self.sizes.get(array.size, ()) if alike(wanted, self.moment(n), self.tolerance)]
        for number in near:
            for turned in layouts(array, self.array(number).shape):
                off = relative(turned, self.array(number).reshape(turned.shape))
                if off <= self.tolerance:
                    return Found(number, "values", off)
        if near:
            ordered = np.sort(array, axis=None)
            for number in near:
                off = relative(ordered, np.sort(self.array(number), axis=None))
                if off <= self.tolerance:
                    return Found(number, "rearranged", off)
        return None


def fits(array: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether a tensor has the shape of one in Keras order, in any order of axes."""
    return array.size == theirs.size and any(True for _ in layouts(array, theirs.shape))


def placed(like: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """A tensor of the module in Keras order; where two orders fit, the nearer one."""
    numbers = np.arange(like.size, dtype=np.float64).reshape(like.shape)
    best: tuple[float, np.ndarray] | None = None
    for turned, places in zip(layouts(like, theirs.shape), layouts(numbers, theirs.shape), strict=True):
        off = relative(finite(turned), finite(theirs).reshape(turned.shape))
        if best is None or off < best[0]:
            array = np.empty(like.size, dtype=np.float64)
            array[places.astype(np.int64).ravel()] = theirs.ravel()
            best = off, array.reshape(like.shape)
    assert best is not None  # else the two do not fit
    return best[1]


def finite(array: np.ndarray) -> np.ndarray:
    """Numbers that can be compared: what is none becomes one that does not occur by itself."""
    wide = array.astype(np.float64, copy=False)
    return wide if np.isfinite(wide).all() else np.nan_to_num(wide, nan=-7.7e77, posinf=8.8e88, neginf=-8.8e88)


def moments_of(array: np.ndarray) -> tuple[float, ...]:
    """Largest magnitude, mean magnitude, root mean square, mean."""
    size = np.abs(array)
    top = float(size.max())
    scaled = array / top if top else array
    return top, float(size.mean()), top * float(np.sqrt(np.square(scaled).mean())), float(array.mean())


def alike(ours: Sequence[float], theirs: Sequence[float], tolerance: float) -> bool:
    """Whether all moments agree, relative to the largest value."""
    scale = max(ours[0], 1e-30)
    return all(abs(a - b) <= 1.01 * tolerance * scale for a, b in zip(ours, theirs, strict=True))


def layouts(array: np.ndarray, shape: Sequence[int]) -> Iterator[np.ndarray]:
    """An array in the orders in which PyTorch may hold it, of those that have this shape; axes of length 1 do not count."""
    bare = [n for n in shape if n != 1]
    for turned in orders(array):
        if [n for n in turned.shape if n != 1] == bare:
            yield turned


def orders(array: np.ndarray) -> Iterator[np.ndarray]:
    """As it is, channels first, steps before the batch, and both."""
    yield array
    if array.ndim > 2:
        yield np.moveaxis(array, -1, 1)
        yield np.moveaxis(array, 0, 1)
        yield np.moveaxis(np.moveaxis(array, -1, 1), 0, -1)


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference relative to the largest value of the first."""
    top = float(np.abs(ours).max())
    return float(np.abs(ours - theirs).max()) / max(top, 1e-30)


def difference(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """The smallest difference in any order of axes that fits; None if none does."""
    ours, theirs = finite(ours), finite(theirs)
    found = [relative(turned, theirs.reshape(turned.shape)) for turned in layouts(ours, theirs.shape)]
    return min(found, default=None)
