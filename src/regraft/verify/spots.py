"""Tensors of Keras and of the blueprint under the same names."""

from __future__ import annotations

from regraft.blueprint import Blueprint, TensorRef
from regraft.verify.steps import inner_model
from regraft.verify.subject import Spot


def spot_of(ref: TensorRef) -> Spot:
    """The spot of a tensor of the top model."""
    return Spot((ref.layer,), (ref.call,), ref.index)


def blueprint_spot(blueprint: Blueprint, spot: Spot) -> Spot:
    """Keras counts the calls of a layer from 0; a blueprint of which a part was cut off may lack the first ones."""
    calls: list[int] = []
    model: Blueprint | None = blueprint
    for layer, number in zip(spot.layers, spot.calls, strict=True):
        known = sorted(call.call for call in model.calls if call.layer == layer) if model else []
        calls.append(known[number] if number < len(known) else number)
        model = inner_model(model.by_name[layer]) if model and layer in model.by_name else None
    return Spot(spot.layers, tuple(calls), spot.index)


def is_softmax(blueprint: Blueprint, spot: Spot) -> bool:
    """Whether a layer of the top model ends in a softmax, so that its largest entry is an answer."""
    spec = blueprint.by_name.get(spot.layers[0])
    return spec is not None and (spec.type == "Softmax" or spec.config.get("activation") == "softmax")


def output_spot(number: int) -> Spot:
    """The spot under which what the model returns at one place is collected."""
    return Spot((f"(output {number + 1})",), (0,))
