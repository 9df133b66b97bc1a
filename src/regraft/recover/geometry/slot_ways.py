"""The layers that a place without a layer may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from regraft.blueprint import Call, LayerSpec, Shape, TensorRef
from regraft.recover.geometry import rearranged, windows
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.graph import Graph
from regraft.recover.geometry.habits import TO_VECTOR, Habit, nats
from regraft.recover.geometry.roles import SUMS, Role
from regraft.recover.geometry.ways import Way, Ways, Workshop, fixed, usable


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
        return resizing(shop, base, graph, call, habit, rank, role, wide, int(spec.config["number"]))  # type: ignore[call-overload]
    if part == "merge":
        return before_merge(shop, base, graph, call, rank)
    if part == "vector":
        total = sum(TO_VECTOR.values())
        ways = [shop.way(base, {}, nats(TO_VECTOR["Flatten"] / total), kind="Flatten")]
        for kind in ("GlobalAveragePooling", "GlobalMaxPooling"):
            ways.append(shop.way(base, format_settings, nats(TO_VECTOR[kind] / total), kind=f"{kind}{rank}D"))
        ways.append(Way(cost=4.0, kind="absent"))
        return fixed(ways)
    wanted = [demands[c.layer] for c in graph.next_active(TensorRef(call.layer))]
    wanted += [replace(demands[c.layer], axis=-1) for c in slot_consumers(graph, call)]
    as_reshape = LayerSpec(spec.name, "Reshape", {"target_shape": (-1,)})

    def mapped(shapes: tuple[Shape, ...]) -> Sequence[Way]:
        (shape,) = shapes
        count = shape[-1] if shape is not None and len(shape) == 2 else None
        targets = rearranged.targets_of(None, count, wanted)
        made = [shop.way(as_reshape, {"target_shape": t}, cost, kind="Reshape") for t, cost in targets if -1 not in t]
        return usable(made) or [Way(cost=8.0, kind="absent")]

    return mapped


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
    number: int,
) -> Ways:
    """Nothing, a pool, or an UpSampling where maps grow."""
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
    joins = any(spec.type == "Concatenate" for spec in graph.blueprint.layers)
    windows_tried = [habit.pool] + [w for w in ((2, 2, "valid"), (2, 2, "same"), (3, 3, "valid")) if w != habit.pool]
    if not grown:
        for i, window in enumerate(windows_tried):
            settings = {**windows.pool_settings(rank, window), **first}
            ways.append(shop.way(spec, settings, present + (0.05 if not i else 3.0 + i / 2), kind=kind))
        if wide and rank == 2:
            for sizes in ((1, 2), (2, 1), (2, 4), (4, 2), (1, 3), (3, 1)):
                ways.append(shop.way(spec, {"pool_size": sizes, **first}, present + 6.0, kind=kind))
    if grown or joins:
        up = {"size": (2,) * rank, **first}
        into = any(graph.spec(c.layer).type == "Concatenate" for c in behind_convolution(graph, call))
        ways.append(shop.way(spec, up, nats(0.3 if grown or into else 0.04), kind=f"UpSampling{rank}D"))
    return fixed(ways)


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


def before_merge(shop: Workshop, spec: LayerSpec, graph: Graph, call: Call, rank: int) -> Ways:
    """Right before a sum a pool, as in Xception; before a Concatenate an UpSampling, as in U-Nets; mostly nothing."""
    first = {"data_format": "channels_first"} if graph.channels_first and rank > 1 else {}
    ways = [Way(cost=nats(0.6), kind="absent")]
    kinds = {graph.spec(c.layer).type for c in graph.next_active(TensorRef(call.layer, call.call))}
    if kinds & SUMS:
        settings = {**windows.pool_settings(rank, (3, 2, "same")), **first}
        ways.append(shop.way(spec, settings, nats(0.3), kind=f"MaxPooling{rank}D"))
    else:
        ways.append(shop.way(spec, {"size": (2,) * rank, **first}, nats(0.4), kind=f"UpSampling{rank}D"))
    return fixed(ways)


def grows_before(graph: Graph, call: Call) -> bool:
    """Whether a vector was made a map before this place."""
    todo, seen = [*call.inputs], set[TensorRef]()
    while todo:
        ref = todo.pop()
        if ref in seen:
            continue
        seen.add(ref)
        maker = graph.maker(ref)
        if maker is None:
            continue
        spec = graph.spec(maker.layer)
        if spec.type == "Reshape" or (spec.type == "Slot" and spec.config.get("role") == "map"):
            return True
        todo += maker.inputs
    return False
