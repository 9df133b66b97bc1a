"""Both modules on the same input, unit by unit: the first that differs, and by how much."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regraft.graft.onto import Grafting, Pair
from regraft.graft.trace import observe, tensors

#: Largest difference of two float64 results that are the same, relative to the largest value.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Compared:
    """
    The result of one unit on both sides.

    Attributes:
        pair: The unit.
        error: Largest difference relative to the largest value; None if the shapes cannot be compared.
        shapes: On either side.
    """

    pair: Pair
    error: float | None
    shapes: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def equal(self) -> bool:
        """Whether both made the same."""
        return self.error is not None and self.error <= TOLERANCE


@dataclass(frozen=True)
class Comparison:
    """All units, and the outputs of the models."""

    units: tuple[Compared, ...]
    outputs: tuple[float | None, ...]

    @property
    def first(self) -> Compared | None:
        """The first unit that differs, in the order in which the converted model runs."""
        ordered = sorted(self.units, key=lambda unit: unit.pair.places[0])
        return next((unit for unit in ordered if not unit.equal), None)

    @property
    def equal(self) -> bool:
        """Whether every unit and every output is equal; where there was no output to compare nothing is."""
        right = [error is not None and error <= TOLERANCE for error in self.outputs]
        return bool(right) and all(right) and all(unit.equal for unit in self.units)


def compare(grafting: Grafting, source: Any, target: Any, ours: Sequence[Any], theirs: Sequence[Any]) -> Comparison:
    """
    Run both modules in float64.

    Args:
        grafting: The pairs.
        source: The converted model.
        target: The user's module with its new parameters; a copy of it is run.
        ours: Inputs of the source.
        theirs: The same inputs as the target takes them.
    """
    import torch

    twin = copy.deepcopy(target).double().eval()
    left, right = observe(source, [wide(x) for x in ours]), observe(twin, [wide(x) for x in theirs])
    units = tuple(
        Compared(pair, error(left[pair.places[0]], right[pair.places[1]]),
                 (tuple(left[pair.places[0]].shape), tuple(right[pair.places[1]].shape)))
        for pair in grafting.pairs
        if not pair.partial
    )  # fmt: skip
    with torch.no_grad():
        ends = [list(tensors(module(*map(wide, given)))) for module, given in ((source, ours), (twin, theirs))]
    count = max(map(len, ends))
    outputs = tuple(error(ends[0][i], ends[1][i]) if i < min(map(len, ends)) else None for i in range(count))
    return Comparison(units, outputs)


def wide(tensor: Any) -> Any:
    """A tensor in double precision if it is one of floats."""
    return tensor.double() if tensor.is_floating_point() else tensor


def error(ours: Any, theirs: Any) -> float | None:
    """Largest difference relative to the largest value; axes of length 1 count for nothing."""
    a, b = ours.squeeze(), theirs.squeeze()
    if a.shape != b.shape:
        if a.numel() != b.numel() or sorted(a.shape) != sorted(b.shape) or len(set(a.shape)) != a.dim():
            return None
        b = b.permute([list(b.shape).index(size) for size in a.shape])
    if not a.numel():
        return 0.0
    return float((a - b).abs().max() / max(float(a.abs().max()), 1e-30))
