"""
Masks that Keras loses: MultiHeadAttention of Keras 3.8 and later takes them off its inputs.

Its ``call`` sets the mask of query, value and key to None on the tensors themselves, so that whatever Keras runs later
sees none: in a transformer the sum behind the attention, and with it all blocks that follow. What a model computes
depends on it, so we do the same. Masks that the file names as an argument are not touched.
Source: ``keras/src/layers/attention/multi_head_attention.py`` and ``keras/src/ops/function.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from regraft.blueprint import Blueprint, Call, TensorRef, all_refs, refs_in
from regraft.layers.base import Layer

#: Layers that at inference return the very tensor they were given.
SAME_TENSOR = frozenset(
    "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise Identity SpatialDropout1D SpatialDropout2D "
    "SpatialDropout3D".split()
)

Use = tuple[str, int, TensorRef]


def uses_without_mask(blueprint: Blueprint, layers: Mapping[str, Layer | None]) -> set[Use]:
    """Every use of a tensor, as layer, call and tensor, at which Keras has taken off its mask."""
    if not any(getattr(layer, "takes_masks", False) for layer in layers.values()):
        return set()
    same: dict[TensorRef, TensorRef] = {}
    taken: set[TensorRef] = set()
    found: set[Use] = set()
    for call in execution_order(blueprint):
        layer = layers[call.layer]
        for ref in all_refs(call):
            if same.get(ref, ref) in taken:
                found.add((call.layer, call.call, ref))
        if layer is not None and len(call.inputs) == 1 and returns_its_input(layer):
            same[TensorRef(call.layer, call.call)] = same.get(call.inputs[0], call.inputs[0])
        if getattr(layer, "takes_masks", False):
            given = (call.inputs, call.arguments.get("value"), call.arguments.get("key"))
            taken |= {same.get(ref, ref) for ref in refs_in(given)}
    return found


def returns_its_input(layer: Layer) -> bool:
    """Whether the layer gives the same tensor at inference, not an equal one."""
    name = type(layer).__name__
    return name in SAME_TENSOR or (name == "Activation" and layer.config.get("activation") == "linear")


def execution_order(blueprint: Blueprint) -> tuple[Call, ...]:
    """The calls in the order in which Keras 3 runs them: by their distance from the outputs, the farthest first."""
    calls = {(call.layer, call.call): call for call in blueprint.calls}
    finished = list(post_order(blueprint, calls))
    depths: dict[tuple[str, int], int] = {}
    of_layer: dict[str, int] = {}
    for key in reversed(finished):
        depth = of_layer[key[0]] = max(depths.get(key, 0), of_layer.get(key[0], 0))
        depths[key] = depth
        for ref in all_refs(calls[key]):
            before = (ref.layer, ref.call)
            if before in calls:
                depths[before] = max(depth + 1, depths.get(before, 0))
    # Equal depths stay in the order in which they were met, as in Keras: sorting is stable.
    return tuple(calls[key] for key in sorted(depths, key=lambda key: -depths[key]))


def post_order(blueprint: Blueprint, calls: Mapping[tuple[str, int], Call]) -> Iterator[tuple[str, int]]:
    """The calls that the outputs need, each behind those it needs itself."""
    done: set[tuple[str, int]] = set()
    todo = [(ref.layer, ref.call) for ref in reversed(blueprint.outputs)]
    while todo:
        key = todo[-1]
        waiting: list[tuple[str, int]] = []
        if key in calls and key not in done:
            needed = [(ref.layer, ref.call) for ref in all_refs(calls[key])]
            waiting = [other for other in needed if other in calls and other not in done]
        if waiting:
            todo += reversed(waiting)
            continue
        todo.pop()
        if key in calls and key not in done:
            done.add(key)
            yield key
