"""
Models inside a model that a mask enters or leaves: their layers become layers of the model itself.

The forward of an emitted class takes and gives tensors alone, but Keras hands masks across the border of a nested model
(``Functional.call`` in ``keras/src/models/functional.py``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.layers import layer_class, spec_of
from regraft.layers.binding import Bound, inner_binding
from regraft.layers.taken_masks import given_masks, remasked, takes_masks
from regraft.layers.walk import built, outputs_of

Variables = Mapping[str, Mapping[str, Bound]]


def masked_models_inlined(blueprint: Blueprint, bound: Variables) -> tuple[Blueprint, Variables]:
    """The blueprint without nested models whose border a mask crosses, and its variables by layer."""
    while name := crossed(blueprint):
        blueprint, bound = inlined(blueprint, bound, name)
    return blueprint, bound


def crossed(blueprint: Blueprint) -> str:
    """The first nested model that a mask may enter or leave; empty if there is none."""
    nested = {s.name: s.config["blueprint"] for s in blueprint.layers if not s.unknown and "blueprint" in s.config}
    if not nested:
        return ""
    masked = masked_tensors(blueprint, (False,) * len(blueprint.inputs))
    for call in blueprint.ordered_calls:
        if isinstance(inner := nested.get(call.layer), Blueprint):
            made = {TensorRef(call.layer, call.call, i) for i in range(len(inner.outputs))}
            if masked & {*call.inputs, *made}:
                return call.layer
    return ""


def masked_tensors(blueprint: Blueprint, entering: tuple[bool, ...]) -> set[TensorRef]:
    """Tensors that may come with a mask, given which inputs do."""
    masked = {ref for ref, flag in zip(blueprint.inputs, entering, strict=True) if flag}
    layers = built(blueprint)
    for call in blueprint.ordered_calls:
        layer = layers[call.layer]
        if layer is None:
            continue
        inner = getattr(layer, "blueprint", None)
        results = outputs_of(blueprint, call, layer)
        if isinstance(inner, Blueprint):
            inside = masked_tensors(inner, tuple(ref in masked for ref in call.inputs))
            masked |= {ref for ref, end in zip(results, inner.outputs, strict=True) if end in inside}
        elif layer.may_mask(any(ref in masked for ref in call.inputs)):
            masked |= {ref for ref in results if layer.carries_mask(ref.index)}
    return masked


def inlined(blueprint: Blueprint, bound: Variables, name: str) -> tuple[Blueprint, Variables]:
    """One nested model less: its layers are named ``model/layer``, as everywhere in the report."""
    inner = blueprint.by_name[name].config["blueprint"]
    assert isinstance(inner, Blueprint)
    counts = Counter(call.layer for call in inner.calls)
    outer: dict[TensorRef, TensorRef] = {}
    calls: list[Call] = []
    entries: dict[str, LayerSpec] = {}
    for call in blueprint.calls:
        if call.layer != name:
            calls.append(call)
            continue
        given = dict(zip(inner.inputs, call.inputs, strict=True))
        for i, mask in enumerate(given_masks(call) if takes_masks(inner) else ()):
            if mask is not None:
                entry = TensorRef(remasked(name, i), call.call)
                calls.append(Call(entry.layer, (call.inputs[i],), call.call, {"mask": mask}))
                given[inner.inputs[i]] = entry
                entries.setdefault(entry.layer, spec_of(entry.layer, layer_class("Remasked")()))

        def moved(ref: TensorRef, given: Mapping[TensorRef, TensorRef] = given, number: int = call.call) -> TensorRef:
            return given.get(ref) or TensorRef(f"{name}/{ref.layer}", ref.call + number * counts[ref.layer], ref.index)

        for i, ref in enumerate(inner.outputs):
            outer[TensorRef(name, call.call, i)] = moved(ref)
        for own in inner.calls:
            ref = moved(TensorRef(own.layer, own.call))
            calls.append(Call(ref.layer, tuple(map(moved, own.inputs)), ref.call, renamed(own.arguments, moved)))

    def settled(ref: TensorRef) -> TensorRef:
        while ref in outer:
            ref = outer[ref]
        return ref

    calls = [replace(c, inputs=tuple(map(settled, c.inputs)), arguments=renamed(c.arguments, settled)) for c in calls]
    layers: list[LayerSpec] = []
    for spec in blueprint.layers:
        own_layers = [replace(s, name=f"{name}/{s.name}") for s in inner.layers if s.type != "InputLayer"]
        layers += [*entries.values(), *own_layers] if spec.name == name else [spec]
    inside = {f"{name}/{spec.name}": inner_binding(bound.get(name, {}), spec.name) for spec in inner.layers}
    outputs = tuple(map(settled, blueprint.outputs))
    found = replace(blueprint, layers=tuple(layers), calls=tuple(calls), outputs=outputs, sequential=False)
    return found, {**{k: v for k, v in bound.items() if k != name}, **inside}


def renamed(value: Any, name: Any) -> Any:
    """Call arguments with other tensors."""
    if isinstance(value, TensorRef):
        return name(value)
    if isinstance(value, Mapping):
        return {k: renamed(v, name) for k, v in value.items()}
    return tuple(renamed(item, name) for item in value) if isinstance(value, tuple) else value
