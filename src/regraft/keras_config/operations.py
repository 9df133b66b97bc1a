"""Operations of Keras 3 (``x + y``) that do what a merge layer does."""

from __future__ import annotations

from typing import Any

#: Operations of two tensors, and the layers with the same result for tensors of equal rank. Concatenate takes a list.
MERGES = frozenset({"Add", "Subtract", "Multiply", "Maximum", "Minimum"})


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
    return modern and isinstance(config, dict) and not {"dtype", "trainable"} & config.keys()


def as_merge_layer(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry as that of a merge layer, if it is an operation of two tensors that has one; else as it is."""
    class_name, nodes = entry.get("class_name"), entry.get("inbound_nodes")
    if not isinstance(class_name, str) or class_name not in MERGES or not is_operation_entry(entry):
        return entry
    if not isinstance(nodes, list) or not nodes or not all(isinstance(node, dict) and is_pair(node) for node in nodes):
        return entry
    calls = [{"args": [node["args"]], "kwargs": {}} for node in nodes]
    config = {"name": entry.get("name"), "trainable": True}
    return {"class_name": class_name, "name": entry.get("name"), "config": config, "inbound_nodes": calls}


def is_pair(node: dict[str, Any]) -> bool:
    """Whether a call takes two tensors and nothing else."""
    args = node.get("args")
    tensors = isinstance(args, list) and len(args) == 2 and all(map(is_tensor, args))
    return tensors and not node.get("kwargs")


def is_tensor(value: Any) -> bool:
    """Whether a JSON value is a tensor of the graph."""
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"
