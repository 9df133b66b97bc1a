"""
Masks that Keras loses: MultiHeadAttention of Keras 3.8 and later takes them off its inputs.

Its ``call`` sets the mask of query, value and key to None on the tensors themselves, so that whatever Keras runs later
sees none: in a transformer the sum behind the attention, and with it all blocks that follow. What a model computes
depends on it, so we do the same. Masks that the file names as an argument are not touched.
Source: ``keras/src/layers/attention/multi_head_attention.py`` and ``keras/src/ops/function.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from regraft.blueprint import Blueprint, Call, TensorRef, all_refs, refs_in
from regraft.layers.base import Layer
from regraft.layers.walk import built

#: Layers that at inference return the very tensor they were given.
SAME_TENSOR = frozenset(
    "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise Identity SpatialDropout1D SpatialDropout2D "
    "SpatialDropout3D".split()
)

Use = tuple[str, int, TensorRef]


def uses_without_mask(blueprint: Blueprint) -> set[Use]:
    """
    Every use of a tensor, as layer, call and tensor, at which Keras has taken off its mask.

    Layers of nested models are named as where they stand in the model itself (``model/layer``); see ``inlined`` in
    ``emit/inlining.py``.
    """
    found: set[Use] = set()
    if takes_masks(blueprint):
        run(blueprint, lambda ref: ref, {}, set(), found)
    return found


def takes_masks(blueprint: Blueprint) -> bool:
    """Whether a layer of the model, or of one inside it, takes masks off its inputs."""
    for layer in built(blueprint).values():
        inner = getattr(layer, "blueprint", None)
        if getattr(layer, "takes_masks", False) or (isinstance(inner, Blueprint) and takes_masks(inner)):
            return True
    return False


def run(
    model: Blueprint,
    named: Callable[[TensorRef], TensorRef],
    same: dict[TensorRef, TensorRef],
    taken: set[TensorRef],
    found: set[Use],
) -> tuple[TensorRef, ...]:
    """
    Go through a model as Keras runs it; the tensors of the whole that are its outputs.

    Args:
        model: The model, or one inside it.
        named: From the tensors of this model to those of the whole.
        same: For a tensor that is another one under a new name, that one.
        taken: Tensors without their mask, so far.
        found: The uses are added here.
    """
    layers = built(model)
    made: dict[TensorRef, TensorRef] = {}

    def whole(ref: TensorRef) -> TensorRef:
        return made.get(ref) or named(ref)

    for call in execution_order(model):
        layer = layers[call.layer]
        here = named(TensorRef(call.layer, call.call))
        refs = [whole(ref) for ref in all_refs(call)]
        found |= {(here.layer, here.call, ref) for ref in refs if same.get(ref, ref) in taken}
        inner = getattr(layer, "blueprint", None)
        if isinstance(inner, Blueprint):
            counts = Counter(own.layer for own in inner.calls)
            given = dict(zip(inner.inputs, refs, strict=False))
            for i, mask in enumerate(given_masks(call)):
                if mask is not None and takes_masks(inner):
                    # Keras puts the mask that the file names on the tensor itself, again.
                    root = same.get(refs[i], refs[i])
                    taken.discard(root)
                    given[inner.inputs[i]] = TensorRef(remasked(here.layer, i), here.call)
                    same[given[inner.inputs[i]]] = root

            def inside(
                ref: TensorRef,
                given: Mapping[TensorRef, TensorRef] = given,
                here: TensorRef = here,
                counts: Mapping[str, int] = counts,
            ) -> TensorRef:
                number = ref.call + here.call * counts.get(ref.layer, 0)
                return given.get(ref) or TensorRef(f"{here.layer}/{ref.layer}", number, ref.index)

            ends = run(inner, inside, same, taken, found)
            made.update({TensorRef(call.layer, call.call, i): end for i, end in enumerate(ends)})
        elif layer is not None and len(call.inputs) == 1 and returns_its_input(layer):
            same[here] = same.get(refs[0], refs[0])
        if getattr(layer, "takes_masks", False):
            named_ones = (call.inputs, call.arguments.get("value"), call.arguments.get("key"))
            taken |= {same.get(whole(ref), whole(ref)) for ref in refs_in(named_ones)}
    return tuple(whole(ref) for ref in model.outputs)


def given_masks(call: Call) -> tuple[TensorRef | None, ...]:
    """The masks that a call names for its inputs."""
    given = call.arguments.get("mask")
    masks = given if isinstance(given, tuple) else (given,)
    return tuple(mask if isinstance(mask, TensorRef) else None for mask in masks)[: len(call.inputs)]


def remasked(model: str, place: int) -> str:
    """The name of an input of a nested model with the mask that the file names for it."""
    return f"{model}/input_{place}_with_mask"


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
