"""
Reversible axis moves: how stored Keras arrays become PyTorch parameters, and back.

A move takes a tuple of arrays and gives a tuple of arrays; ``inverse`` gives the move that undoes it.
Axes have names (``kh kw cin cout``, ``units``, ``gate``), and the einops pattern that moves them is what
code, report and error messages show.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from einops import parse_shape, rearrange

Arrays = tuple[np.ndarray, ...]


class Move(Protocol):
    """A reversible step from stored arrays to parameters."""

    def __call__(self, arrays: Arrays) -> Arrays:
        """Apply the move."""
        ...

    @property
    def inverse(self) -> Move:
        """The move that undoes this one."""
        ...

    @property
    def words(self) -> str:
        """The move as a person reads it, for report and error."""
        ...


@dataclass(frozen=True)
class Layout:
    """
    Axes of every given array move alike, as an einops pattern.

    >>> Layout("kh kw cin cout -> cout cin kh kw").inverse.words
    'cout cin kh kw -> kh kw cin cout'
    """

    pattern: str
    sizes: Mapping[str, int] = field(default_factory=dict)

    def __call__(self, arrays: Arrays) -> Arrays:
        return tuple(rearrange(array, self.pattern, **self.sizes_used) for array in arrays)

    @property
    def sizes_used(self) -> dict[str, int]:
        """Only the sizes of axes that the pattern names: einops refuses others."""
        named = set(re.findall(r"[a-z_]\w*", self.pattern))
        return {axis: size for axis, size in self.sizes.items() if axis in named}

    @property
    def inverse(self) -> Layout:
        source, target = self.pattern.split(" -> ")
        return Layout(f"{target} -> {source}", self.sizes)

    @property
    def words(self) -> str:
        return self.pattern

    def shape(self, source: Sequence[int]) -> tuple[int, ...]:
        """
        The shape that the move makes of a source shape, without any data.

        >>> Layout("kh kw cin mult -> (cin mult) 1 kh kw").shape((3, 5, 64, 2))
        (128, 1, 3, 5)
        """
        left, right = (side_axes(side) for side in self.pattern.split(" -> "))
        sizes = dict(self.sizes)
        for group, size in zip(left, source, strict=True):
            unknown = [axis for axis in group if axis not in sizes and not axis.isdigit()]
            if len(unknown) == 1:
                sizes[unknown[0]] = size // math.prod(sizes[axis] for axis in group if axis in sizes)
        return tuple(math.prod(sizes.get(axis, 1) for axis in group) for group in right)

    def bind(self, shape: Sequence[int]) -> Layout:
        """Fix the length of every named axis from the shape of the source, so that ``inverse`` can undo ``(cin mult)``."""
        source, _ = self.pattern.split(" -> ")
        if "(" in source:
            return self
        return Layout(self.pattern, {**self.sizes, **parse_shape(np.broadcast_to(np.uint8(0), tuple(shape)), source)})

    def refine(self, axis: str, keras: str, torch: str, sizes: Mapping[str, int]) -> Layout:
        """
        Split one axis on both sides: ``cin`` becomes ``(h w c)`` in the file and ``(c h w)`` in PyTorch.

        >>> Layout("cin units -> units cin").refine("cin", "(h w c)", "(c h w)", {"h": 2, "w": 3, "c": 5}).pattern
        '(h w c) units -> units (c h w)'
        """
        source, target = self.pattern.split(" -> ")
        word = rf"\b{axis}\b"
        return Layout(f"{re.sub(word, keras, source)} -> {re.sub(word, torch, target)}", {**self.sizes, **sizes})


def side_axes(side: str) -> list[list[str]]:
    """
    One side of a pattern, axis by axis; axes in brackets share a place.

    >>> side_axes("(h w c) units")
    [['h', 'w', 'c'], ['units']]
    """
    return [found.strip("()").split() for found in re.findall(r"\([^)]*\)|\S+", side)]


@dataclass(frozen=True)
class Reorder:
    """
    Equal blocks along one axis change places; ``order[i]`` is the old block that comes to place ``i``.

    GRU gates: Keras stores ``z r h``, torch wants ``r z n``: ``Reorder("gate", axis=-1, order=(1, 0, 2))``.
    """

    name: str
    axis: int
    order: tuple[int, ...]

    def __call__(self, arrays: Arrays) -> Arrays:
        def move(array: np.ndarray) -> np.ndarray:
            blocks = np.split(array, len(self.order), axis=self.axis)
            return np.concatenate([blocks[i] for i in self.order], axis=self.axis)

        return tuple(move(array) for array in arrays)

    @property
    def inverse(self) -> Reorder:
        return Reorder(self.name, self.axis, tuple(int(i) for i in np.argsort(self.order)))

    @property
    def words(self) -> str:
        return f"{self.name} blocks {' '.join(map(str, self.order))}"


@dataclass(frozen=True)
class Split:
    """One array is cut into ``count`` equal parts along ``axis``; with ``drop`` the axis, then of length 1, goes."""

    axis: int
    count: int
    drop: bool = False

    def __call__(self, arrays: Arrays) -> Arrays:
        (array,) = arrays
        parts = np.split(array, self.count, axis=self.axis)
        return tuple(part.squeeze(self.axis) if self.drop else part for part in parts)

    @property
    def inverse(self) -> Stack:
        return Stack(self.axis, self.count, new=self.drop)

    @property
    def words(self) -> str:
        return f"split in {self.count}"


@dataclass(frozen=True)
class Stack:
    """``count`` arrays are joined along ``axis``; with ``new`` the axis is created."""

    axis: int
    count: int
    new: bool = False

    def __call__(self, arrays: Arrays) -> Arrays:
        join = np.stack if self.new else np.concatenate
        return (join(arrays, axis=self.axis),)

    @property
    def inverse(self) -> Split:
        return Split(self.axis, self.count, drop=self.new)

    @property
    def words(self) -> str:
        return f"join {self.count}"


@dataclass(frozen=True)
class Pick:
    """The arrays change places: Keras 1 stores LSTM gates as i, c, f, o; ``order[i]`` is the old place of array ``i``."""

    order: tuple[int, ...]

    def __call__(self, arrays: Arrays) -> Arrays:
        return tuple(arrays[i] for i in self.order)

    @property
    def inverse(self) -> Pick:
        return Pick(tuple(int(i) for i in np.argsort(self.order)))

    @property
    def words(self) -> str:
        return f"arrays {' '.join(map(str, self.order))}"


@dataclass(frozen=True)
class Flip:
    """Axes are reversed: Theano stores kernels for true convolution, turned by 180 degrees in all spatial axes."""

    axes: tuple[int, ...]

    def __call__(self, arrays: Arrays) -> Arrays:
        return tuple(np.flip(array, self.axes) for array in arrays)

    @property
    def inverse(self) -> Flip:
        return self

    @property
    def words(self) -> str:
        return "spatial axes reversed"


@dataclass(frozen=True)
class Scale:
    """
    Equal blocks along the last axis are multiplied, each by its factor, in double precision.

    For functions that Keras changed: ``clip(0.2 x + 0.5)`` is ``relu6(1.2 x + 3) / 6``.
    """

    factors: tuple[float, ...]

    def __call__(self, arrays: Arrays) -> Arrays:
        return tuple(array * np.repeat(self.factors, array.shape[-1] // len(self.factors)) for array in arrays)

    @property
    def inverse(self) -> Scale:
        return Scale(tuple(1.0 / factor for factor in self.factors))

    @property
    def words(self) -> str:
        return f"times {' '.join(f'{factor:g}' for factor in self.factors)}"


@dataclass(frozen=True)
class Total:
    """The arrays are added up, as two biases of one sum may be."""

    count: int

    def __call__(self, arrays: Arrays) -> Arrays:
        return (np.sum(np.stack(arrays).astype("float64"), axis=0),)

    @property
    def inverse(self) -> Parts:
        return Parts(self.count)

    @property
    def words(self) -> str:
        return f"sum of {self.count}"


@dataclass(frozen=True)
class Parts:
    """Undo ``Total``: the first array takes it all, for nothing says how it was divided; the sum is the same."""

    count: int

    def __call__(self, arrays: Arrays) -> Arrays:
        (total,) = arrays
        return (total, *(np.zeros_like(total) for _ in range(self.count - 1)))

    @property
    def inverse(self) -> Total:
        return Total(self.count)

    @property
    def words(self) -> str:
        return f"first of {self.count}"


@dataclass(frozen=True)
class Fill:
    """A parameter that the file does not hold, because Keras leaves it out: no array becomes one constant array."""

    shape: tuple[int, ...]
    value: float
    dtype: str = "float32"

    def __call__(self, arrays: Arrays) -> Arrays:
        return (*arrays, np.full(self.shape, self.value, self.dtype))

    @property
    def inverse(self) -> Unfill:
        return Unfill(self)

    @property
    def words(self) -> str:
        return f"{self.value:g} everywhere"


@dataclass(frozen=True)
class Unfill:
    """Undo ``Fill``: the constant array goes. It must still be constant, else the way back would lose numbers."""

    fill: Fill

    def __call__(self, arrays: Arrays) -> Arrays:
        *rest, constant = arrays
        if not np.array_equal(constant, np.full(self.fill.shape, self.fill.value)):
            msg = f"cannot go back to Keras: an array that Keras does not store is no longer {self.fill.words}"
            raise ValueError(msg)
        return tuple(rest)

    @property
    def inverse(self) -> Fill:
        return self.fill

    @property
    def words(self) -> str:
        return "dropped"


def apply(moves: Sequence[Move], arrays: Arrays) -> Arrays:
    """Apply moves one after another."""
    for move in moves:
        arrays = move(arrays)
    return arrays


def undo(moves: Sequence[Move], arrays: Arrays) -> Arrays:
    """Undo ``apply`` of the same moves."""
    return apply([move.inverse for move in reversed(moves)], arrays)


def shapes_after(moves: Sequence[Move], shapes: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """The shapes that moves make, without the data."""
    found = tuple(shapes)
    for move in moves:
        if isinstance(move, Layout):
            found = tuple(move.shape(shape) for shape in found)
        else:
            found = tuple(array.shape for array in move(tuple(np.broadcast_to(np.uint8(0), shape) for shape in found)))
    return found
