"""Whether outputs are those that were recorded, in whatever order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

#: A recorded prediction is float32, printed or stored: this much of its own size, or of the largest value, is rounding.
RELATIVE, ABSOLUTE = 1e-3, 2e-6
#: Of outputs that agree, up to this many are tried in every order, so that the first order is found; of more any order is.
MOST_OUTPUTS = 5

Matches = list[list[bool]]


def close(
    found: np.ndarray,
    expected: np.ndarray,
    scale: float | None = None,
    *,
    slack: float = 0.0,
    relative: float = RELATIVE,
) -> bool:
    """
    Whether an output is the recorded one, element by element relative to its own size.

    A softmax that has made up its mind is all zeros and ones to an absolute tolerance, whatever stands before it: the
    small numbers count, down to a few roundings of the largest: of ``scale`` if that is given.

    Args:
        found: What a candidate gives.
        expected: What was recorded.
        scale: The largest recorded value, if there are more records than these.
        slack: What every element may be off besides.
        relative: What it may be off of its own size.
    """
    if found.shape != expected.shape or not np.isfinite(found).all():
        return False
    scale = size(expected) if scale is None else scale
    allowed = relative * np.abs(expected) + (ABSOLUTE * max(scale, 1e-30) + slack)
    return bool((np.abs(found - expected) <= allowed).all())


def size(array: np.ndarray) -> float:
    """The largest absolute value."""
    return float(np.abs(array).max(initial=0.0))


def order_of(
    found: Sequence[np.ndarray], expected: Sequence[np.ndarray], scales: Sequence[float] | None = None
) -> tuple[int, ...] | None:
    """Which output each expected one is; None if they are not the same arrays in some order."""
    if len(found) != len(expected):
        return None
    return assigned(matches(found, expected, scales or [size(e) for e in expected]))


def matches(
    found: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    scales: Sequence[float],
    slack: Sequence[float] | None = None,
    relative: float = RELATIVE,
) -> Matches:
    """For each output that was found whether it is each of the expected ones."""
    own = slack or [0.0] * len(expected)
    wanted = list(zip(expected, scales, own, strict=True))
    return [[close(f, e, scale, slack=s, relative=relative) for e, scale, s in wanted] for f in found]


def assigned(agree: Matches) -> tuple[int, ...] | None:
    """An output for each expected one, none twice; None if there are too few that agree."""
    count = len(agree)
    if count <= MOST_OUTPUTS:
        orders = permutations(range(count))
        return next((o for o in orders if all(agree[i][j] for j, i in enumerate(o))), None)
    taken: dict[int, int] = {}  # found output, by the expected one that has it

    def settle(wanted: int, tried: set[int]) -> bool:
        for i in range(count):
            if agree[i][wanted] and i not in tried:
                tried.add(i)
                if i not in taken or settle(taken[i], tried):
                    taken[i] = wanted
                    return True
        return False

    if not all(settle(wanted, set()) for wanted in range(count)):
        return None
    place = {wanted: i for i, wanted in taken.items()}
    return tuple(place[wanted] for wanted in range(count))
