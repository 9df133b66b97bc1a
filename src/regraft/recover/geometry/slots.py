"""Places where layers without variables may stand, for files that do not list such layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.recover.geometry.graph import Graph
from regraft.recover.geometry.roles import SUMS

CONVOLUTIONS = (
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "SeparableConv1D",
    "SeparableConv2D",
    "DepthwiseConv2D",
    "DepthwiseConv1D",
)


RECURRENT = ("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU", "Bidirectional")
VECTORS = ("Dense", *RECURRENT)


def spatial_rank(graph: Graph, call: Call) -> int:
    """Number of spatial axes of a convolution, 0 for any other layer."""
    layer = graph.layers[call.layer]
    return (
        layer.rank
        if layer is not None and graph.spec(call.layer).type.endswith(("Conv1D", "Conv2D", "Conv3D", "Transpose"))
        else 0
    )


def with_slots(graph: Graph) -> Blueprint:
    """
    The blueprint with a ``Slot`` before every layer that may want something between it and what comes before.

    Before a convolution a pool, or an UpSampling where maps grow; between a map and a Dense a Flatten or a global pool;
    between a vector and a convolution a Reshape, and one between a map and a recurrent layer.
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
    # Every slot knows how many there are for pools, so that the middle of the network can be told.
    counted = [replace(spec, config={**spec.config, "of": seen}) for spec in layers]
    return replace(graph.blueprint, layers=(*graph.blueprint.layers, *counted), calls=tuple(calls))


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
    if before > 0 and (kind in RECURRENT or (kind == "Dense" and before > 1 and feeds_recurrent(graph, call))):
        return [("resize", before), *([("sequence", before)] if before > 1 else [])]
    if kind == "Dense" and before > 0:
        return [("resize", before), ("vector", before)]
    if len(call.inputs) > 1 and before > 0 and (kind in SUMS or kind == "Concatenate"):
        # A tensor that goes elsewhere too is the shortcut: there the layer of the branch is not resized.
        alone = len(graph.blueprint.consumers.get(ref, ())) == 1
        return [("merge", before)] if alone else []
    return []


def feeds_recurrent(graph: Graph, call: Call) -> bool:
    """Whether a recurrent layer takes what a call gives: then that is a sequence."""
    return any(graph.spec(c.layer).type in RECURRENT for c in graph.next_active(TensorRef(call.layer, call.call)))
