"""The calls of a draft as steps of the search, under one habit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import log2

from regraft.blueprint import Call, LayerSpec, Setting, Shape, TensorRef
from regraft.layers import Layer
from regraft.recover.geometry import rearranged, windows
from regraft.recover.geometry.answers import answered
from regraft.recover.geometry.borders import Borders
from regraft.recover.geometry.demand import Demand, demand
from regraft.recover.geometry.graph import Graph, built_or_none
from regraft.recover.geometry.habits import Habit
from regraft.recover.geometry.lattice import Fits, Step
from regraft.recover.geometry.roles import SUMS, Role, is_pool
from regraft.recover.geometry.slots import slot_ways
from regraft.recover.geometry.ways import Fixed, Price, Way, Ways, Workshop, map_of, usable, within


@dataclass(frozen=True)
class Plan:
    """
    What all searches over one draft have in common.

    Attributes:
        graph: The draft, places for layers that may be put in included.
        demands: What each layer demands of its input.
        roles: The place of each window.
        entries: For each input the shapes it may have.
        answers: What the user decided, by subject.
        wide: Whether rare settings are tried too.
        shop: Makes layers, and remembers what they do to shapes.
        borders: What stored means say of paddings and map sizes.
    """

    graph: Graph
    demands: Mapping[str, Demand]
    roles: Mapping[str, Role]
    entries: Mapping[str, Sequence[Way]]
    answers: Mapping[str, str]
    wide: bool
    shop: Workshop
    borders: Borders = field(default_factory=Borders)

    @property
    def margin(self) -> float:
        """
        By how many nats a value must lead to be supported.

        Where the size of an input is itself only likely, by the table of usual sizes, it must lead by more than that
        table can be wrong.
        """
        return MARGIN if all(len(ways) == 1 for ways in self.entries.values()) else MARGIN_UNSIZED


#: The two margins, in nats.
MARGIN, MARGIN_UNSIZED = 3.5, 8.0


def demands_of(graph: Graph) -> dict[str, Demand]:
    """What every layer demands of its input."""
    return {
        name: demand(graph.spec(name), layer, graph.stored.get(name, {})) for name, layer in graph.layers.items()
    }


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


def depth_first(graph: Graph) -> list[Call]:
    """
    The calls, inputs before consumers, one branch after another.

    So few tensors wait for each other at any time, and few combinations of their sizes are followed.
    """
    missing = {
        (c.layer, c.call): len({(r.layer, r.call) for r in c.inputs if (r.layer, r.call) in graph.makers})
        for c in graph.calls
    }
    takers: dict[tuple[str, int], list[Call]] = {}
    for call in graph.calls:
        for key in {(ref.layer, ref.call) for ref in call.inputs}:
            takers.setdefault(key, []).append(call)
    todo = [call for call in reversed(graph.calls) if not missing[call.layer, call.call]]
    found: list[Call] = []
    while todo:
        call = todo.pop()
        found.append(call)
        for after in reversed(takers.get((call.layer, call.call), [])):
            missing[after.layer, after.call] -= 1
            if not missing[after.layer, after.call]:
                todo.append(after)
    return found


def with_partners(graph: Graph, found: Sequence[Step]) -> list[Step]:
    """The steps with the tensors that their outputs will be merged with."""
    partners: dict[TensorRef, list[tuple[TensorRef, Fits]]] = {}
    for step in found:
        kind = graph.spec(step.name).type
        fits = joins if kind == "Concatenate" else adds if kind in SUMS else None
        if fits is not None and 1 < len(step.inputs) <= MOST_PARTNERS:
            fits = partial(fits, first=graph.channels_first)
            for ref in step.inputs:
                partners.setdefault(ref, []).extend((other, fits) for other in step.inputs if other != ref)
    return [
        replace(step, partners=tuple(partners.get(step.outputs[0], ()))) if step.outputs else step for step in found
    ]


#: Merges of more tensors are checked when they are made.
MOST_PARTNERS = 24


def joins(one: Shape, other: Shape, *, first: bool) -> bool:
    """Whether two maps can be joined along their channels."""
    if one is None or other is None or len(one) != len(other) or len(one) < 4:
        return True
    places = slice(2, None) if first else slice(1, -1)
    return all(None in (a, b) or a == b for a, b in zip(one[places], other[places], strict=True))


def adds(one: Shape, other: Shape, *, first: bool) -> bool:
    """Whether two tensors of equal rank can be added: each axis equal, or one place for all."""
    if one is None or other is None or len(one) != len(other) or len(one) < 3:
        return True
    places = slice(2, None) if first else slice(1, -1)
    pairs = zip(one[places], other[places], strict=True)
    return all(None in (a, b) or a == b or 1 in (a, b) for a, b in pairs)


#: What it costs if a padded window is larger than the map: it mostly reads zeros.
LARGER_THAN_MAP = 1.0
#: Sides of the last map before a global pool, as log2: 7 to 10 in ``keras.applications`` at the default sizes, 8 in
#: ResNets and DenseNets for 32 x 32, 4 in networks for small faces. Up to CAP nats are charged.
LAST_SIDE, LAST_SPREAD, LAST_CAP = 2.8, 0.9, 4.0


def price_of(plan: Plan, call: Call) -> Price | None:
    """What the ways of one call cost more for what arrives: by borders, by maps that are too small, or left too large."""
    layer = plan.graph.layers[call.layer]
    kind = plan.graph.spec(call.layer).type
    if kind == "Slot" or (kind.startswith("Global") and layer is not None and layer.rank == 2):
        return last_map
    border = plan.borders.price(call.layer)
    if kind == "TimeDistributed" or not hasattr(layer, "padding") or not isinstance(getattr(layer, "padding", None), str):
        return border

    def price(way: Way, shapes: tuple[Shape, ...]) -> float:
        cost = border(way, shapes) if border is not None else 0.0
        if getattr(way.layer, "padding", "") == "same" and way.layer is not None:
            window = getattr(way.layer, "kernel_size", None) or getattr(way.layer, "pool_size", ())
            cost += LARGER_THAN_MAP * any(n is not None and n < k for n, k in zip(map_of(shapes, way.layer), window))  # noqa: B905
        return cost

    return price


def last_map(way: Way, shapes: tuple[Shape, ...]) -> float:
    """What a global pool over such a map costs, against one over a usual last map."""
    pools = way.layer is not None and hasattr(way.layer, "method")
    sizes = map_of(shapes, way.layer) if way.layer is not None and pools else ()
    if len(sizes) != 2 or None in sizes:
        return 0.0
    side = log2(max(1, max(n or 1 for n in sizes)))
    return min(((side - LAST_SIDE) / LAST_SPREAD) ** 2 / 2, LAST_CAP)


#: What it costs if maps grow again and the result is not as large as the input: autoencoders and segmentation give one
#: number for every place of the input.
OTHER_SIZE = 3.0
#: What it costs if a network of stated input that ends in a map does not end in one place: those that are trained on
#: patches do.
NOT_ONE_PLACE = 1.0


def endings(plan: Plan, skipped: Mapping[TensorRef, TensorRef]) -> Iterator[Step]:
    """A last look at the outputs that are maps, beside the first input."""
    graph = plan.graph
    if not graph.blueprint.inputs:
        return
    start = graph.blueprint.inputs[0]
    grows = any(role.grows for role in plan.roles.values())
    mapped = any(layer is not None and layer.rank >= 2 for layer in graph.layers.values())
    single = all(len(ways) == 1 and None not in stated(ways[0])[1:] for ways in plan.entries.values())
    if not mapped or not (grows or single):
        return

    def price(way: Way, shapes: tuple[Shape, ...]) -> float:
        end, begin = shapes
        if end is None or begin is None or len(end) < 4 or len(end) != len(begin):
            return 0.0
        places = slice(2, None) if graph.channels_first else slice(1, -1)
        if grows:
            return 0.0 if end[places] == begin[places] else OTHER_SIZE
        return 0.0 if set(end[places]) == {1} else NOT_ONE_PLACE

    for ref in graph.blueprint.outputs:
        yield Step("", (skipped.get(ref, ref), start), (), Fixed((Way(kind="end"),)), price=price)


def stated(way: Way) -> tuple[Setting, ...]:
    """The shape that a way gives an input, as it is declared."""
    shape = dict(way.edits).get("batch_shape")
    return shape if isinstance(shape, tuple) else (None, None)


def fixed_entry(plan: Plan, name: str) -> Ways:
    """The shapes of one input."""
    return Fixed(tuple(sorted(plan.entries[name], key=lambda way: way.cost)))


def most_used(graph: Graph, call: Call) -> int:
    """The highest output of a call that somebody takes; for layers that cannot be built."""
    refs = (*graph.blueprint.consumers, *graph.blueprint.outputs)
    return max((ref.index for ref in refs if (ref.layer, ref.call) == (call.layer, call.call)), default=0)


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
            return window_ways(plan, spec, inner.type, built, plan.roles.get(name, Role()), habit, "layer.") or as_it_is(layer)
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
    if spec.type == "RepeatVector":
        return rearranged.repeat_vector(plan.shop, spec, sequence_lengths(plan))
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
        return windows.transposed(shop, spec, layer, habit, prefix=prefix)
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
            shape = getattr(way.layer, "batch_shape", None)
            if shape is not None and len(shape) == 3 and shape[1]:
                yield shape[1]


__all__ = ["Plan", "demands_of", "steps"]
