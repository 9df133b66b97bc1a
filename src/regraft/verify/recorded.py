"""What an emitted file computes, as its self-test compares it: numbers of float64, and how far float32 is from them."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint
from regraft.errors import RegraftError
from regraft.layers import AxisOrder
from regraft.verify.small_inputs import small_inputs
from regraft.verify.subject import State
from regraft.verify.trace import FILE_NAME, default_dtype, in_torch, tensors

#: What may differ at least, and how many times the float32 error seen here, relative to the root mean square.
FLOOR, MARGIN = 1e-5, 20.0
#: A weight is stored, not computed: its numbers differ by the rounding of a double only.
STORED = 1e-7
#: Where float32 is further away from float64 than this, or draws lots, there is nothing to compare.
UNSTEADY = 1e-2
#: With more rows than these, only so many are compared, spread evenly; the outputs always are.
MOST = 4096
DIGITS = 9

Digest = tuple[str, list[int], list[float]]


@dataclass(frozen=True)
class Row:
    """
    One tensor of the self-test.

    Attributes:
        name: ``weight stem.weight``, ``module stem``, or ``output``; ``module lstm[0]`` for the first of several tensors.
        shape: In PyTorch order.
        numbers: Mean, root mean square, sums along a sine and a cosine; None where only name and shape are compared.
        allowed: Largest difference of a number, relative to the root mean square.
    """

    name: str
    shape: list[int]
    numbers: list[float] | None
    allowed: float


@dataclass(frozen=True)
class Recorded:
    """
    A self-test.

    Attributes:
        inputs: As the emitted module takes them: float32, int64 or bool.
        rows: In the order in which they are seen.
        unsteady: Names of the rows whose numbers are random, or decided by the rounding of float32.
    """

    inputs: tuple[np.ndarray, ...]
    rows: tuple[Row, ...]
    unsteady: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What is compared."""
        counts = {
            kind: len({row.name.split("[")[0] for row in self.rows if row.name.startswith(kind)})
            for kind in ("weight", "module")
        }
        counts["output"] = sum(row.name.startswith("output") for row in self.rows)
        parts = [f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in counts.items() if n]
        shapes_only = sum(row.numbers is None for row in self.rows)
        rest = f", {shapes_only} of them by name and shape only," if shapes_only else ""
        return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part) + rest


def record(source: str, state: State, blueprint: Blueprint, orders: Sequence[AxisOrder]) -> Recorded | str:
    """
    Run an emitted file with its own functions on the first small inputs that it accepts.

    Args:
        source: Text of the file, with its self-test.
        state: Its parameters.
        blueprint: The architecture, which says what inputs are like.
        orders: Axis orders of the inputs.

    Returns:
        What the self-test compares, or why there can be none.
    """
    space = types.ModuleType("regraft_recorded")
    exec(compile(source, FILE_NAME, "exec"), space.__dict__)  # noqa: S102 - our own output, as in ``trace``
    model = space.__dict__["Model"]().double().eval()
    model.load_state_dict(tensors(state), strict=True)
    reason = "no inputs could be made for it"
    for arrays in small_inputs(blueprint):
        try:
            wide = run(
                space.digests, model.double(), [in_torch(a, o, "float64") for a, o in zip(arrays, orders, strict=True)]
            )
            inputs = [in_torch(a, o, "float32") for a, o in zip(arrays, orders, strict=True)]
            narrow = run(space.digests, model.float(), inputs)
        except (
            RuntimeError,
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            ArithmeticError,
            RegraftError,
        ) as error:
            reason = f"model.py raised {type(error).__name__}: {str(error)[:200]}"
            continue
        if [row[:2] for row in wide] != [row[:2] for row in narrow]:
            return "what it runs depends on the rounding of its numbers"
        return judged(tuple(np.asarray(tensor) for tensor in inputs), wide, narrow)
    return reason


def run(digests: Callable[..., None], model: Any, inputs: Sequence[Any]) -> list[Digest]:
    """Everything one run shows; the model is left without the hooks of the run."""
    rows: list[Digest] = []
    dtype = "float64" if any(p.dtype.itemsize == 8 for p in model.parameters()) else "float32"
    with default_dtype(dtype):
        digests(model, inputs, lambda *row: rows.append(row))
    for module in model.modules():
        module._forward_hooks.clear()
    return rows


def judged(inputs: tuple[np.ndarray, ...], wide: Sequence[Digest], narrow: Sequence[Digest]) -> Recorded:
    """The rows with what may differ in each."""
    every = -(-len(wide) // MOST)
    rows: list[Row] = []
    unsteady: list[str] = []
    for i, ((name, shape, exact), (_, _, rounded)) in enumerate(zip(wide, narrow, strict=True)):
        error = largest(exact, rounded)
        if name.startswith("weight "):
            numbers, allowed = shortened(rounded), STORED
        else:
            numbers, allowed = shortened(exact), float(f"{max(FLOOR, MARGIN * error):.2g}")
            if not error <= UNSTEADY:
                unsteady.append(name)
                numbers = None
        kept = i % every == 0 or name.startswith("output")
        rows.append(Row(name, shape, numbers if kept else None, allowed if kept and numbers else 0.0))
    return Recorded(inputs, tuple(rows), tuple(unsteady))


def largest(expected: Sequence[float], found: Sequence[float]) -> float:
    """The largest difference, relative to the root mean square, the second number; as emitted files compute it."""
    differences = [abs(a - b) for a, b in zip(expected, found, strict=True)]
    return max(differences) / (expected[1] or 1.0) if all(map(isfinite, (*expected, *found))) else float("inf")


def shortened(numbers: Sequence[float]) -> list[float]:
    """As many digits as matter."""
    return [float(f"{number:.{DIGITS}g}") for number in numbers]
