"""Cases through Keras, through a file, through regraft, and side by side in float64 and float32."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tests.conformance import cudnn
from tests.conformance.case import Case
from tests.conformance.keras_side import SELECTING, Library, LibraryName, applied, copy, fill, library
from tests.twin import run

from regraft.emit.module import Module, emit
from regraft.errors import UnknownLayerError
from regraft.keras_config import parse
from regraft.layers import spec_of
from regraft.layers.binding import bind
from regraft.layers.cudnn import CuDNN
from regraft.verify.precision import MARGIN, SINGLE_PRECISION, limit
from regraft.weights import read

DTYPES = ("float64", "float32")
#: A float32 error of Keras itself that no rounding explains: TensorFlow's float32 convolution goes wrong on some tiny maps.
ODD = 1e-2
#: Largest difference allowed in float32, relative to the largest expected number, where Keras' own float32 error does not
#: allow more; in float64 the layer says it.
FLOAT32 = 2e-6

Status = Literal["equal", "different", "refused", "invalid", "error"]


@dataclass(frozen=True)
class Outcome:
    """
    What became of a case.

    Attributes:
        case: The case.
        status: ``equal``; ``different``; ``refused``: regraft said that it cannot; ``invalid``: Keras said so;
            ``error``: something else went wrong.
        errors: Largest error by dtype.
        note: What was said.
    """

    case: Case
    status: Status
    errors: tuple[float, float] = (0.0, 0.0)
    note: str = ""


@dataclass(frozen=True)
class Built:
    """A case that Keras has built and run: its symbols and its expected outputs by dtype."""

    case: Case
    arrays: list[np.ndarray]
    inputs: list[Any]
    outputs: list[Any]
    expected: dict[str, list[np.ndarray]]


class UnsavableError(Exception):
    """Keras cannot save a model."""


class RefusedError(Exception):
    """Regraft cannot convert a layer and says why."""


def compare(cases: Sequence[Case], name: LibraryName, *, suffix: str = ".keras") -> list[Outcome]:
    """
    All cases in one model and one file; where that fails, each in one of its own.

    Args:
        cases: Of any layers.
        name: Which Keras.
        suffix: Of the file: ``.keras`` or ``.h5``.
    """
    keras = library(name)
    if name == "keras":
        keras.module.backend.clear_session(free_memory=False)
    built: list[Built] = []
    outcomes: dict[int, Outcome] = {}
    for i, case in enumerate(cases):
        try:
            built.append(build(keras, case, i))
        except Exception as error:
            outcomes[i] = Outcome(case, "invalid", note=said(error))
    places = [i for i in range(len(cases)) if i not in outcomes]
    try:
        found = dict(zip(places, together(keras, built, suffix), strict=True)) if built else {}
    except Exception as error:
        if len(cases) > 1:
            half = max(1, len(places) // 2)
            parts = [
                compare([cases[i] for i in some], name, suffix=suffix)
                for some in (places[:half], places[half:])
                if some
            ]
            found = dict(zip(places, [outcome for part in parts for outcome in part], strict=True))
        else:
            refused = isinstance(error, RefusedError | UnknownLayerError)
            if isinstance(error, UnsavableError):
                return [Outcome(cases[0], "invalid", note=said(error))]
            found = {places[0]: Outcome(cases[0], "refused" if refused else "error", note=said(error))}
    return [{**outcomes, **found}[i] for i in range(len(cases))]


def said(error: Exception) -> str:
    """An error on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"


