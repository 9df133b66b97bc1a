"""
How Keras networks are usually built: frequencies as costs, and what one network does throughout.

The counts were taken with ``ast`` from the Python files and notebooks of 30 public repositories of Keras code, 1,799
different layer sequences: the examples and applications of keras-team/keras, keras-contrib and keras-applications;
keras-js, keras-unet-collection, keras-retinanet, keras-tcn, keras-YOLOv3-model-set, keras-gym, dl-4-tsc, zhixuhao/unet,
titu1994/DenseNet, tensorflow/examples; the code of books and courses (deep-learning-with-python-notebooks, handson-ml2,
Advanced-Deep-Learning-with-Keras, keras-idiomatic-programmer, tensorflow-deep-learning, DeepLearningZeroToAll and
others); and exercises of learners. A count of 0 was taken as one half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import log
from typing import TypeVar

K = TypeVar("K")
Window = tuple[int, int, str]
"""Pool size, strides and padding, for square pools."""

#: Pools over two axes, of 563: (pool_size, strides, padding).
POOLS_2D: Mapping[Window, int] = {
    (2, 2, "valid"): 315,
    (3, 2, "valid"): 69,
    (3, 2, "same"): 30,
    (2, 2, "same"): 24,
    (3, 3, "valid"): 10,
    (3, 1, "same"): 36,
    (2, 1, "valid"): 5,
    (2, 1, "same"): 6,
    (5, 3, "valid"): 7,
    (4, 4, "valid"): 2,
    (3, 3, "same"): 4,
    (5, 5, "valid"): 1,
    (5, 1, "same"): 4,
    (4, 2, "valid"): 1,
    (6, 6, "valid"): 1,
    (1, 2, "valid"): 5,
}
#: Pools over one axis, of 51, and over three, of 9, taken together with those of two axes for what is rare.
POOLS_1D: Mapping[Window, int] = {
    (2, 2, "valid"): 29,
    (3, 3, "valid"): 7,
    (4, 4, "valid"): 2,
    (5, 5, "valid"): 2,
    (2, 2, "same"): 2,
    (3, 2, "valid"): 1,
    (3, 2, "same"): 1,
    (8, 8, "valid"): 1,
    (10, 10, "valid"): 1,
    (3, 1, "same"): 1,
    (2, 1, "valid"): 1,
    (4, 4, "same"): 1,
}
#: Of 120 networks with several pools the settings of all pools agree in 107.
POOLS_AGREE = 107 / 120
#: The padding of most convolutions with kernels wider than 1, of networks with fewer than five such, with five or more,
#: and over one axis. In 195 of 255 networks with several all have it.
PADDINGS_FEW: Mapping[str, float] = {"valid": 88, "same": 76}
PADDINGS_MANY: Mapping[str, float] = {"same": 36, "valid": 21}
PADDINGS_1D: Mapping[str, float] = {"valid": 68, "same": 25, "causal": 9}
#: Of 31 networks with ``UpSampling`` or transposed convolutions: 18 with several kernels, all ``same``.
PADDINGS_UP: Mapping[str, float] = {"same": 18, "valid": 0.5}
#: Of those 60 networks that mix paddings about a quarter do as the CIFAR example of Keras does: ``same``, then ``valid``,
#: between every two pools.
IN_TURNS, TURNS = "same, then valid", 15 / 255
#: Autoencoders of convolutions without shortcuts mostly pool with ``same``, as the tutorial of the Keras blog does, so
#: that sizes which cannot be halved fit all the same; a judgement.
POOLS_CODE: Mapping[Window, int] = {(2, 2, "same"): 550, (2, 2, "valid"): 400}
#: Of 1,029 convolutions with kernels wider than 1, 91 have another padding than most of their network.
PADDING_DIFFERS = 91 / 1029
#: Of 1,570 convolutions 11 have holes.
DILATED = 11 / 1570
#: Transposed convolutions (strides, padding), of 64 with literal settings.
TRANSPOSED: Mapping[tuple[int, str], float] = {
    (2, "same"): 41,
    (1, "same"): 20,
    (1, "valid"): 10,
    (2, "valid"): 4,
    (3, "same"): 0.5,
    (4, "same"): 0.5,
    (3, "valid"): 0.5,
    (4, "valid"): 0.5,
    (8, "same"): 0.5,
}
#: Sizes of UpSampling, of 40 literal ones.
UPSAMPLED: Mapping[int, float] = {2: 33, 3: 3, 4: 1, 5: 0.5, 8: 0.5}
#: How a map becomes a vector before a Dense: 314 networks, over one axis and over two.
TO_VECTOR: Mapping[str, int] = {"Flatten": 214, "GlobalAveragePooling": 52, "GlobalMaxPooling": 10}
#: Over one axis, mostly text: the networks for sentences take the largest value, those for series flatten; a judgement.
TO_VECTOR_1D: Mapping[str, int] = {"Flatten": 35, "GlobalAveragePooling": 22, "GlobalMaxPooling": 43}
#: Networks whose files list no pools and that give back as many channels as they take: autoencoders, mostly.
MIRRORED = 0.35
#: Blocks whose shortcut has a convolution pool before the sum throughout, or move in their first convolution. Separable
#: ones pool: Xception (Chollet 2017), its small versions, and the Keras examples that follow it. Others move: ResNets (He
#: et al. 2016) and what follows them. The figures are judgements.
SUMS_POOLED, SUMS_POOLED_SEPARABLE = 0.08, 0.85
#: Recurrent layers before a Dense: 97 give their last step, 25 all steps; as the last layer 11 and 5.
SEQUENCES_BEFORE_DENSE = 25 / 122
SEQUENCES_AT_THE_END = 5 / 16


def nats(probability: float) -> float:
    """Minus the logarithm of a probability."""
    return -log(max(probability, 1e-9))


def share(table: Mapping[K, float], key: K) -> float:
    """The frequency of a key of a table, that of half a count for one it does not have."""
    return table.get(key, 0.5) / (sum(table.values()) + 1.0)


@dataclass(frozen=True)
class Habit:
    """
    What a network does throughout; a layer may differ, at a cost.

    Attributes:
        padding: Of convolutions with kernels wider than 1, or ``IN_TURNS``.
        pool: Of pools.
        every: Where no layer says so, after how many convolutions a pool follows: 1, 2, or 0 for no pools.
        strided: Whether convolutions move by 2 instead of pools; None where that goes by the place of each.
        mirrored: Where no layer says so, whether maps shrink before every convolution up to the middle, and grow behind.
        sums_pooled: Whether branches end in a pool before a sum, where no layer says so.
        cost: Of having this habit.
    """

    padding: str = "valid"
    pool: Window = (2, 2, "valid")
    every: int = 0
    strided: bool | None = None
    mirrored: bool = False
    sums_pooled: bool = False
    cost: float = 0.0

    def of_padding(self, padding: str, *, behind: bool) -> float:
        """Cost of a convolution with this padding, right behind another one or not."""
        if self.padding == IN_TURNS:
            return nats(0.97 if padding == ("valid" if behind else "same") else 0.015)
        return nats(1 - PADDING_DIFFERS) if padding == self.padding else nats(PADDING_DIFFERS / 2)

    def of_pool(self, window: Window, rank: int) -> float:
        """Cost of a pool with these settings: as all others of its network, or drawn from the table."""
        drawn = share(POOLS_1D if rank == 1 else POOLS_2D, window)
        # Three of four pools of a network that has no single habit still follow the usual one.
        return nats(0.95 if window == self.pool else 0.05 * drawn)


def habits(
    *,
    convolutions: int,
    pools: int,
    rank: int,
    grows: bool,
    slots: bool,
    plain: bool = False,
    code: bool = False,
    returns: bool = False,
    summed: float = 0.0,
) -> Iterator[Habit]:
    """
    The habits that a network may have.

    Args:
        convolutions: Number of those with kernels wider than 1.
        pools: Number of pools.
        rank: Spatial axes of most of them.
        grows: Whether maps grow again: UpSampling, transposed convolutions.
        slots: Whether pools may stand where no layer says so.
        plain: Whether it is a chain of ordinary convolutions: then all of them move alike, or none.
        code: Whether maps shrink and grow again without shortcuts.
        returns: Whether a chain without listed pools gives a map of as many channels as it takes.
        summed: How likely all branches of sums end in pools where no layer says so; 0 where none can.
    """
    many = PADDINGS_MANY if convolutions >= 5 else PADDINGS_FEW
    paddings = PADDINGS_UP if grows else PADDINGS_1D if rank == 1 else many
    names = list(paddings) if convolutions else ["valid"]
    table = POOLS_1D if rank == 1 else {**POOLS_2D, **POOLS_CODE} if code else POOLS_2D
    usual = sorted(table, key=lambda w: -table[w])[:5]
    if convolutions >= 4 and (pools > 1 or slots) and plain and rank == 2 and not grows:
        names.append(IN_TURNS)
    for name in names:
        for window in usual if pools or slots else usual[:1]:
            if window[1] == 1:
                continue
            for every, part in EVERY.items() if slots else [(0, 1.0)]:
                if every == 0 and slots and window != usual[0]:
                    continue
                cost = nats(TURNS if name == IN_TURNS else share(paddings, name)) if convolutions else 0.0
                cost += nats(share(table, window)) if pools or (slots and every) else 0.0
                if name == IN_TURNS and slots and every != 2:
                    continue
                if pools or every or not plain or not convolutions:
                    yield from blocks(Habit(name, window, every, None, cost=cost + nats(part)), summed=summed)
                    continue
                for strided, chance in ((True, STRIDED), (False, 1 - STRIDED)):
                    yield Habit(name, window, every, strided, cost=cost + nats(part) + nats(chance))
                if returns and name == "same":
                    window_code = max(POOLS_CODE, key=lambda w: POOLS_CODE[w])
                    yield Habit(name, window_code, 0, False, mirrored=True, cost=nats(MIRRORED))


def blocks(habit: Habit, *, summed: float) -> Iterator[Habit]:
    """A habit with and without pools at the end of the branches of sums."""
    if not summed:
        yield habit
        return
    yield replace(habit, cost=habit.cost + nats(1 - summed))
    if not habit.every:
        yield replace(habit, sums_pooled=True, cost=habit.cost + nats(summed))


#: Of 88 networks without pools 25 have convolutions that move by 2; with a Flatten behind them, 21 of 26 such
#: convolutions move, else 24 of 50.
STRIDED = 25 / 88
#: Chains of several convolutions: 71 have no pools, 28 one after every convolution (but, in 15, the last), 14 one after
#: every second, 22 other patterns.
EVERY: Mapping[int, float] = {0: 71 / 135, 1: 40 / 135, 2: 24 / 135}
