"""Inputs that the user brings: looked at closely, for a wrong axis order compares nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint
from regraft.errors import FileError
from regraft.verify.inputs import Case
from regraft.verify.needs import needs

#: So many of the samples are enough: more of them take longer and show the same.
MOST = 32


def load_samples(files: Sequence[str | os.PathLike[str]]) -> tuple[np.ndarray, ...]:
    """
    Arrays of samples, one file for each input, in Keras order.

    Raises:
        FileError: One of them is no ``.npy`` file of numbers.
    """
    arrays: list[np.ndarray] = []
    for file in map(Path, files):
        try:
            array = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise FileError(
                file, f"cannot be read as samples: {error}", hint="Write it with numpy.save(file, x)."
            ) from error
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            kind = getattr(array, "dtype", "several arrays")
            raise FileError(
                file, f"holds {kind}; expected one array of numbers.", hint="Write it with numpy.save(file, x)."
            )
        arrays.append(array)
    return tuple(arrays)


def checked(blueprint: Blueprint, arrays: Sequence[np.ndarray], names: Sequence[str] = ()) -> tuple[np.ndarray, ...]:
    """
    Samples as the model takes them: the first 32 of each, floats as float64 that hold float32 values, integers as int64.

    Args:
        blueprint: The model.
        arrays: One for each input, in Keras order, batch first.
        names: Of the files, for messages.

    Raises:
        FileError: Their number, shapes or values do not fit the inputs; all mismatches at once.
    """
    stated = [blueprint.by_name[ref.layer].config.get("batch_shape") for ref in blueprint.inputs]
    shapes: list[Any] = [shape if isinstance(shape, tuple) else None for shape in stated]
    if len(arrays) != len(shapes):
        names_in = ", ".join(ref.layer for ref in blueprint.inputs)
        reason = f"the model has {len(shapes)} inputs ({names_in}), samples were given for {len(arrays)}."
        raise FileError("--samples", reason, hint="Give --samples once for each input, in this order.")
    wrong: list[str] = []
    found: list[np.ndarray] = []
    for number, (array, shape, need, ref) in enumerate(
        zip(arrays, shapes, needs(blueprint), blueprint.inputs, strict=True)
    ):
        name = names[number] if number < len(names) else f"samples {number + 1}"
        wrong += [
            f"{name} for input {ref.layer!a:.80}: {problem}"
            for problem in problems(array, shape, need.kind, need.count)
        ]
        found.append(array[:MOST])
    if len({len(array) for array in found if array.ndim}) > 1:
        wrong.append(
            f"the inputs have {', '.join(str(len(a)) for a in arrays if a.ndim)} samples; expected the same number"
        )
    if wrong:
        raise FileError("--samples", "; ".join(wrong) + ".", hint="Samples are in Keras order, batch first.")
    return tuple(as_fed(array, need.kind) for array, need in zip(found, needs(blueprint), strict=True))


def problems(array: np.ndarray, shape: tuple[int | None, ...] | None, kind: str, count: int) -> list[str]:
    """What is wrong with the samples of one input."""
    found: list[str] = []
    if not array.size or not array.ndim:
        return ["there are none"]
    if shape is not None:
        expected = f"({', '.join('any' if n is None else str(n) for n in shape)})"
        fits = len(shape) == array.ndim and all(
            n is None or n == m for n, m in zip(shape[1:], array.shape[1:], strict=False)
        )
        fixed = shape[0] if shape else None
        if not fits or (fixed is not None and fixed != len(array)):
            found.append(f"shape {array.shape}, expected {expected}{turned(array.shape, shape)}")
    if array.dtype.kind == "f" and not np.isfinite(array[:MOST]).all():
        found.append(f"{np.count_nonzero(~np.isfinite(array[:MOST]))} NaN or infinite numbers")
        return found
    if kind in ("integer", "boolean") and array.dtype.kind == "f" and (array[:MOST] != np.trunc(array[:MOST])).any():
        found.append(f"fractions ({array.dtype}), expected {'integers' if kind == 'integer' else 'booleans'}")
    if kind == "integer" and count and (array[:MOST].min() < 0 or array[:MOST].max() >= count):
        found.append(
            f"numbers from {array[:MOST].min():g} to {array[:MOST].max():g}, expected integers from 0 to {count - 1}"
        )
    return found


def turned(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> str:
    """A hint where samples are channels first and the model is channels last."""
    moved = (shape[0], *shape[2:], shape[1]) if len(shape) > 2 else ()
    fits = len(moved) == len(expected) and all(n in (None, m) for n, m in zip(expected[1:], moved[1:], strict=True))
    return "; they look channels first, and the Keras model is channels last" if fits else ""


def as_fed(array: np.ndarray, kind: str) -> np.ndarray:
    """An array in the dtype in which inputs are fed; floats are rounded to float32, so that both precisions see the same."""
    if kind == "boolean":
        return array.astype(bool)
    if kind == "integer":
        return array.astype(np.int64)
    return array.astype(np.float32).astype(np.float64)


def sample_case(blueprint: Blueprint, arrays: Sequence[np.ndarray]) -> Case:
    """The case of samples that were checked."""
    shapes = "; ".join("x".join(map(str, array.shape)) for array in arrays)
    return Case(checked(blueprint, arrays), f"your samples: {shapes}")
