"""The calls of a draft as steps of the search, under one habit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from regraft.blueprint import Call, LayerSpec, Setting, Shape, TensorRef
from regraft.layers import Layer
from regraft.recover.geometry import rearranged, windows
from regraft.recover.geometry.answers import answered
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.graph import Graph, built_or_none
from regraft.recover.geometry.habits import Habit
from regraft.recover.geometry.lattice import Step
from regraft.recover.geometry.order import depth_first, with_partners
from regraft.recover.geometry.plan import Plan
from regraft.recover.geometry.prices import endings, price_of
from regraft.recover.geometry.roles import Role, is_pool
from regraft.recover.geometry.slot_ways import slot_ways
from regraft.recover.geometry.ways import Fixed, Way, Ways, usable, within


def steps(plan: Plan, habit: Habit, limit: float = float("inf")) -> list[Step]:
    """
    The search problem under one habit: inputs first, then the calls.

    Settings of a layer that cost more than its cheapest by ``limit`` are left out.
    """
    graph = plan.graph
    found = [Step(ref.layer, (), (ref,), fixed_entry(plan, ref.layer)) for ref in graph.blueprint.inputs]
    skipped: dict[TensorRef, TensorRef] = {}
    for call in depth_first(graph):
        inputs = tuple(skipped.get(ref, ref) for ref in call.inputs)
        if graph.passive(call) and plan.demands[call.layer] == Demand():
            # Activations and the like: the tensor behind is as large as the one before.
            skipped[TensorRef(call.layer, call.call)] = inputs[0]
            continue
        layer = graph.layers[call.layer]
        count = layer.output_count() if layer is not None else 1 + most_used(graph, call)
        outputs = tuple(TensorRef(call.layer, call.call, i) for i in range(max(count, 1)))
        ways = within(answered(layer_ways(plan, call, habit), call.layer, plan.answers), limit)
        need = Demand() if settles_axis(graph.spec(call.layer), layer) else plan.demands[call.layer]
        shared = graph.call_counts[call.layer] > 1
        found.append(Step(call.layer, inputs, outputs, ways, need, shared, price_of(plan, call)))
    return [*with_partners(graph, found), *endings(plan, skipped)]


def fixed_entry(plan: Plan, name: str) -> Ways:
    """The shapes of one input."""
    return Fixed(tuple(sorted(plan.entries[name], key=lambda way: way.cost)))


def most_used(graph: Graph, call: Call) -> int:
    """The highest output of a call that somebody takes; for layers that cannot be built."""
    return graph.blueprint.used_outputs.get((call.layer, call.call), 0)


def settles_axis(spec: LayerSpec, layer: Layer | None) -> bool:
    """Whether the axis of the channels is one of the layer's own ways, so that a fixed demand would be wrong."""
    return layer is not None and spec.type == "BatchNormalization"


def layer_ways(plan: Plan, call: Call, habit: Habit) -> Ways:
    """The ways of the layer of one call."""
    graph, name = plan.graph, call.layer
    spec, layer = graph.spec(name), graph.layers[name]
    if spec.type == "Slot":
        return slot_ways(plan.shop, spec, graph, call, habit, plan.demands, plan.roles.get(name, Role()), plan.wide)
    if layer is None:
        return unknown
    inner = spec.config.get("layer")
    if spec.type == "TimeDistributed" and isinstance(inner, LayerSpec):
        built = built_or_none(inner)
        if built is not None:
            return window_ways(
                plan, spec, inner.type, built, plan.roles.get(name, Role()), habit, "layer."
            ) or as_it_is(layer)
    if spec.type == "Bidirectional":
        return rearranged.recurrent(plan.shop, spec, graph, call, "layer.")
    if spec.type in rearranged.RECURRENT:
        return rearranged.recurrent(plan.shop, spec, graph, call)
    if spec.type == "BatchNormalization":
        return axis_ways(plan, spec, layer)
    if spec.type == "Concatenate":
        return joining(plan, spec)
    if spec.type == "Reshape":
        return rearranged.reshape(plan.shop, spec, following(plan, call))
    if spec.type == "Permute":
        return rearranged.permute(plan.shop, spec)
    if spec.type == "Flatten" and graph.channels_first:
        return rearranged.flatten(plan.shop, spec, old=graph.kernels_first is not None)
    if spec.type == "RepeatVector":
        ends = [end[0] for end in plan.ends if len(end) == 2]
        return rearranged.repeat_vector(plan.shop, spec, sequence_lengths(plan), ends)
    if spec.type.startswith("ZeroPadding"):
        return windows.zero_padding(plan.shop, spec, layer, *window_behind(graph, call), wide=plan.wide)
    if spec.type.startswith("Cropping"):
        return windows.cropping(plan.shop, spec, layer)
    if spec.type.startswith(("GlobalAveragePooling", "GlobalMaxPooling")):
        return rearranged.global_pool(plan.shop, spec)
    return window_ways(plan, spec, spec.type, layer, plan.roles.get(name, Role()), habit) or as_it_is(layer)


