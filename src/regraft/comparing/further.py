"""What else is tried once two models are equal on the first inputs: greater numbers, other sizes, masked steps."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from regraft.errors import RegraftError
from regraft.graft.onto import Grafting, side
from regraft.grafting.judging import judged
from regraft.grafting.placing import placed
from regraft.grafting.result import Graft
from regraft.grafting.source import Converted
from regraft.grafting.trials import Trial, trials
from regraft.verify.needs import needs

#: Inputs grow by these: a limit at 6 does not show in 5, and a square root shows more near 0.
FACTORS = (100.0, 0.02)


def more_trials(source: Converted, inputs: Sequence[Any]) -> Iterator[Trial]:
    """Further inputs for two models that are equal on the first ones."""
    if any(tensor.is_floating_point() for tensor in inputs):
        for factor in FACTORS:
            scaled = tuple(t if not t.is_floating_point() or is_mask(t) else t * factor for t in inputs)
            yield Trial(f"on inputs times {factor:g}", scaled)
    yield from trials(source, inputs)


def is_mask(tensor: Any) -> bool:
    """Whether it holds zeros and ones alone: a mask means something else once it is scaled."""
    return bool(((tensor == 0) | (tensor == 1)).all())


def ends_masked(source: Converted, inputs: Sequence[Any]) -> bool:
    """Whether steps are masked at the end of some rows, and at the start of none: all that a packed sequence can hold."""
    found = False
    for tensor, need in zip(inputs, needs(source.blueprint), strict=False):
        if need.mask is None or tensor.ndim < 2:
            continue
        masked = (tensor == need.mask).reshape(*tensor.shape[:2], -1).all(dim=-1)
        if bool((masked[:, 0] & ~masked[:, -1]).any()):
            return False
        found = found or bool((masked[:, -1] & ~masked[:, 0]).any())
    return found


def structure(source: Converted, module: Any, inputs: Sequence[Any], *, run: bool) -> Graft | None:
    """
    The two modules paired by structure; None where they cannot be. The module is not changed.

    Args:
        source: The file's model.
        module: The user's.
        inputs: As it takes them.
        run: Whether they are run too, with greater numbers at every unit.
    """
    module = copy.deepcopy(module)  # one that trains while it runs changes its own statistics
    try:
        _, ours, grafting = placed(source, tuple(inputs), side(module, inputs))
        if grafting.problems or not run:
            return graft_of(source, module, grafting, inputs)
        return judged(graft_of(source, module, grafting, inputs), ours)
    except (RegraftError, RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError):
        return None


def graft_of(source: Converted, module: Any, grafting: Grafting, inputs: Sequence[Any]) -> Graft:
    """Pairs as a graft in which nothing is filled."""
    from regraft.graft.mapping import TensorMap

    return Graft(module, grafting, TensorMap(()), None, source, tuple(inputs))
