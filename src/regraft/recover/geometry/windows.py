"""Ways to set layers that slide a window over a map, or change its ends or its size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from regraft.blueprint import LayerSpec, Setting, Shape
from regraft.layers import Layer
from regraft.recover.geometry.habits import (
    DILATED,
    POOLS_1D,
    POOLS_2D,
    TRANSPOSED,
    UPSAMPLED,
    Habit,
    Window,
    nats,
    share,
)
from regraft.recover.geometry.roles import Role
from regraft.recover.geometry.strides import UNEVEN, strides_of
from regraft.recover.geometry.ways import Way, Ways, Workshop, fixed, map_of, usable

#: Amounts of ZeroPadding, of 104 literal ones: (before, after) on every axis.
MARGINS = {(1, 1): 41, (0, 1): 14, (3, 3): 17, (1, 0): 7, (2, 2): 1, (3, 2): 3, (2, 3): 1, (0, 2): 0.5, (4, 4): 0.5}


def convolution(
    shop: Workshop,
    spec: LayerSpec,
    layer: Layer,
    role: Role,
    habit: Habit,
    *,
    prefix: str = "",
    wide: bool = False,
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
        # Behind such branches a network goes on as between them; its stem, in front of them, often differs (Xception).
        return nats(0.8 if padding == "same" else 0.1)
    return habit.of_padding(padding, behind=role.behind)


def transposed(shop: Workshop, spec: LayerSpec, layer: Layer, role: Role, *, prefix: str = "") -> Ways:
    """Ways of a transposed convolution; of several the last is the likeliest not to move."""
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
        cost += 0.3 if step == 1 and not role.last else 0.0
        found.append(shop.way(spec, {"strides": (step,) * rank, "padding": padding}, cost, prefix))
    return fixed(found)


def pool(
    shop: Workshop,
    spec: LayerSpec,
    layer: Layer,
    role: Role,
    habit: Habit,
    *,
    prefix: str = "",
    wide: bool = False,
    kind: str = "",
) -> Ways:
    """Ways of a pool."""
    rank = layer.rank
    table = POOLS_1D if rank == 1 else POOLS_2D
    found = [
        shop.way(spec, pool_settings(rank, window), pool_cost(role, habit, window, rank), prefix, kind)
        for window in table
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
        cost = nats(0.4 if average else 0.05 if rank == 1 else 0.01)
        return usable([*static, shop.way(spec, settings, cost, prefix, kind)])

    return all_ways


def pool_settings(rank: int, window: Window) -> dict[str, Setting]:
    """Settings of a square pool."""
    size, step, padding = window
    return {"pool_size": (size,) * rank, "strides": (step,) * rank, "padding": padding}


def pool_cost(role: Role, habit: Habit, window: Window, rank: int) -> float:
    """Cost of a pool; beside a shortcut or a branch it has habits of its own (Xception, Inception)."""
    usual = habit.of_pool(window, rank)
    special: dict[Window, float] = {}
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
    found = [shop.way(spec, {"size": (size,) * rank}, nats(share(UPSAMPLED, size)), prefix) for size in UPSAMPLED]
    if wide:
        for sizes in product((1, 2, 3, 4), repeat=rank):
            if len(set(sizes)) > 1:
                found.append(shop.way(spec, {"size": sizes}, UNEVEN + 1.0, prefix))
    return fixed(found)


def zero_padding(shop: Workshop, spec: LayerSpec, layer: Layer, window: int, kind: str, *, wide: bool = False) -> Ways:
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
