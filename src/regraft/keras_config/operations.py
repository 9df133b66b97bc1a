"""Operations of Keras 3 (``x + y``), which its JSON lists among the layers."""

from __future__ import annotations

from typing import Any


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
