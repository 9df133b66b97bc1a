"""Places where layers without variables may stand, for files that do not list such layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.graph import Graph
from regraft.recover.geometry.mismatches import NORMS, Stated, entering, map_behind, torn, widths
from regraft.recover.geometry.roles import SUMS, is_growth, kernel_side, projects

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
#: Convolutions from which on a network without a Dense may classify by a global pool at its end.
DEEP = 5


def spatial_rank(graph: Graph, call: Call) -> int:
    """Number of spatial axes of a convolution, 0 for any other layer."""
    layer = graph.layers[call.layer]
    return (
        layer.rank
        if layer is not None and graph.spec(call.layer).type.endswith(("Conv1D", "Conv2D", "Conv3D", "Transpose"))
        else 0
    )


def with_slots(
    graph: Graph, demands: Mapping[str, Demand], stated: Stated, ends: Sequence[tuple[int, ...]] = ()
) -> Blueprint:
    """
    The blueprint with a ``Slot`` before every layer that may want something between it and what comes before.

    Before a convolution a pool, or an UpSampling where maps grow; between a map and a Dense a Flatten or a global pool;
    between a vector and a convolution a Reshape, and one between a map and a recurrent layer. Where channels cannot be
    those that the next layer takes, or an input of stated shape cannot, a Flatten or a Reshape.

    Args:
        graph: The draft.
        demands: What every layer demands of its input.
        stated: Inputs with the shapes that the user gave them.
        ends: Shapes of the known outputs, without the batch axis.
    """
    layers: list[LayerSpec] = []
    calls: list[Call] = []
    made = widths(graph, demands)
    kinds = origins(graph, made, demands)
    placed: dict[tuple[TensorRef, str], TensorRef] = {}
    seen = 0
    for call in graph.calls:
        inputs: list[TensorRef] = []
        for place, start in enumerate(call.inputs):
            ref = start
            need = demands[call.layer]
            torn_here = not place and torn(made.get(start), need)
            odd = turning(graph, call, kinds.get(start, -2), torn_here) if not place else []
            if not place and start in stated:
                odd = [("turn", spatial_rank(graph, call))] if entering(stated[start], need) else []
            for role, rank in odd or wanted_slots(graph, call, place, kinds):
                if (ref, role) not in placed:
                    name = f"slot_{len(layers)}"
                    seen += role == "resize"
                    layers.append(LayerSpec(name, "Slot", {"role": role, "rank": rank, "number": seen}))
                    calls.append(Call(name, (ref,)))
                    placed[ref, role] = TensorRef(name)
                ref = placed[ref, role]
            inputs.append(ref)
        calls.append(replace(call, inputs=tuple(inputs)))
    outputs = graph.blueprint.outputs
    if ends_in_map(graph):
        layers.append(LayerSpec("slot_end", "Slot", {"role": "end", "rank": 2, "number": seen}))
        calls.append(Call("slot_end", outputs))
        outputs = (TensorRef("slot_end"),)
    elif ends and all(len(end) == 1 for end in ends):
        # Every known output is a vector: where a map would leave, a Flatten or a global pool stands behind it.
        for i, ref in enumerate(outputs):
            if (rank := kinds.get(ref, -1)) > 0:
                name = f"slot_end_{i}"
                layers.append(LayerSpec(name, "Slot", {"role": "vector", "rank": rank, "number": seen}))
                calls.append(Call(name, (ref,)))
                outputs = (*outputs[:i], TensorRef(name), *outputs[i + 1 :])
    # Every slot knows how many there are for pools, so that the middle of the network can be told.
    counted = [replace(spec, config={**spec.config, "of": seen}) for spec in layers]
    layers_now = (*graph.blueprint.layers, *counted)
    return replace(graph.blueprint, layers=layers_now, calls=tuple(calls), outputs=outputs)


def ends_in_map(graph: Graph) -> bool:
    """
    Whether a deep network of convolutions over images, without any Dense, ends in one whose channels may be classes.

    Those classify by a global pool behind it, or give a map: NiN, SqueezeNet, all-convolutional networks, detectors.
    """
    types = [graph.spec(call.layer).type for call in graph.calls]
    ranks = [spatial_rank(graph, call) for call in graph.calls]
    if len(graph.blueprint.outputs) != 1 or sum(map(bool, ranks)) < DEEP or set(ranks) - {0} != {2}:
        return False
    if any(kind in VECTORS or is_growth(kind) or kind in ("Flatten", "Reshape") for kind in types):
        return False
    last = graph.last_active(graph.blueprint.outputs[0])
    return last is not None and spatial_rank(graph, last) == 2


def turning(graph: Graph, call: Call, before: int, torn_here: bool) -> list[tuple[str, int]]:
    """The roles of slots where the channels that arrive cannot be those that a layer takes; none elsewhere."""
    rank, kind = spatial_rank(graph, call), graph.spec(call.layer).type
    if not torn_here:
        return []
    if kind in NORMS and before == 0 and map_behind(graph, call):
        return [("map", map_behind(graph, call))]
    # Where tensors are joined or added, channels that do not follow rather mean that others should have been.
    chain = all(len(other.inputs) < 2 for other in graph.calls)
    return [("turn", rank), ("resize", rank)] if rank and before == rank and chain else []


def origins(graph: Graph, made: Mapping[TensorRef, int], demands: Mapping[str, Demand]) -> dict[TensorRef, int]:
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
            elif rank == 0 and kind in NORMS and torn(made.get(call.inputs[0]), demands[call.layer]):
                # It normalises the channels of a map that was made of the vector.
                rank = map_behind(graph, call)
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
        if before != rank:
            return []
        return [("resize", rank), ("branch", rank)] if doubled(graph, call) else [("resize", rank)]
    if before > 0 and (kind in RECURRENT or (kind == "Dense" and before > 1 and feeds_recurrent(graph, call))):
        return [("resize", before), *([("sequence", before)] if before > 1 else [])]
    if kind == "Dense" and before > 0:
        return [("resize", before), ("vector", before)]
    if len(call.inputs) > 1 and before > 0 and (kind in SUMS or kind == "Concatenate"):
        # A tensor that goes elsewhere too is the shortcut: there the layer of the branch is not resized.
        alone = len(graph.blueprint.consumers.get(ref, ())) == 1
        return [(before_merge(graph, call, ref), before)] if alone and not projected(graph, ref) else []
    return []


def doubled(graph: Graph, call: Call) -> bool:
    """
    Whether a 1x1 convolution is the last of several from one tensor straight into one Concatenate.

    Two such are no more than a wider one, so something stands before the other.
    """
    if kernel_side(graph, call.layer) != 1:
        return False
    source = graph.source(call.inputs[0])
    for join in graph.next_active(TensorRef(call.layer, call.call)):
        if graph.spec(join.layer).type == "Concatenate":
            makers = [graph.last_active(ref) for ref in join.inputs]
            alike = [m for m in makers if m is not None and m.inputs and kernel_side(graph, m.layer) == 1]
            beside = [m.layer for m in alike if graph.source(m.inputs[0]) == source]
            return len(beside) > 1 and beside[-1] == call.layer
    return False


def before_merge(graph: Graph, call: Call, ref: TensorRef) -> str:
    """The role of a slot before a merge: ``pooled`` where a shortcut with a convolution comes in from elsewhere."""
    beside = any(projected(graph, other) for other in call.inputs if other != ref)
    return "pooled" if beside and graph.spec(call.layer).type in SUMS else "merge"


def projected(graph: Graph, ref: TensorRef) -> bool:
    """Whether a tensor is what a shortcut with a convolution of its own gives: that moves, and nothing pools behind."""
    maker = graph.last_active(ref)
    return maker is not None and projects(graph, maker)


def feeds_recurrent(graph: Graph, call: Call) -> bool:
    """Whether a recurrent layer takes what a call gives: then that is a sequence."""
    return any(graph.spec(c.layer).type in RECURRENT for c in graph.next_active(TensorRef(call.layer, call.call)))
