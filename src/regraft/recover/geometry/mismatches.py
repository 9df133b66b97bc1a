"""Tensors that the next layer cannot take as they are, so that a Flatten or a Reshape must stand between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from regraft.blueprint import Call, Shape, TensorRef
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.graph import Graph
from regraft.recover.geometry.roles import SUMS

Stated = Mapping[TensorRef, Shape]
"""Shapes of inputs that the user gave, batch first."""

NORMS = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization")


def widths(graph: Graph, demands: Mapping[str, Demand]) -> dict[TensorRef, int]:
    """The channels of every tensor, as far as the layers that made it say so whatever the sizes."""
    found: dict[TensorRef, int] = {}
    for call in graph.calls:
        layer = graph.layers[call.layer]
        width = getattr(layer, "filters", None) or getattr(layer, "units", None)
        kind = graph.spec(call.layer).type
        if kind in NORMS:
            width = demands[call.layer].features
        if width is None and call.inputs and (graph.passive(call) or kind in (*NORMS, *SUMS)):
            width = found.get(call.inputs[0])
        if width:
            found[TensorRef(call.layer, call.call)] = width
    return found


def entering(shape: Shape, need: Demand) -> bool:
    """Whether an input of a stated shape can only be taken with its elements in other axes."""
    if shape is None or None in shape[1:] or need.allows(shape) or not need.features:
        return False
    count = prod(n or 1 for n in shape[1:])
    return count % need.features == 0 and (bool(need.rank) or count == need.features)


def torn(width: int | None, need: Demand) -> bool:
    """Whether the channels that arrive are not those that are taken, but elements could be dealt out anew."""
    return width is not None and need.features is not None and width != need.features


def map_behind(graph: Graph, call: Call) -> int:
    """The spatial axes that the convolutions behind a call take; 0 if there are none."""
    found = (graph.layers[after.layer] for after in behind(graph, call))
    return next((layer.rank for layer in found if layer is not None and layer.rank), 0)


def behind(graph: Graph, call: Call) -> list[Call]:
    """The next layers behind a call and the normalisations that follow it."""
    found: list[Call] = []
    for after in graph.next_active(TensorRef(call.layer, call.call)):
        found += behind(graph, after) if graph.spec(after.layer).type in NORMS else [after]
    return found


def as_map(need: Demand, rank: int) -> Demand:
    """What a layer demands that takes tensors of any rank, in front of one that takes maps."""
    return need if need.rank else replace(need, rank=rank + 2)
