"""The layers that a place without a layer may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from regraft.blueprint import Call, LayerSpec, Shape, TensorRef
from regraft.recover.geometry import rearranged, windows
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.graph import Graph
from regraft.recover.geometry.habits import TO_VECTOR, TO_VECTOR_1D, Habit, nats
from regraft.recover.geometry.mismatches import as_map
from regraft.recover.geometry.roles import SUMS, Role
from regraft.recover.geometry.ways import Way, Ways, Workshop, fixed, usable

#: Pools that are tried where no layer says which, beside that of the habit.
POOLS_OF_MAPS = ((2, 2, "valid"), (2, 2, "same"), (3, 2, "valid"), (3, 3, "valid"), (3, 2, "same"))
POOLS_OF_SEQUENCES = ((2, 2, "valid"), (4, 4, "valid"), (3, 3, "valid"), (5, 5, "valid"), (2, 2, "same"))

#: What stands before the second 1x1 convolution of a module whose branches are joined: a maximum (Szegedy et al. 2015), or a
#: mean in later versions.
BEFORE_BRANCH = {"MaxPooling": 0.55, "AveragePooling": 0.35}
#: How deep networks of convolutions without a Dense end in a vector: NiN, SqueezeNet and their like take the mean of
#: every class. Where the last map is large they rather give a map: ``prices.last_map``. A judgement.
AT_THE_END = {"GlobalAveragePooling": 0.6, "GlobalMaxPooling": 0.04}

#: How often a decoder without transposed convolutions grows before a convolution, and before its last, which only makes
#: the channels of an image; judgements after the generators of the DCGAN family.
DECODING, DECODING_LAST = 0.6, 0.3


def slot_ways(
    shop: Workshop,
    spec: LayerSpec,
    graph: Graph,
    call: Call,
    habit: Habit,
    demands: Mapping[str, Demand],
    role: Role,
    wide: bool,
) -> Ways:
    """The ways of a slot: nothing, or one of the layers that it is for."""
    rank = int(spec.config["rank"])  # type: ignore[call-overload]
    part = spec.config["role"]
    base = LayerSpec(spec.name, "Slot")
    format_settings = {"data_format": "channels_first"} if graph.channels_first else {}
    if part == "resize":
        return resizing(shop, base, graph, call, habit, rank, role, wide, spec)
    if part in ("merge", "pooled"):
        return before_merge(shop, base, graph, call, rank, pooled=part == "pooled" and habit.sums_pooled)
    if part == "branch":
        settings = {**windows.pool_settings(rank, (3, 1, "same")), **(format_settings if rank > 1 else {})}
        ways = [shop.way(base, settings, nats(BEFORE_BRANCH[k]), kind=f"{k}{rank}D") for k in BEFORE_BRANCH]
        return fixed([*ways, Way(cost=nats(1 - sum(BEFORE_BRANCH.values())), kind="absent")])
    if part == "end":
        ways = [shop.way(base, format_settings, nats(AT_THE_END[k]), kind=f"{k}2D") for k in AT_THE_END]
        return fixed([*ways, Way(cost=nats(1 - sum(AT_THE_END.values())), kind="absent")])
    if part == "sequence":
        return rearranged.rows_of(shop, base, demands[call_behind(graph, call)])
    if part == "vector":
        table = TO_VECTOR_1D if rank == 1 else TO_VECTOR
        total = sum(table.values())
        ways = [shop.way(base, {}, nats(table["Flatten"] / total), kind="Flatten")]
        if graph.channels_first and rank > 1:
            ways.append(shop.way(base, format_settings, nats(table["Flatten"] / total) + 0.1, kind="Flatten"))
        for kind in ("GlobalAveragePooling", "GlobalMaxPooling"):
            ways.append(shop.way(base, format_settings, nats(table[kind] / total), kind=f"{kind}{rank}D"))
        ways.append(Way(cost=4.0, kind="absent"))
        return fixed(ways)
    return turned(shop, spec, graph, call, demands)


#: What it costs to put in a Reshape or Flatten that only the arrays behind it ask for: at an input; elsewhere, where
#: channels do not fit, the layers may as well be joined in another way.
AT_AN_INPUT, IN_BETWEEN = 2.0, 6.0


def turned(shop: Workshop, spec: LayerSpec, graph: Graph, call: Call, demands: Mapping[str, Demand]) -> Ways:
    """The elements that arrive in the axes that the next layer takes: a Flatten, or a Reshape."""
    rank, part = int(spec.config["rank"]), spec.config["role"]  # type: ignore[call-overload]
    wanted = [demands[c.layer] for c in slot_consumers(graph, call)]
    if part == "map":
        wanted = [as_map(need, rank) for need in wanted]
        wanted += [replace(need, axis=-1) for need in wanted if need.axis != -1]
    base = LayerSpec(spec.name, "Slot")
    as_reshape = LayerSpec(spec.name, "Reshape", {"target_shape": (-1,)})
    extra = 0.0 if part == "map" else AT_AN_INPUT if call.inputs[0] in graph.blueprint.inputs else IN_BETWEEN

    def ways(shapes: tuple[Shape, ...]) -> Sequence[Way]:
        (shape,) = shapes
        if shape is None or (part == "map" and len(shape) != 2):
            return [Way(cost=8.0, kind="absent")]
        count = None if None in shape[1:] else prod(n or 1 for n in shape[1:])
        made: list[Way] = []
        for need in wanted:
            if count is not None and need.features == count and need.rank in (0, 2):
                made.append(shop.way(base, {}, extra, kind="Flatten"))
        targets = rearranged.targets_of(None, count, [need for need in wanted if need.rank >= 3])
        made += [
            shop.way(as_reshape, {"target_shape": t}, c + extra, kind="Reshape") for t, c in targets if -1 not in t
        ]
        return usable(made) or [Way(cost=8.0, kind="absent")]

    return ways


def call_behind(graph: Graph, call: Call) -> str:
    """The layer that a slot stands before."""
    return slot_consumers(graph, call)[0].layer


def slot_consumers(graph: Graph, call: Call) -> list[Call]:
    """The layers behind a slot and the slots that follow it."""
    found: list[Call] = []
    todo = [TensorRef(call.layer, call.call)]
    while todo:
        for after in graph.next_active(todo.pop()):
            if graph.spec(after.layer).type == "Slot":
                todo.append(TensorRef(after.layer, after.call))
            else:
                found.append(after)
    return found


def resizing(
    shop: Workshop,
    spec: LayerSpec,
    graph: Graph,
    call: Call,
    habit: Habit,
    rank: int,
    role: Role,
    wide: bool,
    slot: LayerSpec,
) -> Ways:
    """Nothing, a pool, or an UpSampling where maps grow."""
    number, count = slot.config["number"], slot.config["of"]
    assert isinstance(number, int)
    assert isinstance(count, int)
    if habit.mirrored:
        return mirrored(shop, spec, graph, habit, rank, grows=2 * number > count)
    usual = habit.every > 0 and number % habit.every == 0
    skips = feeds_join(graph, call.inputs[0])
    present, absent = (nats(0.9), nats(0.1)) if usual else (nats(0.06), nats(0.94))
    if skips:
        # What goes to a Concatenate far behind and to the next convolution too: a level of a U-Net ends here.
        present, absent = nats(0.7), nats(0.3)
    kind = f"MaxPooling{rank}D"
    ways = [Way(cost=absent, kind="absent")]
    first = {"data_format": "channels_first"} if graph.channels_first and rank > 1 else {}
    grown = grows_before(graph, call)
    joins = graph.joins
    usual_ones = POOLS_OF_SEQUENCES if rank == 1 else POOLS_OF_MAPS
    windows_tried = [habit.pool] + [w for w in usual_ones if w != habit.pool]
    if not grown:
        for i, window in enumerate(windows_tried):
            settings = {**windows.pool_settings(rank, window), **first}
            ways.append(shop.way(spec, settings, present + (0.05 if not i else 3.0 + i / 2), kind=kind))
        # Of 563 pools between layers 42 take the mean, all of a network alike.
        settings = {**windows.pool_settings(rank, habit.pool), **first}
        ways.append(shop.way(spec, settings, present + 2.0, kind=f"AveragePooling{rank}D"))
        if wide and rank == 2:
            for sizes in ((1, 2), (2, 1), (2, 4), (4, 2), (1, 3), (3, 1)):
                ways.append(shop.way(spec, {"pool_size": sizes, **first}, present + 6.0, kind=kind))
    if grown or joins:
        up = {"size": (2,) * rank, **first}
        into = any(graph.spec(c.layer).type == "Concatenate" for c in behind_convolution(graph, call))
        # A map that was made of a vector mostly grows before every convolution, but for those of its own that move.
        decodes = grown and not any(s.type.endswith("Transpose") for s in graph.blueprint.layers)
        growing = DECODING_LAST if number == count else DECODING
        if decodes:
            ways = [Way(cost=nats(1 - growing), kind="absent")]
        chance = growing if decodes else 0.3 if grown or into else 0.04
        ways.append(shop.way(spec, up, nats(chance), kind=f"UpSampling{rank}D"))
    return fixed(ways)


def mirrored(shop: Workshop, spec: LayerSpec, graph: Graph, habit: Habit, rank: int, *, grows: bool) -> Ways:
    """In an autoencoder a pool before every convolution up to the middle, an UpSampling behind it."""
    first = {"data_format": "channels_first"} if graph.channels_first and rank > 1 else {}
    pool = shop.way(
        spec, {**windows.pool_settings(rank, habit.pool), **first}, 3.0 if grows else 0.2, kind=f"MaxPooling{rank}D"
    )
    up = shop.way(spec, {"size": (2,) * rank, **first}, 0.2 if grows else 3.0, kind=f"UpSampling{rank}D")
    return fixed([pool, up, Way(cost=2.0, kind="absent")])


def feeds_join(graph: Graph, ref: TensorRef) -> bool:
    """Whether a tensor goes to a Concatenate and elsewhere too."""
    calls = list(graph.blueprint.consumers.get(ref, ()))
    kinds = [graph.spec(c.layer).type for c in calls]
    return len(calls) > 1 and "Concatenate" in kinds


def behind_convolution(graph: Graph, call: Call) -> list[Call]:
    """The layers behind the convolution that a slot stands before, and behind what keeps its shape."""
    found: list[Call] = []
    for convolution in slot_consumers(graph, call):
        found += slot_consumers(graph, convolution)
    return found


def before_merge(shop: Workshop, spec: LayerSpec, graph: Graph, call: Call, rank: int, *, pooled: bool) -> Ways:
    """Right before a sum a pool, as in Xception; before a Concatenate an UpSampling, as in U-Nets; mostly nothing."""
    first = {"data_format": "channels_first"} if graph.channels_first and rank > 1 else {}
    kinds = {graph.spec(c.layer).type for c in graph.next_active(TensorRef(call.layer, call.call))}
    # Where branches pool, whether this one does is told by the stride of its shortcut, which is paid for there.
    ways = [Way(cost=nats(0.6 if not kinds & SUMS else 0.9 if pooled else 0.97), kind="absent")]
    if kinds & SUMS:
        settings = {**windows.pool_settings(rank, (3, 2, "same")), **first}
        ways.append(shop.way(spec, settings, nats(0.9 if pooled else 0.02), kind=f"MaxPooling{rank}D"))
    else:
        ways.append(shop.way(spec, {"size": (2,) * rank, **first}, nats(0.4), kind=f"UpSampling{rank}D"))
    return fixed(ways)


def grows_before(graph: Graph, call: Call) -> bool:
    """Whether a vector was made a map before this place."""
    return any((ref.layer, ref.call) in graph.grown for ref in call.inputs)
