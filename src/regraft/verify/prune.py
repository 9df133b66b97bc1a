"""What of a blueprint can be checked when some of its layers cannot be converted."""

from __future__ import annotations

from dataclasses import replace

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef, all_refs
from regraft.verify.steps import inner_model


def prunable(blueprint: Blueprint) -> Blueprint | None:
    """
    The part of a blueprint that placeholders do not touch; None if nothing is left.

    Layers that cannot be converted go, and everything that depends on them. Outputs are the last tensors left: those
    that nothing else receives, and the model's own. A nested model with placeholders inside keeps what comes before
    them; what takes its outputs goes. A blueprint without placeholders comes back as it is.
    """
    if not has_placeholders(blueprint):
        return blueprint
    good: set[TensorRef] = set(blueprint.inputs)
    specs: dict[str, LayerSpec] = {}
    calls: list[Call] = []
    for call in blueprint.ordered_calls:
        spec = blueprint.by_name[call.layer]
        if spec.unknown or not all(
            (ref.layer, ref.call) in {(g.layer, g.call) for g in good} for ref in all_refs(call)
        ):
            continue
        inner = inner_model(spec)
        if inner is not None and has_placeholders(inner):
            rest = prunable(inner)
            if rest is None or len(rest.inputs) != len(inner.inputs):
                continue
            specs[call.layer] = replace(spec, config={**spec.config, "blueprint": rest})
        else:
            specs[call.layer] = spec
            good.add(TensorRef(call.layer, call.call))
        calls.append(call)
    received = {(ref.layer, ref.call) for call in calls for ref in all_refs(call)}
    outputs: list[TensorRef] = []
    for call in calls:
        inner = inner_model(specs[call.layer])
        count = len(inner.outputs) if inner else 1
        own = [ref for ref in blueprint.outputs if (ref.layer, ref.call) == (call.layer, call.call)]
        if own and TensorRef(call.layer, call.call) in good:
            outputs += own
        elif (call.layer, call.call) not in received:
            outputs += [TensorRef(call.layer, call.call, index) for index in range(count)]
    if not outputs:
        return None
    inputs = tuple(ref for ref in blueprint.inputs if (ref.layer, ref.call) in received)
    names = {ref.layer for ref in inputs} | set(specs)
    layers = tuple(specs.get(spec.name, spec) for spec in blueprint.layers if spec.name in names)
    return replace(blueprint, layers=layers, calls=tuple(calls), inputs=inputs, outputs=tuple(outputs))


def has_placeholders(blueprint: Blueprint) -> bool:
    """Whether a layer cannot be converted, in a nested model too."""
    return any(
        spec.unknown or ((inner := inner_model(spec)) is not None and has_placeholders(inner))
        for spec in blueprint.layers
    )
