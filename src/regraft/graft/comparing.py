"""Both modules on the same input, unit by unit: the first that differs, and by how much."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regraft.graft.onto import Grafting, Pair
from regraft.graft.trace import Trace, observe

#: Largest difference of two float64 results that are the same, relative to the largest value.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Compared:
    """
    The result of one unit on both sides.

    Attributes:
        pair: The unit.
        error: Largest difference relative to the largest value; None if the shapes cannot be compared.
        alone: The same with the right tensor at every unit before it, so that only what is wrong at this place shows.
        shapes: On either side.
    """

    pair: Pair
    error: float | None
    alone: float | None
    shapes: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def equal(self) -> bool:
        """Whether both made the same."""
        return self.error is not None and self.error <= TOLERANCE


@dataclass(frozen=True)
class Comparison:
    """
    All units, and the outputs of the models.

    Attributes:
        units: In the order in which the user's module runs.
        outputs: Largest difference of each output relative to its largest value; None where there is no such output.
        alone: The same with the right tensor at every unit before them.
    """

    units: tuple[Compared, ...]
    outputs: tuple[float | None, ...]
    alone: tuple[float | None, ...] = ()

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
    twin = copy.deepcopy(target).double().eval()
    ours, theirs = [wide(x) for x in ours], [wide(x) for x in theirs]
    left_run, left = observe(source, ours)
    right_run, right = observe(twin, theirs)
    places = {pair.places[1]: pair.places[0] for pair in grafting.pairs if not pair.partial}
    forced_run, forced = observe(
        twin, theirs, lambda place, like: laid_as(left[places[place]], like) if place in places else None
    )
    units = tuple(
        Compared(
            pair,
            error(left[pair.places[0]], right[pair.places[1]]),
            error(left[pair.places[0]], forced[pair.places[1]]),
            (tuple(left[pair.places[0]].shape), tuple(right[pair.places[1]].shape)),
        )
        for pair in grafting.pairs
        if not pair.partial
    )
    ends = [left[place] if place >= 0 else ours[-1 - place] for place in left_run.outputs]
    return Comparison(units, outputs(ends, right_run, right, theirs), outputs(ends, forced_run, forced, theirs))


def outputs(
    ends: Sequence[Any], run: Trace, made: Mapping[int, Any], inputs: Sequence[Any]
) -> tuple[float | None, ...]:
    """The outputs of a run against those of the source; None where one side has no such output."""
    others = [made[place] if place >= 0 else inputs[-1 - place] for place in run.outputs]
    return tuple(
        error(ends[i], others[i]) if i < min(len(ends), len(others)) else None
        for i in range(max(len(ends), len(others)))
    )


def laid_as(tensor: Any, like: Any) -> Any:
    """A tensor in the axis order of another; None if that cannot be told."""
    if tensor.shape == like.shape:
        return tensor
    bare, wanted = ([size for size in shape if size != 1] for shape in (tensor.shape, like.shape))
    if bare == wanted:
        return tensor.reshape(like.shape)
    if sorted(bare) != sorted(wanted) or len(set(bare)) != len(bare):
        return None
    return tensor.squeeze().permute([bare.index(size) for size in wanted]).reshape(like.shape)


def wide(tensor: Any) -> Any:
    """A tensor in double precision if it is one of floats."""
    return tensor.double() if tensor.is_floating_point() else tensor


def error(ours: Any, theirs: Any) -> float | None:
    """Largest difference relative to the largest value; axes of length 1 count for nothing."""
    same = laid_as(theirs, ours)
    if same is None:
        return None
    if not ours.numel():
        return 0.0
    return float((ours - same).abs().max() / max(float(ours.abs().max()), 1e-30))
