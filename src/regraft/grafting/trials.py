"""What else is tried once two modules agree on the example: other sizes where the file's model takes any, and masked steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from regraft.graft.difference import Difference
from regraft.graft.filling import tensor_of
from regraft.grafting.example import SEED, example_for, single, unmasked
from regraft.grafting.source import Converted, orders
from regraft.report.printable import shape_words
from regraft.verify.needs import Need, needs

#: Of all steps, how many are masked.
MASKED_PART = 3
#: The place of what masks do, which shows in the output alone.
BY_MASK = -1000


@dataclass(frozen=True)
class Trial:
    """
    One more example.

    Attributes:
        words: What is special about it.
        inputs: As the module takes them.
        masked: Whether steps are masked: then the model of the file is the same, and only what it takes is not.
    """

    words: str
    inputs: tuple[Any, ...]
    masked: bool = False


def trials(source: Converted, inputs: Sequence[Any]) -> Iterator[Trial]:
    """Further examples for a module that is equal on one."""
    shapes = [tuple(tensor.shape) for tensor in inputs]
    larger = [grown(source, number, shape) for number, shape in enumerate(shapes)]
    if larger != shapes:
        words = "; ".join(shape_words(shape, batched=False) for shape in larger)
        yield Trial(f"at another size, {words}", as_given(example_for(source, larger), inputs))
    wanted = needs(source.blueprint)
    if any(need.mask is not None for need in wanted):
        for words, end in (("at the end", True), ("at the start", False)):
            rng = np.random.default_rng(SEED)
            arrays = [masked(rng, shape, need, end=end) for shape, need in zip(shapes, wanted, strict=True)]
            tensors = tuple(tensor_of(single(array)) for array in arrays)
            yield Trial(f"with masked steps {words}", as_given(tensors, inputs), masked=True)


def as_given(tensors: Sequence[Any], inputs: Sequence[Any]) -> tuple[Any, ...]:
    """Tensors of the kind of the example: a module may take whole numbers as floats."""
    return tuple(new.to(dtype=old.dtype, device=old.device) for new, old in zip(tensors, inputs, strict=True))


def grown(source: Converted, number: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape one longer along every axis that the file's model leaves open: what was even is odd."""
    order = source.module.input_orders[number]
    wanted = order.shape(source.module.input_shapes[number])
    turned = next(orders(wanted, shape), None)
    if wanted is None or turned is None:
        return shape
    open_ = {axis for size, axis in zip(wanted[1:], turned[1:], strict=True) if size is None}
    return tuple(size + (axis in open_) for axis, size in enumerate(shape))


def masked(rng: np.random.Generator, shape: tuple[int, ...], need: Need, *, end: bool) -> np.ndarray:
    """Numbers of one input, with some steps masked in the first row, and fewer in each that follows."""
    array = unmasked(rng, shape, need)
    if need.mask is None or len(shape) < 2:
        return array
    for row in range(len(array)):
        count = max(0, shape[1] // MASKED_PART - row)
        steps = slice(shape[1] - count, None) if end else slice(0, count)
        array[row, steps] = need.mask
    return array


def difference(trial: Trial) -> Difference:
    """What a module does with masked steps, as a difference like others."""
    return Difference(
        "the module",
        "the file's model",
        trial.words.replace("with masked steps", "a masked step"),
        "skipped (mask_zero or Masking)",
        "taken like any other",
        "take the class of the recurrent layer from the model.py that regraft convert writes and hand it the mask, or cut "
        "each sequence to its own length",
        place=BY_MASK,
    )
