"""Both modules with other numbers at every unit than the example makes there: what a limit at 6 does shows beyond 6 only."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from regraft.graft.comparing import TOLERANCE, error, laid_as, moved, outputs, wide
from regraft.graft.onto import Grafting
from regraft.graft.trace import observe

#: Spreads of the normal numbers that every unit is given.
SPREADS = (2.0, 64.0)
SEED = 1


def hidden(
    grafting: Grafting, source: Any, target: Any, ours: Sequence[Any], theirs: Sequence[Any], places: Sequence[int]
) -> dict[int, float | None] | None:
    """
    What differs at some places once every unit and sum makes other numbers, the same in both modules.

    Args:
        grafting: The pairs.
        source: The converted model.
        target: The user's module with its new parameters; a copy of it is run.
        ours: Inputs of the source.
        theirs: The same inputs as the target takes them.
        places: Of the user's module, as in ``Comparison.effects``.

    Returns:
        The greatest difference by place, relative to the largest value there, where there is one; None if that cannot be
        tried, for a result of one of the modules cannot be replaced.
    """
    twin = copy.deepcopy(target).double().eval()
    found: dict[int, float | None] = {}
    try:
        for spread in SPREADS:
            for place, off in effects(grafting, source, twin, ours, theirs, spread).items():
                if place in places and (off is None or off > TOLERANCE):
                    found[place] = max(off, found.get(place) or 0.0) if off is not None else None
    except RuntimeError:
        return None
    return found


def effects(
    grafting: Grafting, source: Any, twin: Any, ours: Sequence[Any], theirs: Sequence[Any], spread: float
) -> Mapping[int, float | None]:
    """What differs at each place with numbers of one spread."""
    import torch

    ours, theirs = [wide(x) for x in ours], [wide(x) for x in theirs]
    pairs = (*grafting.merges, *(pair for pair in grafting.pairs if not pair.partial))
    known, mine = {pair.places[1]: pair for pair in pairs}, {pair.places[0] for pair in pairs}
    biases = {name: tensor.double() for name, tensor in source.state_dict().items()}
    given: dict[int, Any] = {}

    def drawn(place: int, tensor: Any) -> Any:
        """Numbers for an operation of the converted model."""
        if place not in mine or not tensor.is_floating_point():
            return None
        generator = torch.Generator().manual_seed(SEED + place)
        given[place] = spread * torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
        return given[place]

    def same(place: int, like: Any) -> Any:
        """The same numbers for its twin."""
        pair = known.get(place)
        tensor = laid_as(given[pair.places[0]], like) if pair is not None and pair.places[0] in given else None
        return None if tensor is None or pair is None else moved(tensor, pair.offset, biases, -1)

    left_run, left = observe(source, ours, drawn)
    right_run, right = observe(twin, theirs, same)
    found = {
        pair.places[1]: off(left[pair.places[0]], moved(right[pair.places[1]], pair.offset, biases, 1))
        for pair in pairs
    }
    ends = [left[place] if place >= 0 else ours[-1 - place] for place in left_run.outputs]
    return found | {-2 - i: e for i, e in enumerate(outputs(ends, right_run, right, theirs, off))}


def off(ours: Any, theirs: Any) -> float | None:
    """The difference where both are numbers; infinite where one alone is none."""
    import torch

    same = laid_as(theirs, ours)
    if same is None:
        return None
    here, there = torch.isfinite(ours), torch.isfinite(same)
    if not torch.equal(here, there):
        return float("inf")
    return error(ours[here], same[there])
