"""One model with a row of a table as each of its outputs, in Keras and as converted."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regraft.emit.module import Module
from tests.layers.operations.cases import Row
from tests.twin import converted, relative_error, run

SHAPES = {
    **dict.fromkeys("xypubcij", (4, 5, 6)),
    "q": (3, 5, 8),
    "s": (4, 6),
    "w": (6, 7),
    "v": (6,),
}
DTYPES = {"b": "bool", "c": "bool", "i": "int32", "j": "int32"}


def values(batch: int = 2) -> dict[str, np.ndarray]:
    """Arrays for all inputs."""
    rng = np.random.default_rng(7)
    found = {name: rng.standard_normal((batch, *shape)) for name, shape in SHAPES.items()}
    shape = (batch, *SHAPES["x"])
    found["p"] = rng.uniform(0.2, 3.0, shape)
    found["u"] = rng.uniform(-0.9, 0.9, shape)
    found |= {name: rng.uniform(0, 1, shape) > 0.5 for name in "bc"}
    found |= {"i": rng.integers(0, 4, shape), "j": rng.integers(1, 4, shape)}
    return {k: v.astype("float32").astype("float64") if v.dtype.kind == "f" else v for k, v in found.items()}


def built(k: Any, ops: Any, rows: Sequence[Row], *, channels_first: bool) -> Any:
    """
    A model with the rows as outputs.

    ``channels_first``: all maps pass a pooling layer of size 1, which changes nothing and wants channels first, so that
    the operations meet them in the order of PyTorch.
    """
    inputs = {name: k.Input(shape, name=name, batch_size=2, dtype=DTYPES.get(name)) for name, shape in SHAPES.items()}
    tensors: dict[str, Any] = dict(inputs)
    if channels_first:
        maps = [name for name, shape in SHAPES.items() if len(shape) == 3 and name not in DTYPES]
        tensors |= {name: k.layers.MaxPooling2D(1)(inputs[name]) for name in maps}
        tensors |= {name: k.layers.MaxPooling1D(1)(inputs[name]) for name in ("s", "w")}
    space = types.SimpleNamespace(**tensors)
    return k.Model(list(inputs.values()), [function(ops, space) for _, function in rows])


def compared(
    k: Any,
    ops: Any,
    rows: Sequence[Row],
    folder: Path,
    *,
    channels_first: bool,
    tolerance: float,
    suffix: str = ".keras",
    wide: Callable[[Callable[[], Any]], Any],
) -> tuple[list[str], Module]:
    """What differs between Keras in float64 and the converted file, in words; and the module."""
    file = folder / f"model{suffix}"
    model = built(k, ops, rows, channels_first=channels_first)
    model.save(file)
    arrays = values()
    single = len(rows) == 1
    expected = wide(lambda: built(k, ops, rows, channels_first=channels_first)([arrays[n] for n in SHAPES]))
    expected = [expected] if single else expected
    module = converted(file)
    found = run(module, [arrays[n] for n in SHAPES])
    wrong: list[str] = []
    for i, (ours, theirs, row) in enumerate(zip(found, expected, rows, strict=True)):
        theirs = np.asarray(theirs)
        if ours.shape != theirs.shape:
            wrong.append(f"{row[0]} ({i}): shape {ours.shape}, Keras {theirs.shape}")
        elif kind(ours) != kind(theirs):
            wrong.append(f"{row[0]} ({i}): {ours.dtype}, Keras {theirs.dtype}")
        elif (error := relative_error(ours, theirs.astype("float64"))) > tolerance:
            wrong.append(f"{row[0]} ({i}): {error:.1e}")
    return wrong, module


def kind(array: np.ndarray) -> str:
    """Float, integer or boolean."""
    return "i" if array.dtype.kind in "iu" else array.dtype.kind
