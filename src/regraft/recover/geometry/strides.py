"""How far convolutions move, by their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from regraft.recover.geometry.habits import Habit, nats
from regraft.recover.geometry.roles import Role

#: Strides that differ between axes are tried only where nothing else fits, at this cost.
UNEVEN = 5.0


#: How often a network halves its maps in all, about: 5 times in ``keras.applications``, the stem and its pool included.
HALVINGS = 4.0


#: Where branches end in pools a shortcut moves, as the pool does, and nothing else does.
BESIDE_POOL, BEFORE_POOL = 0.9, 0.03
#: Elsewhere the first layer of a block moves as its shortcut does (He et al. 2016), or another does in its place: how
#: likely its stride is beside a shortcut of the same stride.
BESIDE_SHORTCUT = 0.9


def stride_chance(role: Role, kind: str, habit: Habit) -> float:
    """
    How often a convolution moves by 2, by its place.

    The first one: in deep networks all of ``keras.applications`` but VGG, in networks with depthwise convolutions all
    too; else 43 of 192 in networks with pools, most of them of 5x5 and more, 46 of 174 without, 17 of 37 with 7x7.
    Later ones with pools: 11 of 497. Without pools: 14 of 35 that widen, 5 of 32 that keep, 0 of 43 that narrow; where
    all move alike (``Habit.strided``) 45 of 76, the last one least. 1x1 elsewhere than at a shortcut: 3 of 100. At a
    shortcut, and right behind a ZeroPadding, as often as a network halves its maps: three of the four stages of every
    ResNet of ``keras.applications``, all strided kernels of its MobileNet and EfficientNet.
    """
    strided = habit.strided
    if habit.sums_pooled and (role.projection or role.entry):
        return BESIDE_POOL if role.projection else BEFORE_POOL
    if role.projection:
        return 0.1 if role.after_pool else min(0.7, HALVINGS / role.projections)
    if role.padded and role.window > 1:
        return min(0.7, HALVINGS / role.paddings)
    if role.entry:
        return 0.1
    if role.after_growth:
        return 0.01
    if role.window == 1:
        return 0.03
    if strided is not None:
        # Those that do not move stand at the end, more likely than in front.
        return (0.8 if role.first else 0.5 if role.last else 0.72) if strided else 0.015
    if role.first and (role.deep or role.mobile) and not role.grows:
        return 0.85
    if role.first:
        return 0.46 if role.window >= 7 else 0.24 if role.window >= 5 or not role.pools else 0.08
    if role.pools:
        return 0.022
    if kind.startswith("Depthwise"):
        return 0.25
    return 0.4 if role.widens else 0.01 if role.narrows else 0.16


def strides_of(
    role: Role, kind: str, sides: Sequence[int], habit: Habit, wide: bool
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Strides of a convolution with their costs."""
    rank, side = len(sides), max(sides)
    chance = stride_chance(role, kind, habit)
    half = side // 2
    # Kernels of even length at least 4 mostly move by half of it: 15 of 26 (8x8 by 4, 4x4 by 2).
    table = {1: 1 - chance, 2: chance * 0.93}
    if role.entry and not (role.after_pool or habit.sums_pooled):
        # Whether a block moves is paid for at its shortcut; the layer beside it does likewise.
        table = {1: BESIDE_SHORTCUT, 2: BESIDE_SHORTCUT}
    if rank > 1 and side >= 4 and side % 2 == 0 and not role.after_growth and habit.strided is not False:
        table = {1: 0.4, half: 0.5, **({2: 0.06} if half != 2 else {})}
    for step in (3, 4):
        if step <= max(side, 2) or wide:
            table.setdefault(step, chance * 0.035 + 0.0005)
    if rank == 1 and side >= 5:
        for step in {side, side // 3, 5, 8, 10}:
            if step > 1:
                table.setdefault(step, 0.004)
    elif side >= 5:
        table.setdefault(side, 0.002)
    if side >= 2:
        table.setdefault(side, 0.003)
    for step, part in table.items():
        if step >= 1:
            yield (step,) * rank, nats(part)
    if wide and rank > 1:
        for steps in product((1, 2, 3), repeat=rank):
            if len(set(steps)) > 1:
                yield steps, UNEVEN + sum(steps) / 2
