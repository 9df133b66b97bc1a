"""Ways to set layers that slide a window over a map, or change its ends or its size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from regraft.blueprint import LayerSpec, Shape
from regraft.layers import Layer
from regraft.recover.geometry.habits import DILATED, TRANSPOSED, UPSAMPLED, Habit, nats, share
from regraft.recover.geometry.roles import Role
from regraft.recover.geometry.ways import Way, Ways, Workshop, fixed, map_of, usable

#: Strides that differ between axes are tried only where nothing else fits, at this cost.
UNEVEN = 5.0
#: Amounts of ZeroPadding, of 104 literal ones: (before, after) on every axis.
MARGINS = {(1, 1): 41, (0, 1): 14, (3, 3): 17, (1, 0): 7, (2, 2): 1, (3, 2): 3, (2, 3): 1, (0, 2): 0.5, (4, 4): 0.5}


#: How often a network halves its maps in all, about: 5 times in ``keras.applications``, the stem and its pool included.
HALVINGS = 4.0


def stride_chance(role: Role, kind: str, strided: bool | None = None) -> float:
    """
    How often a convolution moves by 2, by its place.

    The first one: in deep networks all of ``keras.applications`` but VGG; else 43 of 192 in networks with pools, 46 of 174 without, 17 of 37 with 7x7. Later ones with pools: 11 of 497.
    Without pools: 14 of 35 that widen, 5 of 32 that keep, 0 of 43 that narrow. 1x1 elsewhere than at a shortcut: 3 of
    100. At a shortcut, and right behind a ZeroPadding, most: in ``keras.applications`` three of the four stages of
    every ResNet, and all strided kernels of MobileNet and EfficientNet.
    """
    if role.projection:
        return 0.1 if role.after_pool else min(0.7, HALVINGS / role.projections)
    if role.padded and role.window > 1:
        return min(0.7, HALVINGS / role.paddings)
    if role.entry:
        return 0.1 if role.after_pool else min(0.5, HALVINGS / role.projections)
    if role.after_growth:
        return 0.01
    if role.window == 1:
        return 0.03
    if strided is not None:
        return 0.7 if strided else 0.015
    if role.first and role.deep and not role.grows:
        return 0.85
    if role.first:
        return 0.46 if role.window >= 7 else 0.24
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
    chance = stride_chance(role, kind, habit.strided)
    half = side // 2
    # Kernels of even length at least 4 mostly move by half of it: 15 of 26 (8x8 by 4, 4x4 by 2).
    table = {1: 1 - chance, 2: chance * 0.93}
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


def convolution(
    shop: Workshop, spec: LayerSpec, layer: Layer, role: Role, habit: Habit, *, prefix: str = "", wide: bool = False,
    holes: bool = False,
) -> Ways:
    """
    Ways of a convolution, separable and depthwise ones included.

    Dilations that change no size are tried only where ``holes`` says that something can tell them.
    """
    sides = tuple(layer.kernel_size)  # type: ignore[attr-defined]
    rank, single = len(sides), max(sides) == 1
    names = ["valid"] if single else ["same", "valid", *(["causal"] if rank == 1 else [])]
    found: list[Way] = []
    for padding in names:
        padded = 0.0 if single else padding_cost(role, habit, padding)
        for steps, cost in strides_of(role, spec.type, sides, habit, wide):
            settings = {"strides": steps, "padding": padding}
            found.append(shop.way(spec, settings, padded + cost, prefix))
        if not single and (holes or wide or padding == "valid"):
            for hole in (2, 4, 8, 16) if holes else (2, 4) if wide else (2,):
                settings = {"strides": (1,) * rank, "padding": padding, "dilation_rate": (hole,) * rank}
                found.append(shop.way(spec, settings, padded + nats(DILATED) + 0.2 * hole, prefix))
    return fixed(found)


def padding_cost(role: Role, habit: Habit, padding: str) -> float:
    """A convolution behind a ZeroPadding takes no padding of its own: all such of ``keras.applications``."""
    if role.padded:
        return nats(0.9 if padding == "valid" else 0.05)
    if role.inside:
        # Branches must be as large as the shortcut that they are added to: only ``same`` keeps the size.
        return nats(0.95 if padding == "same" else 0.025)
    if role.after_sums:
        # Behind such branches most go on as they did between them: Xception, and the 11 of its kind in the files that
        # the labels were checked on; stems differ.
        return nats(0.8 if padding == "same" else 0.1)
    return habit.of_padding(padding)


def transposed(shop: Workshop, spec: LayerSpec, layer: Layer, habit: Habit, *, prefix: str = "") -> Ways:
    """Ways of a transposed convolution."""
    sides = tuple(layer.kernel_size)  # type: ignore[attr-defined]
    rank, side = len(sides), max(sides)
    found: list[Way] = []
    for (step, padding), _ in TRANSPOSED.items():
        cost = nats(share(TRANSPOSED, (step, padding)))
        # A kernel of the length of its strides covers everything once: then there is no padding to speak of.
        if step > side:
            cost += 3.0
        if step == side > 1:
            cost = min(cost, 0.7) if padding == "valid" else cost
        found.append(shop.way(spec, {"strides": (step,) * rank, "padding": padding}, cost, prefix))
    del habit
    return fixed(found)


def pool(
    shop: Workshop, spec: LayerSpec, layer: Layer, role: Role, habit: Habit, *, prefix: str = "", wide: bool = False,
    kind: str = "",
) -> Ways:
    """Ways of a pool."""
    rank = layer.rank
    from regraft.recover.geometry.habits import POOLS_1D, POOLS_2D

    table = POOLS_1D if rank == 1 else POOLS_2D
    found = [
        shop.way(spec, pool_settings(rank, window), pool_cost(role, habit, window, rank), prefix, kind) for window in table
    ]
    if wide:
        for size in range(2, 17):
            extra = [(size, size, "valid"), (size, size, "same")]
            found += [shop.way(spec, pool_settings(rank, w), 8.0 + size / 8, prefix, kind) for w in extra]
        for sizes in product((1, 2, 3, 4, 5), repeat=rank):
            if len(set(sizes)) > 1:
                settings = {"pool_size": sizes, "strides": sizes, "padding": "valid"}
                found.append(shop.way(spec, settings, UNEVEN + 2.0 + sum(sizes) / 4, prefix, kind))
    static = usable(found)
    average = (kind or spec.type).startswith("Average")
    if not (role.to_vector or (rank == 1 and role.joined == "Concatenate")) or prefix:
        return lambda shapes: static

    def all_ways(shapes: tuple[Shape, ...]) -> Sequence[Way]:
        """With the pool over the whole map: 8x8 and 7x7 ones of ResNets, and those of text networks."""
        sizes = map_of(shapes, layer)
        if not sizes or None in sizes or max(n or 0 for n in sizes) < 2:
            return static
        settings = {"pool_size": sizes, "strides": sizes, "padding": "valid"}
        cost = nats(0.4 if average else 0.05)
        return usable([*static, shop.way(spec, settings, cost, prefix, kind)])

    return all_ways


def pool_settings(rank: int, window: tuple[int, int, str]) -> dict[str, object]:
    """Settings of a square pool."""
    size, step, padding = window
    return {"pool_size": (size,) * rank, "strides": (step,) * rank, "padding": padding}


def pool_cost(role: Role, habit: Habit, window: tuple[int, int, str], rank: int) -> float:
    """Cost of a pool; beside a shortcut or a branch it has habits of its own (Xception, Inception)."""
    usual = habit.of_pool(window, rank)
    special: dict[tuple[int, int, str], float] = {}
    if role.padded:
        special = {(3, 2, "valid"): 0.9}
    elif role.joined == "Add" and role.branches and rank > 1:
        # The shortcut itself: it only leaves out places (ResNetV2).
        special = {(1, 2, "valid"): 0.7}
    elif role.joined == "Add" and rank > 1:
        special = {(3, 2, "same"): 0.8}
    elif role.joined == "Concatenate" and role.branches and not role.grows:
        special = {(3, 1, "same"): 0.6, (3, 2, "valid"): 0.25}
    if not special:
        return usual
    return nats(special[window]) if window in special else usual + nats(1 - sum(special.values()))


def upsampling(shop: Workshop, spec: LayerSpec, layer: Layer, *, prefix: str = "", wide: bool = False) -> Ways:
    """Ways of an UpSampling."""
    rank = layer.rank
    found = [
        shop.way(spec, {"size": (size,) * rank}, nats(share(UPSAMPLED, size)), prefix) for size in UPSAMPLED
    ]
    if wide:
        for sizes in product((1, 2, 3, 4), repeat=rank):
            if len(set(sizes)) > 1:
                found.append(shop.way(spec, {"size": sizes}, UNEVEN + 1.0, prefix))
    return fixed(found)


def zero_padding(
    shop: Workshop, spec: LayerSpec, layer: Layer, window: int, kind: str, *, wide: bool = False
) -> Ways:
    """
    Ways of a ZeroPadding in front of a kernel of this size.

    Half of the kernel at both ends, or less by one in front of a map of even size, which is what ``same`` does with
    strides of 2: ``correct_pad`` of ``keras.applications``, there in front of every strided depthwise kernel.
    """
    rank, half = layer.rank, window // 2
    pairs = {pair: share(MARGINS, pair) * 0.4 for pair in MARGINS}
    if window > 1:
        uneven = 0.85 if kind.startswith("Depthwise") else 0.25
        pairs[half, half] = pairs.get((half, half), 0.0) + 0.6 * (1 - uneven)
        pairs[half - 1, half] = pairs.get((half - 1, half), 0.0) + 0.6 * uneven
    found = [shop.way(spec, {"padding": (pair,) * rank}, nats(part)) for pair, part in pairs.items()]
    if wide:
        for pair in product(range(6), repeat=2):
            found.append(shop.way(spec, {"padding": (pair,) * rank}, 7.0 + sum(pair) / 4))
    return fixed(found)


def cropping(shop: Workshop, spec: LayerSpec, layer: Layer) -> Ways:
    """Ways of a Cropping: what makes its map as large as the one it is joined with is found by trying."""
    rank = layer.rank
    found: list[Way] = []
    for before in range(13):
        for after in {before, before + 1, max(before - 1, 0)}:
            cost = 1.5 + 0.15 * before + (0.0 if before == after else 1.5)
            found.append(shop.way(spec, {"cropping": ((before, after),) * rank}, cost))
    return fixed(found)

