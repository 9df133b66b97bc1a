"""Inputs to feed both sides: seeded, several, with batch 2 and 3, odd and even sizes, ragged masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from math import prod

import numpy as np

from regraft.blueprint import Blueprint, Shape
from regraft.errors import RegraftError
from regraft.layers.walk import model_shapes
from regraft.verify.needs import Need, needs

Shapes = tuple[tuple[int, ...], ...]

#: Lengths for axes that vary, by how many of them an input has; tried in order until enough are accepted.
#: The first two are odd and even, and no map is square; the later ones suit models that halve their maps many times.
SIZES: dict[int, tuple[tuple[int, ...], ...]] = {
    1: ((7,), (10,), (33,), (128,), (1001,)),
    2: ((33, 46), (64, 39), (64, 96), (75, 110), (160, 128), (299, 256)),
    3: ((5, 6, 7), (8, 6, 11), (16, 32, 24), (64, 32, 48)),
}
ENOUGH = 2
#: Elements of all tensors together from which on one case has to do, or none can be run.
LARGE, TOO_LARGE = 2**25, 2**29


@dataclass(frozen=True)
class Case:
    """
    One set of inputs.

    Attributes:
        arrays: One for each model input, in Keras order, batch first: float64 (holding float32 values), int64 or bool.
        words: What they are, for the report.
    """

    arrays: tuple[np.ndarray, ...]
    words: str


def cases(blueprint: Blueprint, seed: int = 0) -> Iterator[Case]:
    """
    Candidates, best first; take ``ENOUGH`` that the model accepts.

    Sizes that our own shape rules refuse are left out. Inputs of unknown shape give no case at all.
    """
    declared = tuple(blueprint.by_name[ref.layer].config.get("batch_shape") for ref in blueprint.inputs)
    if not all(isinstance(shape, tuple) for shape in declared):
        return
    wanted = needs(blueprint)
    for number, shapes in enumerate(map(smaller_batch(blueprint), shapes_to_try(declared))):  # type: ignore[arg-type]
        elements = total_elements(blueprint, shapes)
        if elements is None or elements > TOO_LARGE:
            continue
        rng = np.random.default_rng((seed, number))
        arrays = tuple(fill(rng, shape, need) for shape, need in zip(shapes, wanted, strict=True))
        texts = (f"{'x'.join(map(str, shape))} {need}" for shape, need in zip(shapes, wanted, strict=True))
        yield Case(arrays, f"batch of {shapes[0][0]}: " + "; ".join(texts))
        if elements > LARGE and all(None not in shape[1:] for shape in declared):  # type: ignore[index]
            return  # another batch of the same size would show little and take long


def smaller_batch(blueprint: Blueprint) -> Callable[[Shapes], Shapes]:
    """Shapes as they are, or with a batch of one where two would need too much memory."""

    def chosen(shapes: Shapes) -> Shapes:
        elements = total_elements(blueprint, shapes)
        too_large = elements is not None and elements > TOO_LARGE and shapes[0][0] == 2
        return tuple((1, *shape[1:]) for shape in shapes) if too_large else shapes

    return chosen


def shapes_to_try(declared: tuple[tuple[int | None, ...], ...]) -> Iterator[Shapes]:
    """Complete shapes, batch first; the batch size alternates between 2 and 3 unless the model fixes it."""
    fixed = next((shape[0] for shape in declared if shape and shape[0] is not None), None)
    open_axes = max((sum(n is None for n in shape[1:]) for shape in declared), default=0)
    choices = SIZES.get(min(open_axes, 3), ((),) * ENOUGH) if open_axes else ((),) * ENOUGH
    for number, sizes in enumerate(choices):
        batch = fixed or 2 + number % 2
        yield tuple((batch, *completed(shape[1:], sizes)) for shape in declared)


def completed(shape: tuple[int | None, ...], sizes: tuple[int, ...]) -> tuple[int, ...]:
    """A shape with its open axes filled, from the first size on in every input."""
    lengths = islice(cycle(sizes), len(shape)) if sizes else iter(())
    return tuple(next(lengths) if n is None else n for n in shape)


def total_elements(blueprint: Blueprint, shapes: Shapes) -> int | None:
    """Elements of all known tensors of the top model; None if our shape rules refuse the sizes."""
    try:
        known: list[Shape] = list(model_shapes(blueprint, shapes).values())
    except RegraftError:
        return None
    batch = shapes[0][0] if shapes else 1
    if any(n is not None and n < 1 for shape in known if shape for n in shape):
        return None
    return sum(prod(n or 1 for n in (batch, *shape[1:])) for shape in known if shape)


def fill(rng: np.random.Generator, shape: tuple[int, ...], need: Need) -> np.ndarray:
    """Seeded numbers of one input; floats are rounded to float32 so that both precisions see the same ones."""
    if need.kind == "boolean":
        return rng.integers(0, 2, shape).astype(bool)
    if need.kind == "integer":
        low = 1 if need.mask == 0 and need.count > 1 else 0
        array = rng.integers(low, max(need.count, low + 1), shape)
    else:
        numbers = rng.uniform(0, 255, shape) if need.kind == "image" else rng.standard_normal(shape)
        array = numbers.astype(np.float32).astype(np.float64)
    if need.mask is not None and len(shape) >= 2:
        masked(array, need.mask)
    return array


def masked(array: np.ndarray, value: float) -> None:
    """
    Mask steps in place: a tail in the first row, a hole in the second, a head and a tail in the third.

    One step of every row stays. Steps are the second axis.
    """
    steps = array.shape[1]
    if steps < 3:
        return
    for row in range(array.shape[0]):
        if row % 3 == 0:
            array[row, steps - max(1, steps // 3) :] = value
        elif row % 3 == 1:
            array[row, steps // 2] = value
        else:
            array[row, 0] = value
            array[row, steps - 1] = value
