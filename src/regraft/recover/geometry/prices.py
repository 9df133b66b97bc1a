"""What settings cost for the map that arrives: borders, maps smaller than the window, last maps of odd size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from math import log2

from regraft.blueprint import Call, Setting, Shape, TensorRef
from regraft.recover.geometry.lattice import Step
from regraft.recover.geometry.plan import Plan
from regraft.recover.geometry.ways import Fixed, Price, Way, map_of

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
    if (
        kind == "TimeDistributed"
        or not hasattr(layer, "padding")
        or not isinstance(getattr(layer, "padding", None), str)
    ):
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
    side = log2(max(n or 1 for n in sizes))
    return min(((side - LAST_SIDE) / LAST_SPREAD) ** 2 / 2, LAST_CAP)


#: What it costs if maps grow again and the result is not as large as the input: autoencoders and segmentation give one
#: number for every place of the input.
OTHER_SIZE = 3.0


#: What it costs if a network of stated input that ends in a map does not end in one place: those that are trained on
#: patches do.
NOT_ONE_PLACE = 1.0


def endings(plan: Plan, skipped: Mapping[TensorRef, TensorRef]) -> Iterator[Step]:
    """A last look at the outputs: known shapes that they must have, and those that are maps beside the first input."""
    graph = plan.graph
    if not graph.blueprint.inputs:
        return
    if plan.ends:
        for ref in graph.blueprint.outputs:
            yield Step("", (skipped.get(ref, ref),), (), partial(ends_known, plan))
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


def ends_known(plan: Plan, shapes: tuple[Shape, ...]) -> list[Way]:
    """A way to end only in a shape that one of the known outputs has."""
    (shape,) = shapes
    # Where an axis of an input is left open, a length stands for many: only ranks and channels can be compared.
    open_axes = any(None in stated(way)[1:] for ways in plan.entries.values() for way in ways)

    def fits(end: tuple[int, ...]) -> bool:
        if shape is None:
            return True
        pairs = list(zip(shape[1:], end, strict=False))
        some = pairs[:0] if open_axes and plan.graph.channels_first else pairs[-1:] if open_axes else pairs
        return len(shape) == len(end) + 1 and all(found is None or found == known for found, known in some)

    return [Way(kind="end")] if any(map(fits, plan.ends)) else []


def stated(way: Way) -> tuple[Setting, ...]:
    """The shape that a way gives an input, as it is declared."""
    shape = dict(way.edits).get("batch_shape")
    return shape if isinstance(shape, tuple) else (None, None)
