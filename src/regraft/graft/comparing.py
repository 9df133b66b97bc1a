"""Both modules on the same input, unit by unit: the first that differs, and by how much."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from regraft.graft.offsets import Offset
from regraft.graft.onto import Grafting, Merged, Pair
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
        merges: The same for sums and other operations on several tensors, by place in the trace of the user's module.
        hidden: What differs at one place alone, and with greater numbers only than the example makes, by that place.
    """

    units: tuple[Compared, ...]
    outputs: tuple[float | None, ...]
    alone: tuple[float | None, ...] = ()
    merges: Mapping[int, float | None] = field(default_factory=dict)
    hidden: Mapping[int, float | None] = field(default_factory=dict)

    @property
    def first(self) -> Compared | None:
        """The first unit that differs, in the order in which the converted model runs."""
        ordered = sorted(self.units, key=lambda unit: unit.pair.places[0])
        return next((unit for unit in ordered if not unit.equal), None)

    @property
    def effects(self) -> dict[int, float | None]:
        """What is wrong at one place alone, by that place in the trace of the user's module; -2 is the first output."""
        found = dict(self.merges)
        found |= {unit.pair.places[1]: unit.alone for unit in self.units}
        return found | {-2 - i: error for i, error in enumerate(self.alone)} | dict(self.hidden)

    def respelled(self, place: int) -> bool:
        """Whether the tensor at a place is right, whatever is done to it there in other words."""
        found = self.effects.get(place)
        return found is not None and found <= TOLERANCE

    @property
    def equal(self) -> bool:
        """Whether every unit and every output is equal; where there was no output to compare nothing is."""
        right = [error is not None and error <= TOLERANCE for error in self.outputs]
        return bool(right) and all(right) and all(unit.equal for unit in self.units) and not self.hidden


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
    known = {pair.places[1]: pair for pair in (*grafting.merges, *(p for p in grafting.pairs if not p.partial))}
    biases = {name: tensor.double() for name, tensor in source.state_dict().items()}

    def wanted(place: int, like: Any) -> Any:
        """What the operation at a place of the twin should make."""
        if place not in known:
            return None
        tensor = laid_as(left[known[place].places[0]], like)
        return None if tensor is None else moved(tensor, known[place].offset, biases, -1)

    def wrong(pair: Pair | Merged, run: Mapping[int, Any]) -> float | None:
        """How much the operation of the twin is off."""
        return error(left[pair.places[0]], moved(run[pair.places[1]], pair.offset, biases, 1))

    compared = [pair for pair in grafting.pairs if not pair.partial]
    ends = [left[place] if place >= 0 else ours[-1 - place] for place in left_run.outputs]
    errors = [wrong(pair, right) for pair in compared]
    found = outputs(ends, right_run, right, theirs)
    merged = [wrong(merge, right) for merge in grafting.merges]
    if all(value is not None and value <= TOLERANCE for value in (*errors, *found, *merged)):
        forced_run, forced = right_run, right  # where all is right, the right tensors are there already
    else:
        forced_run, forced = observe(twin, theirs, wanted)
    units = tuple(
        Compared(
            pair, free, wrong(pair, forced), (tuple(left[pair.places[0]].shape), tuple(right[pair.places[1]].shape))
        )
        for pair, free in zip(compared, errors, strict=True)
    )
    merges = {merge.places[1]: wrong(merge, forced) for merge in grafting.merges}
    return Comparison(units, found, outputs(ends, forced_run, forced, theirs), merges)


def moved(tensor: Any, offset: Offset, biases: Mapping[str, Any], sign: int) -> Any:
    """A tensor of the twin with the biases that it is without, or the other way round."""
    for key in offset.keys:
        shape = [1] * tensor.ndim
        shape[offset.axis] = -1
        tensor = tensor + sign * biases[key].reshape(shape)
    return tensor


def outputs(
    ends: Sequence[Any],
    run: Trace,
    made: Mapping[int, Any],
    inputs: Sequence[Any],
    off: Callable[[Any, Any], float | None] | None = None,
) -> tuple[float | None, ...]:
    """The outputs of a run against those of the source; None where one side has no such output."""
    others = [made[place] if place >= 0 else inputs[-1 - place] for place in run.outputs]
    return tuple(
        (off or error)(ends[i], others[i]) if i < min(len(ends), len(others)) else None
        for i in range(max(len(ends), len(others)))
    )


def laid_as(tensor: Any, like: Any) -> Any:
    """A tensor in the axis order of another; None if that cannot be told."""
    if tensor.shape == like.shape:
        return tensor
    bare, wanted = ([size for size in shape if size != 1] for shape in (tensor.shape, like.shape))
    if bare == wanted:
        return tensor.reshape(like.shape)
    if sorted(bare) != sorted(wanted):
        return None
    if len(set(bare)) != len(bare):  # a square map: with its channels in the other place, if that makes the shape
        turned = [tensor.movedim(*ends) for ends in ((-1, 1), (1, -1))] if tensor.ndim > 2 else []
        return next((other for other in turned if other.shape == like.shape), None)
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
