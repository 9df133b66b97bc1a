"""
What a SavedModel holds, read from its protocol buffers without loading it, inside the oracle's process.

A graph can read and write files and call Python that is registered in the process, so it is loaded only when every
operation that loading and its signature can reach is arithmetic, control flow, or about its own variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SIGNATURES = ("serving_default", "serve")
LARGEST = 1 << 31
#: Operations that are not free of effects and may pass: variables, calls, loops, random numbers that inference skips.
STATEFUL = frozenset(
    "VarHandleOp ReadVariableOp AssignVariableOp AssignAddVariableOp AssignSubVariableOp VarIsInitializedOp "
    "DisableCopyOnRead ResourceGather ResourceGatherNd PartitionedCall "
    "StatefulPartitionedCall While If Case Assert Placeholder RandomUniform RandomStandardNormal TruncatedNormal "
    "RandomUniformInt TensorArrayV3 TensorArrayReadV3 TensorArrayWriteV3 TensorArrayGatherV3 TensorArrayScatterV3 "
    "TensorArraySizeV3 TensorArrayConcatV3 TensorArrayCloseV3 TensorArraySplitV3".split()
)
#: Operations that touch files, other processes, Python or the terminal, whether or not TensorFlow marks them.
DENIED = re.compile(
    r".*(File|Py[FS]|PyFunc|Save|Restore|Checkpoint|Dataset|Iterator|Reader|Debug|Summary|Immutable|Remap|Vocab|Remote|Send"
    r"|Recv|Rpc|Print|Xla|Tpu|TPU|Custom|HashTable|LookupTable|InitializeTable|Queue|Barrier|Iterat|Collective|Dlopen).*"
)


def read_saved_model(folder: Path) -> Any:
    """
    The protocol buffer of a SavedModel: its graph with everything beside it.

    Raises:
        ValueError: It cannot be read, or is none of TensorFlow 2.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    file = folder / "saved_model.pb"
    if file.stat().st_size > LARGEST:
        raise ValueError("saved_model.pb is larger than 2 GiB, which no protocol buffer is")
    found = saved_model_pb2.SavedModel()
    try:
        found.ParseFromString(file.read_bytes())
    except DecodeError as error:
        raise ValueError(f"saved_model.pb is no SavedModel: {error}") from None
    if len(found.meta_graphs) != 1 or not found.meta_graphs[0].HasField("object_graph_def"):
        # TensorFlow loads such a one by running operations of its outer graph.
        raise ValueError("saved_model.pb is one of TensorFlow 1, or holds several graphs: it is not loaded")
    return found.meta_graphs[0]


def keras_description(folder: Path) -> dict[str, Any] | None:
    """The architecture that tf-keras wrote beside the graph, as Keras JSON; None where there is none."""
    file = folder / "keras_metadata.pb"
    if not file.is_file():
        return None
    from google.protobuf.message import DecodeError
    from tf_keras.protobuf import saved_metadata_pb2

    metadata: Any = getattr(saved_metadata_pb2, "SavedMetadata")()  # noqa: B009 - made when it is imported
    try:
        metadata.ParseFromString(file.read_bytes())
        root = next((node for node in metadata.nodes if node.node_path == "root"), None)
        text = json.loads(root.metadata) if root is not None else {}
    except (DecodeError, ValueError, RecursionError) as error:
        raise ValueError(f"keras_metadata.pb cannot be read: {error}") from None
    config = text.get("config") if isinstance(text, dict) else None
    if not isinstance(config, dict) or "layers" not in config:
        return None  # a subclass of Model: only the graph says what it does
    return {"class_name": text.get("class_name"), "config": config, "keras_version": text.get("keras_version")}


def layers_told(folder: Path) -> str:
    """Why there is no architecture, in words."""
    if (folder / "keras_metadata.pb").is_file():
        return "it was written from a subclass of Model, which no JSON describes"
    return "it was written by model.export() or tf.saved_model.save"


def signature_name(graph: Any) -> str:
    """
    The signature that is run.

    Raises:
        ValueError: There is none.
    """
    for name in SIGNATURES:
        if name in graph.signature_def:
            return name
    known = ", ".join(sorted(map(ascii, graph.signature_def))[:10])
    raise ValueError(f"it has no signature serving_default or serve; it has {known or 'none'}")


def harmless_signature(folder: Path) -> str:
    """
    Look at every operation that loading the folder and running its signature can reach.

    Returns:
        Which signature is run, in words.

    Raises:
        ValueError: One of them touches files or other processes, is unknown, or the folder brings files of its own.
    """
    graph = read_saved_model(folder)
    name = signature_name(graph)
    if wrong := sorted(set(harmful(graph))):
        raise ValueError(
            f"its graph is not run, for it holds operations that can touch files, processes or Python: {', '.join(wrong[:8])}"
        )
    return f"its signature {name} is run"


def harmful(graph: Any) -> Iterator[str]:
    """
    The operations that must not run, among all that TensorFlow may run when it loads or calls the model.

    That is every function the object graph names, and what these call; saving and restoring are functions of the outer
    graph, which loading does not run.
    """
    for node in graph.object_graph_def.nodes:
        kind = node.WhichOneof("kind")
        if kind in ("asset", "resource"):
            yield {"asset": "a file of its own"}.get(kind, "a table or another resource")
    functions = {f.signature.name: f for f in graph.graph_def.library.function}
    todo = [*graph.object_graph_def.concrete_functions]
    todo += [name for node in graph.object_graph_def.nodes for name in node.function.concrete_functions]
    todo += [node.bare_concrete_function.concrete_function_name for node in graph.object_graph_def.nodes]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        for node in functions[name].node_def:
            if is_harmful(node.op):
                yield ascii(node.op)[1:-1][:80]
            for value in node.attr.values():
                todo += [value.func.name, *(f.name for f in value.list.func)]


def is_harmful(op: str) -> bool:
    """Whether an operation may do more than compute."""
    from tensorflow.python.framework import op_def_registry

    known = op_def_registry.get(op)
    if known is None or (DENIED.fullmatch(op) and op not in STATEFUL):
        return True
    return known.is_stateful and op not in STATEFUL
