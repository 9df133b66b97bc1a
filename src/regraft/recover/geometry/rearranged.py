"""Ways to set layers that move elements or drop an axis: Reshape, Permute, RepeatVector, recurrent layers, global pools."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from math import isqrt, log, prod

from regraft.blueprint import Call, LayerSpec, Shape, TensorRef
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.graph import Graph
from regraft.recover.geometry.habits import SEQUENCES_AT_THE_END, SEQUENCES_BEFORE_DENSE, nats
from regraft.recover.geometry.ways import Way, Ways, Workshop, fixed, usable

RECURRENT = frozenset({"LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU"})


def factors(count: int, parts: int) -> list[tuple[int, ...]]:
    """
    Ways to write a number as a product, squarest first.

    >>> factors(12, 2)
    [(3, 4), (4, 3), (2, 6), (6, 2), (1, 12), (12, 1)]
    """
    if parts == 1:
        return [(count,)]
    found: list[tuple[int, ...]] = []
    for side in range(1, min(count, 4096) + 1):
        if count % side == 0:
            found += [(side, *rest) for rest in factors(count // side, parts - 1)]
    return sorted(found, key=lambda f: (max(f) / min(f), f))[:24]


def recurrent(shop: Workshop, spec: LayerSpec, graph: Graph, call: Call, prefix: str = "") -> Ways:
    """Whether a recurrent layer returns all steps, by what comes next."""
    output = TensorRef(call.layer, call.call)
    kinds = {graph.spec(c.layer).type for c in graph.next_active(output)}
    if not kinds:
        chance = SEQUENCES_AT_THE_END
    elif kinds & {"Flatten", "Attention", "AdditiveAttention", "MultiHeadAttention"}:
        # To flatten a vector, or to attend over one step, does nothing.
        chance = 0.97
    elif "Dense" in kinds:
        chance = SEQUENCES_BEFORE_DENSE
    else:
        chance = 0.35
    name = f"{prefix}return_sequences"
    return fixed([shop.way(spec, {name: False}, nats(1 - chance)), shop.way(spec, {name: True}, nats(chance))])


def global_pool(shop: Workshop, spec: LayerSpec, prefix: str = "") -> Ways:
    """``keepdims`` is rare: only where a map is needed again."""
    return fixed(
        [shop.way(spec, {"keepdims": False}, 0.05, prefix), shop.way(spec, {"keepdims": True}, nats(0.05), prefix)]
    )


def reshape(shop: Workshop, spec: LayerSpec, wanted: Sequence[Demand]) -> Ways:
    """Ways of a Reshape, made from what the next layers take: their rank and features."""

    def ways(shapes: tuple[Shape, ...]) -> Sequence[Way]:
        (shape,) = shapes[:1] or (None,)
        known = [] if shape is None else [n for n in shape[1:] if n is not None]
        count = prod(known) if shape is not None and len(known) == len(shape) - 1 else None
        targets = list(targets_of(shape, count, wanted))
        return usable([shop.way(spec, {"target_shape": t}, cost) for t, cost in targets])

    return ways


def targets_of(shape: Shape, count: int | None, wanted: Sequence[Demand]) -> list[tuple[tuple[int, ...], float]]:
    """Target shapes with their costs."""
    found: list[tuple[tuple[int, ...], float]] = []
    for need in wanted:
        if need.exact and None not in need.exact:
            found.append((tuple(n or 1 for n in need.exact), 0.1))
        if need.rank >= 3 and need.features:
            places = need.rank - 2
            if count is None:
                lengths = [(-1,)] if places == 1 else []
            else:
                lengths = factors(count // need.features, places) if count % need.features == 0 else []
            for i, sizes in enumerate(lengths):
                even = 0.1 if len(set(sizes)) == 1 else 0.7 + 1.2 * log(max(sizes) / min(sizes)) + 0.1 * (i % 2)
                target = (*sizes, need.features) if need.axis == -1 else (need.features, *sizes)
                found.append((target, even))
        if need.features and need.rank < 3:
            if count == need.features:
                found.append(((need.features,), 0.7))
            elif count is None or count % need.features == 0:
                found.append(((-1, need.features), 1.0))
    if shape is not None and len(shape) > 2:
        # Without a demand: a map becomes a sequence of its places, or keeps its channels.
        last = shape[-1]
        if last is not None:
            found.append(((-1, last), 2.0))
            if all(n == 1 for n in shape[1:-1]):
                found.append(((last,), 0.4))
            found.append(((1,) * (len(shape) - 2) + (last,), 4.0))
        found.append(((-1,), 2.5))
        if len(shape) == 4 and shape[1] is not None and shape[2] and last:
            # The rows of an image as the steps of a sequence; channels first, the places of every channel.
            first = any(need.axis == 1 for need in wanted)
            found.append(((shape[1], shape[2] * last), 1.0 if first else 2.5))
            found.append(((shape[1], -1), 3.5))
    elif shape is not None and len(shape) == 2 and count:
        # A vector becomes a map of one place, as before the products of squeeze-and-excitation, or a sequence.
        found += [((1, 1, count), 1.5), ((1, count), 2.0), ((count, 1), 2.0)]
        side = isqrt(count)
        if side * side == count:
            found += [((side, side), 2.5), ((side, side, 1), 2.0)]
        found += [
            ((isqrt(count // c), isqrt(count // c), c), 2.0)
            for c in (3,)
            if count % c == 0 and isqrt(count // c) ** 2 == count // c
        ]
    return found or [((-1,), 6.0)]


def flatten(shop: Workshop, spec: LayerSpec, *, old: bool) -> Ways:
    """
    A map with its channels first is flattened as it lies, or channels last where Flatten was told of it too.

    Flatten has the global data format unless it is given one, and had none before Keras 2.
    """
    lies = shop.way(spec, {"data_format": "channels_last"}, 0.0 if old else 0.8)
    return fixed([lies] if old else [lies, shop.way(spec, {"data_format": "channels_first"}, 0.6)])


def rows_of(shop: Workshop, spec: LayerSpec, need: Demand) -> Ways:
    """A map as a sequence of its rows, or of its places, where the features fit."""
    base = LayerSpec(spec.name, "Reshape", {"target_shape": (-1,)})

    def ways(shapes: tuple[Shape, ...]) -> Sequence[Way]:
        (shape,) = shapes
        if shape is None or len(shape) != 4 or None in shape[1:]:
            return [Way(cost=8.0, kind="absent")]
        height, width, channels = (n or 1 for n in shape[1:])
        targets = {(height, width * channels): 0.5, (width, height * channels): 2.5, (height * width, channels): 1.5}
        fitting = {target: cost for target, cost in targets.items() if need.features in (None, target[1])}
        return usable([shop.way(base, {"target_shape": t}, cost, kind="Reshape") for t, cost in fitting.items()])

    return ways


def permute(shop: Workshop, spec: LayerSpec) -> Ways:
    """Every order of the axes that arrive; the turn of two axes is the usual one."""

    def ways(shapes: tuple[Shape, ...]) -> Sequence[Way]:
        (shape,) = shapes[:1] or (None,)
        rank = 2 if shape is None else len(shape) - 1
        plain = tuple(range(1, rank + 1))
        return usable(
            [
                shop.way(spec, {"dims": dims}, 1.0 + 0.5 * sum(a != b for a, b in zip(dims, plain, strict=True)))
                for dims in permutations(plain)
                if dims != plain and rank <= 4
            ]
        )

    return ways


def repeat_vector(shop: Workshop, spec: LayerSpec, lengths: Sequence[int], ends: Sequence[int]) -> Ways:
    """A RepeatVector mostly makes a sequence as long as one of the input, or as one that is known to come out."""
    found = dict.fromkeys(lengths, 0.5) | dict.fromkeys(ends, 0.3)
    rare = {n: 4.0 + n / 20 for n in range(1, 65)}
    costs = {**rare, **(found or {10: 3.0})}
    return fixed([shop.way(spec, {"n": n}, cost) for n, cost in costs.items()])
