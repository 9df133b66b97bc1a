"""The graph of a SavedModel, run with every tensor that depends on its inputs, inside the oracle's process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from regraft.verify.oracle_saved_model import harmless_signature, read_saved_model, signature_name


def run_graph(request: dict[str, Any]) -> dict[str, Any]:
    """
    Load a SavedModel whose operations are harmless, run its signature, and write its tensors.

    Variables become constants and called functions part of the graph; then any tensor of it can be asked for.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    model, folder = Path(request["model"]), Path(request["folder"])
    harmless_signature(model)
    name = signature_name(read_saved_model(model))
    arrays = [np.load(folder / f"input-{n}.npy", allow_pickle=False) for n in range(len(request["names"]))]
    loaded = tf.saved_model.load(str(model))  # its variables live as long as it does
    function = loaded.signatures[name]
    specs = function.structured_input_signature[1]
    given = placed(arrays, request["names"], specs)
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    places = {tensor.name.split(":")[0]: tensor for tensor in frozen.inputs}
    feeds = [(place, given[key]) for key in specs for place in [place_of(key, places)]]
    tensors = depending(frozen)
    pruned = frozen.prune([place for place, _ in feeds], tensors)
    values = pruned(*[tf.constant(array) for _, array in feeds])
    values = values if isinstance(values, list | tuple) else [values]
    files: dict[str, str] = {}
    for number, (tensor, value) in enumerate(zip(tensors, values, strict=True)):
        files[tensor.op.name] = f"tensor-{number}.npy"
        np.save(folder / files[tensor.op.name], value.numpy(), allow_pickle=False)
    outputs: dict[str, str] = {}
    for number, (key, value) in enumerate(sorted(function(**{k: tf.constant(v) for k, v in given.items()}).items())):
        outputs[key] = f"output-{number}.npy"
        np.save(folder / outputs[key], value.numpy(), allow_pickle=False)
    return {"files": files, "outputs": outputs, "oracle": f"tensorflow {tf.__version__}"}


def placed(arrays: Sequence[np.ndarray], names: Sequence[str], specs: Any) -> dict[str, np.ndarray]:
    """
    Each array under the name that the signature has for it: by that name, else by its shape.

    Raises:
        ValueError: The signature takes other inputs, or nothing tells which is which.
    """
    if len(arrays) != len(specs):
        raise ValueError(
            f"the signature takes {len(specs)} inputs ({', '.join(map(str, specs))}), the result {len(arrays)}"
        )
    found: dict[str, np.ndarray] = {}
    for key, spec in specs.items():
        fits = [n for n, array in enumerate(arrays) if spec.shape.is_compatible_with(array.shape)]
        named = [n for n in fits if names[n] == key]
        chosen = named or fits
        if len(chosen) != 1:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise ValueError(f"{len(chosen)} of the inputs {shapes} fit what the signature calls {key} {spec.shape}")
        found[key] = arrays[chosen[0]].astype(spec.dtype.as_numpy_dtype)
    return found


def place_of(key: str, places: dict[str, Any]) -> Any:
    """The placeholder of an input of the signature; TensorFlow puts nothing or a word in front of its name."""
    if key in places:
        return places[key]
    found = [place for name, place in places.items() if name.endswith(f"_{key}") or len(places) == 1]
    if len(found) != 1:
        raise ValueError(f"the graph has no placeholder for the input {key}")
    return found[0]


def depending(frozen: Any) -> list[Any]:
    """The first output of every operation that depends on an input, where it is a float32 tensor of at least two axes."""
    import tensorflow as tf

    reached = {id(tensor) for tensor in frozen.inputs}
    found: list[Any] = []
    for operation in frozen.graph.get_operations():
        if any(id(tensor) in reached for tensor in operation.inputs):
            reached |= {id(tensor) for tensor in operation.outputs}
            first = operation.outputs[0] if operation.outputs else None
            if (
                first is not None
                and first.dtype == tf.float32
                and first.shape.rank is not None
                and first.shape.rank > 1
            ):
                found.append(first)
    return found
