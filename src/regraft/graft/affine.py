"""Constants that are added and multiplied, one after another, as one multiple and one number on top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from regraft.graft.doing import AFFINE, Done

Number = float | tuple[float, ...]
#: Relative difference of two constants that are the same, one stored in float32.
ROUNDING = 1e-6


def affine(kind: str, value: Any) -> Done:
    """One such step."""
    other: Number = float(value) if isinstance(value, int | float) else tuple(map(float, value))
    other = other[0] if isinstance(other, tuple) and len(set(other)) == 1 else other
    if kind in ("add", "sub"):
        return Done(AFFINE, (("times", 1.0), ("plus", each(lambda b: b if kind == "add" else -b, other))))
    return Done(AFFINE, (("times", each(lambda a: a if kind == "mul" else 1.0 / a if a else float("inf"), other)),
                         ("plus", 0.0)))  # fmt: skip


def joined(steps: Sequence[Done]) -> list[Done]:
    """
    The steps with such ones together, and without those that do nothing.

    >>> [str(step) for step in joined([affine("div", 127.5), affine("sub", 1), affine("mul", 2.0), Done("relu")])]
    ['x * 0.0156862745 - 2', 'relu']
    """
    found: list[Done] = []
    for step in steps:
        last = dict(found[-1].settings) if found and found[-1].kind == AFFINE else None
        new = dict(step.settings)
        if step.kind != AFFINE or last is None or not fitting(last["plus"], last["times"], new["times"], new["plus"]):
            found.append(step)
            continue
        times = each(lambda a, b: a * b, last["times"], new["times"])
        plus = each(lambda a, b, c: a * b + c, last["plus"], new["times"], new["plus"])
        found[-1] = Done(AFFINE, (("times", times), ("plus", plus)))
    return [step for step in found if step.kind != AFFINE or dict(step.settings) != {"times": 1.0, "plus": 0.0}]


def fitting(*values: Number) -> bool:
    """Whether all that are not single numbers are of one length."""
    return len({len(value) for value in values if isinstance(value, tuple)}) <= 1


def each(function: Callable[..., float], *values: Number) -> Number:
    """A function of numbers, channel by channel where one of them is one for each."""
    longest = max((len(value) for value in values if isinstance(value, tuple)), default=0)
    if not longest:
        return function(*values)
    wide = [value if isinstance(value, tuple) else (value,) * longest for value in values]
    return tuple(function(*row) for row in zip(*wide, strict=True))


def renamed(steps: Sequence[Done]) -> list[Done]:
    """The steps with ``relu6(x + 3) / 6`` as what it is: ``hardsigmoid``; behind ``x *`` also ``hardswish``."""
    found: list[Done] = []
    for step in steps:
        found.append(step)
        before = found[-3:]
        if (
            len(before) == 3
            and before[1].kind == "relu6"
            and plainly(before[0], 1.0, 3.0)
            and plainly(before[2], 1 / 6, 0.0)
        ):
            found[-3:] = [Done("hardsigmoid")]
        elif len(found) > 1 and found[-2] == HALF_HARDSWISH and plainly(step, 1 / 6, 0.0):
            found[-2:] = [Done("hardswish")]
    return found


#: ``x * relu6(x + 3)``, which is hardswish where a sixth of it is taken.
HALF_HARDSWISH = Done("x * relu6(x + 3)")


def plainly(step: Done, times: float, plus: float) -> bool:
    """Whether a step is that multiple with that number on top."""
    if step.kind != AFFINE:
        return False
    found = dict(step.settings)
    close = [
        isinstance(found[name], float) and abs(found[name] - value) <= ROUNDING * max(1.0, abs(value))
        for name, value in (("times", times), ("plus", plus))
    ]
    return all(close)
