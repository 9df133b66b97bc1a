"""The shapes that may enter: as the user says, or as the first layers and the sizes of flattened maps allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regraft.blueprint import Call, Shape, TensorRef
from regraft.layers.inputs import InputLayer
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.graph import Graph
from regraft.recover.geometry.habits import nats
from regraft.recover.geometry.ways import Way

#: Sides of square inputs in the code counted in ``habits``: images in grey, images in colour. Sides that were met once
#: or not at all and are usual elsewhere count as one.
GREY = {
    28: 62,
    64: 4,
    48: 3,
    200: 2,
    128: 3,
    256: 3,
    150: 1,
    32: 3,
    84: 3,
    96: 1,
    100: 1,
    224: 1,
    512: 1,
    20: 2,
    16: 1,
    8: 2,
}
COLOUR = {
    32: 46, 150: 29, 224: 21, 180: 7, 64: 5, 128: 4, 256: 4, 250: 3, 300: 3, 200: 2, 28: 2, 96: 2, 100: 2, 299: 2, 48: 1,
    227: 1, 160: 1, 192: 1, 240: 1, 320: 1, 416: 1, 512: 1, 84: 1, 112: 1, 75: 1, 16: 1,
}  # fmt: skip
#: Of 330 input shapes of images so many are none of these.
OTHER = 0.25
#: Lengths of sequences that are more frequent than others, by the same count and the examples of Keras.
LENGTHS = {
    100: 6,
    50: 4,
    200: 4,
    400: 4,
    500: 4,
    80: 3,
    1000: 4,
    128: 4,
    256: 4,
    30: 3,
    20: 3,
    10: 4,
    64: 3,
    40: 3,
    150: 2,
}
#: Sides that stand for one that is not known, by the number of axes: powers of two, so that halves fit again.
NOMINAL = {1: 4096, 2: 256, 3: 64}


#: What it costs if a network that begins with a Dense, or the like, takes sequences.
LOOSE = 2.5


@dataclass(frozen=True)
class Entry:
    """
    What is known of one input.

    Attributes:
        shape: Batch first; None for an axis that is not known, None as a whole for an unknown rank.
        stated: Whether the user said so.
        first: Whether the channels come first.
        flat: What a Flatten right behind it must give, 0 if there is none.
        loose: Whether only the features are known: it may be a vector, a sequence or a map.
    """

    shape: Shape
    stated: bool = False
    first: bool = False
    flat: int = 0
    loose: bool = False


def needs(graph: Graph, ref: TensorRef, demands: dict[str, Demand]) -> list[tuple[str, Demand]]:
    """The types of the layers that an input reaches first, and what they demand."""
    found = [(graph.spec(c.layer).type, demand_of(graph, c, ref, demands)) for c in graph.next_active(ref)]
    passive = ref
    while (calls := graph.blueprint.consumers.get(passive, ())) and graph.passive(calls[0]):
        found.append((graph.spec(calls[0].layer).type, demands[calls[0].layer]))
        passive = TensorRef(calls[0].layer, calls[0].call)
    return found


def demand_of(graph: Graph, call: Call, ref: TensorRef, demands: dict[str, Demand]) -> Demand:
    """What a call demands of a tensor: a recurrent layer takes states of its own width behind the sequence."""
    units = getattr(graph.layers[call.layer], "units", None)
    directions = getattr(graph.layers[call.layer], "directions", ())
    states = units or (getattr(directions[0], "units", None) if directions else None)
    if call.inputs and graph.source(call.inputs[0]) != ref and demands[call.layer].rank == 3 and states:
        return Demand(rank=2, features=states)
    return demands[call.layer]


def entry(graph: Graph, ref: TensorRef, demands: dict[str, Demand], hint: tuple[int | None, ...] | None) -> Entry:
    """What the first layers say about one input; a hint comes before everything."""
    if hint is not None:
        return Entry((None, *hint), stated=True)
    found = needs(graph, ref, demands)
    declared = getattr(graph.layers[ref.layer], "batch_shape", None)
    for kind, need in found:
        if need.rank >= 3 or (need.rank == 2 and need.features):
            shape: list[int | None] = [None] * need.rank
            if need.features is not None:
                shape[need.axis] = need.features
            elif declared is not None and len(declared) == need.rank:
                shape[1:] = declared[1:]
            return Entry(tuple(shape), first=need.axis == 1)
        if kind == "Embedding":
            return Entry((None, None))
    exact = next((need.exact for _, need in found if need.exact and None not in need.exact), None)
    if exact:
        return Entry((None, *exact))
    features = next((need.features for _, need in found if need.features is not None), None)
    if features is not None:
        return Entry((None, features), loose=True)
    if declared:
        return Entry(declared)
    for kind, _ in found:
        if kind == "Flatten":
            return Entry(None, flat=flat_rows(graph, ref, demands))
        if kind == "Reshape":
            return Entry((None, None))
    return Entry(None)


def flat_rows(graph: Graph, ref: TensorRef, demands: dict[str, Demand]) -> int:
    """The rows of the Dense behind a Flatten right behind an input."""
    for call in graph.next_active(ref):
        for after in graph.next_active(TensorRef(call.layer, call.call)):
            if demands[after.layer].features:
                return demands[after.layer].features or 0
    return 0


def side_cost(side: int, channels: int | None) -> float:
    """Cost of a side of a square input: by the count where it occurs, else by how round it is."""
    table = GREY if channels == 1 else COLOUR
    if side in table:
        return nats((1 - OTHER) * table[side] / sum(table.values()))
    parts = {16: 0.3, 8: 0.15, 10: 0.2, 4: 0.12, 2: 0.13, 1: 0.1}
    step = next(step for step in parts if side % step == 0)
    return nats(OTHER * parts[step] / (320 / step))


def length_cost(length: int) -> float:
    """Cost of a sequence of this length; long ones are rarer."""
    total = sum(LENGTHS.values()) + 60
    if length in LENGTHS:
        return nats(LENGTHS[length] / total)
    return nats(60 / total / 100 / (1 + length / 50))


def ways(known: Entry, *, sized: bool, several: bool, wide: bool, exact: bool = True) -> list[Way]:
    """
    The shapes that one input may have, each a way to set its layer.

    Args:
        known: What is known of it.
        sized: Whether the network fixes sizes somewhere; if not, one size stands for all and the axes stay open.
        several: Whether other inputs have open sizes too: then only few sizes are tried.
        wide: Whether maps that are not square are tried as well.
        exact: Whether a size is fixed to the last element somewhere; if borders alone tell it, round sizes will do.
    """
    shape = known.shape
    if shape is None:
        return [way((None, *sizes), cost) for sizes, cost in before_flatten(known.flat)] or [Way(layer=None)]
    if known.loose:
        features = shape[1:]
        return [
            way((None, *(NOMINAL[1],) * more, *features), cost, declared=(None, *(None,) * more, *features))
            for more, cost in ((0, 0.1), (1, LOOSE), (2, 2 * LOOSE))
        ]
    places = [i for i, n in enumerate(shape) if n is None and i]
    if not places:
        return [way(shape, 0.0)]
    rank = len(shape) - 2 if len(shape) > 2 else 1
    if known.stated or not sized:
        full = tuple(NOMINAL.get(rank, 16) if i in places else n for i, n in enumerate(shape))
        return [way(full, 0.0, declared=shape)]
    channels = shape[1 if known.first else len(shape) - 1]
    return [
        way(filled(shape, places, sizes), cost)
        for sizes, cost in open_sizes(len(places), channels, several, wide, exact)
    ]


def way(shape: Shape, cost: float, declared: Shape = None) -> Way:
    """One input shape; ``declared`` is what the layer says where the sizes only stand for open ones."""
    said = shape if declared is None else declared
    return Way((("batch_shape", said),), cost, InputLayer(batch_shape=shape))


def filled(shape: tuple[int | None, ...], places: list[int], sizes: tuple[int, ...]) -> Shape:
    """A shape with sizes in its open places."""
    given = dict(zip(places, sizes, strict=True))
    return tuple(given.get(i, n) for i, n in enumerate(shape))


def open_sizes(
    count: int, channels: int | None, several: bool, wide: bool, exact: bool
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Sizes for so many open axes, with their costs."""
    if count == 1:
        lengths = sorted(range(1, 1201), key=length_cost)[: 16 if several else 1200 if exact else 60]
        yield from (((n,), length_cost(n)) for n in lengths)
        return
    every = {*range(1, 331), 384, 416, 448, 480, 512, 608, 640}
    if not exact:
        every = {side for side in every if side % 16 == 0} | set(GREY) | set(COLOUR)
    for side in sorted(every, key=lambda n: side_cost(n, channels))[: 16 if several else 400]:
        yield (side,) * count, side_cost(side, channels)
    if wide and count == 2 and not several:
        for height in range(2, 65):
            yield from (((height, width), 9.0) for width in range(2, 65) if width != height)
        for height, width in (
            (96, 128),
            (120, 160),
            (240, 320),
            (480, 640),
            (66, 200),
            (64, 128),
            (128, 64),
            (100, 200),
        ):
            yield (height, width), 8.0


def before_flatten(count: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """Shapes of an input that is flattened at once: 784 is 28 x 28."""
    from math import isqrt

    if not count:
        return
    side = isqrt(count)
    if side * side == count:
        yield (side, side), 0.7
        yield (side, side, 1), 1.2
    if count % 3 == 0 and isqrt(count // 3) ** 2 == count // 3:
        yield (isqrt(count // 3),) * 2 + (3,), 0.9
    yield (count,), 2.5
    yield (1, count), 3.0
    for columns in (1, 2, 3, 4, 5):
        if count % columns == 0:
            yield (count // columns, columns), 4.0


__all__ = ["Entry", "entry", "needs", "ways"]
