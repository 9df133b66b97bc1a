"""Operations of Keras 3 (``x + y``), which its JSON lists among the layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from regraft.blueprint import Call, LayerSpec, all_refs
from regraft.errors import UnknownLayerError, quote
from regraft.layers import ALIASES, build, layer_class
from regraft.layers.operations import REFUSED, Operation


def is_operation_entry(entry: dict[str, Any]) -> bool:
    """
    Whether a layer of a functional model is an operation.

    HDF5 files of Keras 3 name no module: the operation Add looks like the layer Add, but a layer always writes its
    dtype or whether it is trainable.
    """
    module, config, nodes = entry.get("module"), entry.get("config"), entry.get("inbound_nodes")
    if isinstance(module, str):
        return ".ops." in f".{module}."
    modern = isinstance(nodes, list) and any(isinstance(node, dict) and "args" in node for node in nodes)
    if not modern or not isinstance(config, dict):
        return False
    name = entry.get("class_name")
    only_operation = f"{name}Operation" in ALIASES and name not in ALIASES
    return only_operation or not {"dtype", "trainable"} & config.keys()


def operation_class(type_name: str) -> type[Operation] | None:
    """The operation of a type name of the catalogue; None for layers."""
    cls = layer_class(type_name) if type_name in ALIASES else None
    return cls if cls is not None and issubclass(cls, Operation) else None


def unknown_operation(class_name: str) -> str:
    """Why an operation is not converted."""
    if reason := REFUSED.get(class_name):
        return f"operation {quote(class_name)} of Keras 3 is not converted: {reason}"
    return f"operation {quote(class_name)} of Keras 3 is not in the catalogue"


def refused(specs: dict[str, LayerSpec], calls: Iterable[Call]) -> None:
    """Make placeholders of the operations whose arguments cannot be converted."""
    for call in calls:
        spec = specs[call.layer]
        if spec.unknown or operation_class(spec.type) is None:
            continue
        layer = build(spec)
        assert isinstance(layer, Operation)
        try:
            layer.accept(layer.given(call.arguments, (None,) * len(all_refs(call))))
        except (UnknownLayerError, TypeError, ValueError, LookupError) as error:
            reason = f"operation {quote(layer.keras_class)}: {error}"
            specs[call.layer] = dataclasses.replace(spec, type=layer.keras_class, config={}, unknown=reason)
