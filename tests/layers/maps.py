"""What the tests of convolutions, pools and their kin share: old files made by hand, Keras models of many layers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Entry = tuple[str, dict[str, Any], Mapping[str, np.ndarray]]


def old_file(
    path: Path, input_shape: Sequence[int], entries: Sequence[Entry], *, version: str, backend: str = ""
) -> Path:
    """A whole-model file as Keras 1 and 2 wrote it: a Sequential model of (class, config, arrays by name)."""
    layers: list[dict[str, Any]] = []
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [entry[1]["name"].encode() for entry in entries]
        if backend:
            weights.attrs["backend"] = backend
        if not version.startswith("1"):
            weights.attrs["keras_version"] = version
        for i, (class_name, config, arrays) in enumerate(entries):
            group = weights.create_group(config["name"])
            group.attrs["weight_names"] = [name.encode() for name in arrays] if arrays else np.zeros(0)
            for name, array in arrays.items():
                group.create_dataset(name, data=array.astype("float32"))
            first = {"batch_input_shape": [None, *input_shape]} if i == 0 else {}
            layers.append({"class_name": class_name, "config": {**config, **first}})
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": layers})
    return path


def branches(library: Any, shape: Sequence[int | None], layers: Sequence[Any], dtype: str | None = None) -> Any:
    """A model with one input and one output for each layer."""
    inputs = library.Input(tuple(shape), **({"dtype": dtype} if dtype else {}))
    return library.Model(inputs, [layer(inputs) for layer in layers])


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def lines_of(source: str, name: str) -> list[str]:
    """The lines of an emitted module that mention a layer, without their comments."""
    return [line.split("  #")[0].strip() for line in source.splitlines() if name in line and "return" not in line]
