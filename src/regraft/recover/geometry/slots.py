"""Places where layers without variables may stand, for files that do not list such layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from regraft.blueprint import Blueprint, Call, LayerSpec, Shape, TensorRef
from regraft.recover.geometry import rearranged, windows
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.graph import Graph
from regraft.recover.geometry.habits import TO_VECTOR, Habit, nats
from regraft.recover.geometry.roles import SUMS, Role
from regraft.recover.geometry.ways import Way, Ways, Workshop, fixed, usable
from regraft.layers.naming import snake_case

CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D", "DepthwiseConv2D", "DepthwiseConv1D")
VECTORS = ("Dense", "LSTM", "GRU", "SimpleRNN", "Bidirectional")


def spatial_rank(graph: Graph, call: Call) -> int:
    """Number of spatial axes of a convolution, 0 for any other layer."""
    layer = graph.layers[call.layer]
    return layer.rank if layer is not None and graph.spec(call.layer).type.endswith(("Conv1D", "Conv2D", "Conv3D", "Transpose")) else 0


def with_slots(graph: Graph) -> Blueprint:
    """
    The blueprint with a ``Slot`` before every layer that may want something between it and what comes before.

    Before a convolution a pool, or an UpSampling where maps grow; between a map and a Dense a Flatten or a global pool;
    between a vector and a convolution a Reshape.
    """
    layers: list[LayerSpec] = []
    calls: list[Call] = []
    kinds = origins(graph)
    placed: dict[tuple[TensorRef, str], TensorRef] = {}
    seen = 0
    for call in graph.calls:
        inputs: list[TensorRef] = []
        for place, start in enumerate(call.inputs):
            ref = start
            for role, rank in wanted_slots(graph, call, place, kinds):
                if (ref, role) not in placed:
                    name = f"slot_{len(layers)}"
                    seen += role == "resize"
                    layers.append(LayerSpec(name, "Slot", {"role": role, "rank": rank, "number": seen}))
                    calls.append(Call(name, (ref,)))
                    placed[ref, role] = TensorRef(name)
                ref = placed[ref, role]
            inputs.append(ref)
        calls.append(replace(call, inputs=tuple(inputs)))
    return replace(graph.blueprint, layers=(*graph.blueprint.layers, *layers), calls=tuple(calls))


def origins(graph: Graph) -> dict[TensorRef, int]:
    """For every tensor the number of spatial axes it had when a convolution made it; 0 for a vector; -1 if unknown."""
    found: dict[TensorRef, int] = {}
    for call in graph.calls:
        kind, layer = graph.spec(call.layer).type, graph.layers[call.layer]
        rank = spatial_rank(graph, call)
        if not rank and call.inputs:
            rank = found.get(call.inputs[0], -1)
            if kind in ("Dense", "Flatten", "Reshape") or kind.startswith("Global") or kind in VECTORS:
                rank = 0 if kind != "Reshape" else -1
            elif kind == "Embedding":
                rank = 1
            elif layer is None:
                rank = -1
        for index in range(3):
            found[TensorRef(call.layer, call.call, index)] = rank
    return found


def wanted_slots(graph: Graph, call: Call, place: int, kinds: Mapping[TensorRef, int]) -> list[tuple[str, int]]:
    """The roles of the slots before one input of a call, with the spatial axes that are at stake."""
    ref = call.inputs[place]
    before = kinds.get(ref, -2)
    rank, kind = spatial_rank(graph, call), graph.spec(call.layer).type
    if rank and not place:
        if before == 0:
            return [("map", rank), ("resize", rank)]
        return [("resize", rank)] if before == rank else []
    if kind == "Dense" and before > 0:
        return [("resize", before), ("vector", before)]
    if len(call.inputs) > 1 and before > 0 and (kind in SUMS or kind == "Concatenate"):
        # A tensor that goes elsewhere too is the shortcut: there the layer of the branch is not resized.
        alone = len(graph.blueprint.consumers.get(ref, ())) == 1
        return [("merge", before)] if alone else []
    return []


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
    shop: Workshop, spec: LayerSpec, graph: Graph, call: Call, habit: Habit, rank: int, role: Role, wide: bool, number: int
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


def settled(blueprint: Blueprint, chosen: Mapping[str, Way]) -> Blueprint:
    """The blueprint with the layers that were put in under names of their own, and without empty slots."""
    taken = {spec.name for spec in blueprint.layers}
    counts: Counter[str] = Counter()
    renamed: dict[str, LayerSpec] = {}
    for spec in blueprint.layers:
        way = chosen.get(spec.name)
        if spec.type != "Slot" or way is None or way.layer is None or way.kind == "absent":
            continue
        base = snake_case(way.kind)
        while (name := f"{base}_{counts[base]}" if counts[base] else base) in taken:
            counts[base] += 1
        taken.add(name)
        renamed[spec.name] = LayerSpec(name, way.kind, way.layer.config)
    return rewired(blueprint, renamed)


def rewired(blueprint: Blueprint, renamed: Mapping[str, LayerSpec]) -> Blueprint:
    """The blueprint with each slot replaced by its layer, or left out where it has none."""
    slots = {spec.name for spec in blueprint.layers if spec.type == "Slot"}
    around: dict[str, TensorRef] = {}
    calls: list[Call] = []

    def now(ref: TensorRef) -> TensorRef:
        return around.get(ref.layer, ref) if ref.layer in slots else ref

    made: dict[str, LayerSpec] = {}
    for call in blueprint.ordered_calls:
        moved = replace(call, inputs=tuple(map(now, call.inputs)))
        if call.layer not in slots:
            calls.append(moved)
        elif call.layer in renamed:
            spec = renamed[call.layer]
            calls.append(replace(moved, layer=spec.name))
            around[call.layer] = TensorRef(spec.name)
            made[spec.name] = spec
        else:
            around[call.layer] = moved.inputs[0]
    kept = [spec for spec in blueprint.layers if spec.name not in slots]
    return replace(
        blueprint, layers=in_order(kept, made, calls), calls=tuple(calls), outputs=tuple(map(now, blueprint.outputs))
    )


def in_order(kept: list[LayerSpec], made: Mapping[str, LayerSpec], calls: Sequence[Call]) -> tuple[LayerSpec, ...]:
    """The layers in their order, each new one right before the first layer that takes it."""
    before: dict[str, list[LayerSpec]] = {}
    for call in reversed(calls):
        for ref in call.inputs:
            if ref.layer in made and all(made[ref.layer] not in found for found in before.values()):
                before.setdefault(call.layer, []).append(made[ref.layer])
    found: list[LayerSpec] = []

    def put(spec: LayerSpec) -> None:
        for new in before.pop(spec.name, []):
            put(new)
        found.append(spec)

    for spec in kept:
        put(spec)
    return tuple(found)


__all__ = ["settled", "slot_ways", "with_slots"]