def unknown(shapes: tuple[Shape, ...]) -> Sequence[Way]:
    """A layer that cannot be built: nothing is known behind it."""
    del shapes
    return [Way()]


def as_it_is(layer: Layer) -> Ways:
    """A layer without sizes of its own."""
    return Fixed((Way(layer=layer),))


def window_ways(
    plan: Plan, spec: LayerSpec, kind: str, layer: Layer, role: Role, habit: Habit, prefix: str = ""
) -> Ways | None:
    """Ways of a layer that slides a window or changes the size of a map; None for any other."""
    shop = plan.shop
    if kind.endswith("Transpose"):
        return windows.transposed(shop, spec, layer, role, prefix=prefix)
    if is_pool(kind):
        return windows.pool(shop, spec, layer, role, habit, prefix=prefix, wide=plan.wide)
    if kind.startswith("UpSampling"):
        return windows.upsampling(shop, spec, layer, prefix=prefix, wide=plan.wide)
    if hasattr(layer, "kernel_size") and hasattr(layer, "dilation_rate"):
        holes = spec.name in plan.borders.sites
        return windows.convolution(shop, spec, layer, role, habit, prefix=prefix, wide=plan.wide, holes=holes)
    return None


def axis_ways(plan: Plan, spec: LayerSpec, layer: Layer) -> Ways:
    """
    Ways of a BatchNormalization: over the last axis, or over the first where maps are channels first.

    The length of its vectors decides; where both fit, the axis of the network's data format is likelier.
    """
    need = plan.demands[spec.name]
    first = plan.graph.channels_first
    last = Way((), 0.0, layer) if not first else plan.shop.way(spec, {"axis": -1}, 1.5)
    other = plan.shop.way(spec, {"axis": 1}, 0.1 if first else 6.0)

    def ways(shapes: tuple[Shape, ...]) -> Sequence[Way]:
        fitting = [w for w, axis in ((last, -1), (other, 1)) if replace(need, axis=axis).allows(shapes[0])]
        flat = shapes[0] is not None and len(shapes[0]) == 2
        return fitting[:1] if flat or not first else usable(fitting)

    return ways


def joining(plan: Plan, spec: LayerSpec) -> Ways:
    """Ways of a Concatenate: along the channels; along another axis where nothing else fits."""
    first = plan.graph.channels_first
    last = plan.shop.way(spec, {"axis": -1}, 1.5 if first else 0.0)
    other = plan.shop.way(spec, {"axis": 1}, 0.1 if first else 4.0)
    third = plan.shop.way(spec, {"axis": 2}, 6.0)

    def ways(shapes: tuple[Shape, ...]) -> Sequence[Way]:
        rank = len(shapes[0]) if shapes and shapes[0] is not None else 0
        return usable([last] if rank == 2 else [last, other, third] if rank == 4 else [last, other])

    return ways


#: Layers that change the size of a map and keep its rank and channels.
KEEPING_CHANNELS = ("UpSampling", "ZeroPadding", "Cropping", "MaxPooling", "AveragePooling")


def following(plan: Plan, call: Call) -> list[Demand]:
    """What the next layers demand together: rank from one, features from another, behind layers that keep both."""
    graph = plan.graph
    found: list[Demand] = []
    refs = [TensorRef(call.layer, call.call)]
    while refs:
        for after in graph.blueprint.consumers.get(refs.pop(), ()):
            found.append(plan.demands[after.layer])
            if graph.passive(after) or graph.spec(after.layer).type.startswith(KEEPING_CHANNELS):
                refs.append(TensorRef(after.layer, after.call))
    rank = next((need.rank for need in found if need.rank), 0)
    return [replace(need, rank=need.rank or rank) for need in found]


def window_behind(graph: Graph, call: Call) -> tuple[int, str]:
    """Size of the kernel or pool that reads a padded map, and its layer type."""
    for after in graph.next_active(TensorRef(call.layer, call.call)):
        layer = graph.layers[after.layer]
        sizes: Setting = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
        if isinstance(sizes, tuple) and sizes:
            # A pool behind a padding has a window of 3, whatever the draft says.
            side = 3 if hasattr(layer, "pool_size") else max(n for n in sizes if isinstance(n, int))
            return side, graph.spec(after.layer).type
    return 0, ""


def sequence_lengths(plan: Plan) -> list[int]:
    """The lengths of the sequences that enter."""
    return list(dict.fromkeys(_lengths(plan)))


def _lengths(plan: Plan) -> Iterator[int]:
    for ways in plan.entries.values():
        for way in ways[:1]:
            # As it is declared: a length that only stands for an open one is none.
            shape = dict(way.edits).get("batch_shape")
            if isinstance(shape, tuple) and len(shape) == 3 and isinstance(shape[1], int):
                yield shape[1]