def build(keras: Library, case: Case, number: int) -> Built:
    """Symbols in float32, as a user's file has them, and the outputs of the same layers in both dtypes."""
    arrays = case.arrays()
    with keras.precision("float32"):
        parts = keras.made(case, number)
        inputs = keras.symbols(case, number)
        outputs = applied(case, parts, inputs, eager=False)
        fill(parts, case.seed)
        expected = {"float32": keras.expected(case, parts, arrays, "float32")}
    if type(case.layer).__name__ in SELECTING:
        expected["float64"] = [array.astype("float64") for array in expected["float32"]]
        return Built(case, arrays, inputs, outputs, expected)
    with keras.precision("float64"):
        wide = keras.made(case, number)
        expected["float64"] = keras.expected(case, wide, arrays, "float64")
        if any(getattr(part, "weights", ()) for part in parts.all):
            copy(parts, wide)
            expected["float64"] = keras.expected(case, wide, arrays, "float64")
    single = limit(spec_of("layer", case.layer)) >= SINGLE_PRECISION
    assert single or all(one.dtype != np.float32 for one in expected["float64"]), "the oracle computed in float32"
    return Built(case, arrays, inputs, outputs, expected)


def together(keras: Library, built: Sequence[Built], suffix: str) -> list[Outcome]:
    """One file for all cases, converted and compared."""
    inputs = [tensor for one in built for tensor in one.inputs]
    outputs = [tensor for one in built for tensor in one.outputs]
    model = keras.module.Model(inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0])
    with tempfile.TemporaryDirectory() as folder:
        old = [one.case.layer for one in built if isinstance(one.case.layer, CuDNN)]
        file = Path(folder) / f"model{'.h5' if old else suffix}"
        try:
            model.save(file)
        except Exception as error:  # Keras cannot write a file of its own model
            raise UnsavableError(said(error)) from error
        if old:
            cudnn.rewrite(file)
        module = converted(file)
        arrays = [array for one in built for array in one.arrays]
        found = {dtype: run(module, [as_dtype(a, dtype) for a in arrays], dtype) for dtype in DTYPES}
    outcomes: list[Outcome] = []
    place = 0
    for one in built:
        count = len(one.outputs)
        ours = {dtype: found[dtype][place : place + count] for dtype in DTYPES}
        place += count
        outcomes.append(judged(one, ours))
    return outcomes


def as_dtype(array: np.ndarray, dtype: str) -> np.ndarray:
    """Floating point numbers in a dtype; others as they are."""
    return array.astype(dtype) if array.dtype.kind == "f" else array


def converted(file: Path) -> Module:
    """The file as an emitted module."""
    tree = read(file)
    blueprint = parse(tree.config or "", keras_version=tree.keras_version)
    if unknown := [spec for spec in blueprint.layers if spec.unknown]:
        raise RefusedError(unknown[0].unknown)
    return emit(blueprint, bind(blueprint, tree), "a test")


def judged(one: Built, ours: dict[str, list[np.ndarray]]) -> Outcome:
    """The verdict on one case."""
    worst: list[float] = []
    for dtype in DTYPES:
        pairs = list(zip(ours[dtype], one.expected[dtype], strict=True))
        if shapes := [f"{a.shape}, expected {b.shape}" for a, b in pairs if a.shape != b.shape]:
            return Outcome(one.case, "different", note=f"shape {shapes[0]}")
        worst.append(max(error(a, b) for a, b in pairs))
    own = max(error(a, b) for a, b in zip(one.expected["float32"], one.expected["float64"], strict=True))
    if own > ODD:
        return Outcome(one.case, "invalid", note=f"Keras in float32 is {own:.1e} away from Keras in float64")
    ok = worst[0] <= limit(spec_of("layer", one.case.layer)) and worst[1] <= max(FLOAT32, MARGIN * own)
    return Outcome(one.case, "equal" if ok else "different", (worst[0], worst[1]))


def error(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference relative to the largest expected number; what is not finite must be the same."""
    found, expected = found.astype("float64"), expected.astype("float64")
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return float("inf")
    if not finite.any():
        return 0.0
    difference = np.abs(found[finite] - expected[finite]).max()
    if np.isnan(difference):
        return float("inf")
    # Where all that remains is rounding around zero, that has no scale of its own.
    return float(difference / max(np.abs(expected[finite]).max(), 1e-3))
