"""Keras 1: a Sequential model that starts with a Merge of other models."""

from __future__ import annotations

from typing import Any

from regraft.blueprint import Call, LayerSpec, TensorRef
from regraft.errors import quote
from regraft.keras_config.layer import read_layer
from regraft.keras_config.place import Place
from regraft.keras_config.scope import Scope


def leading_merge(
    item: dict[str, Any], scope: Scope, place: Place
) -> tuple[list[LayerSpec], list[Call], tuple[TensorRef, ...]]:
    """
    Layers, calls and inputs of the branches, with the merge layer as the last call.

    The branches' layers become layers of the model itself, as Keras 1 stores them
    (``Sequential.flattened_layers`` in ``keras/models.py`` of Keras 1.2.2).

    Raises:
        ConfigError: If the branches are not listed, or hold different layers of one name.
    """
    from regraft.keras_config.model import read_model

    config = (place / "config").mapping(item.get("config"))
    here = place / "config" / "layers"
    specs: dict[str, LayerSpec] = {}
    calls: dict[tuple[str, int], Call] = {}
    inputs: dict[TensorRef, None] = {}
    merged: list[TensorRef] = []
    for i, branch in enumerate(here.items(config.get("layers"))):
        model = read_model(branch, scope.deeper(here / i), here / i, name=f"branch_{i}")
        for spec in model.layers:
            # A branch that is given twice is written twice; equal layers of one name are one shared layer.
            if specs.setdefault(spec.name, spec) != spec:
                raise (here / i).error(f"two different layers of the branches are named {quote(spec.name)}")
        calls.update({(call.layer, call.call): call for call in model.calls})
        inputs.update(dict.fromkeys(model.inputs))
        merged += model.outputs
    name = (place / "config" / "name").name(config.get("name", "merge_1"))
    own = {key: value for key, value in config.items() if key != "layers"}
    spec = read_layer({**item, "config": own}, scope, place, name=name)
    return [*specs.values(), spec], [*calls.values(), Call(spec.name, tuple(merged))], tuple(inputs)
