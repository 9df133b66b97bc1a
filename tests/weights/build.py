"""Small Keras files, built by hand after the file formats, and what tests need to look at them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

Weights = Mapping[str, np.ndarray]
Layers = Sequence[tuple[str, Weights]]


def numbers(*shape: int, start: float = 0.5, dtype: str = "float32") -> np.ndarray:
    """Different numbers in every place."""
    return (np.arange(np.prod(shape, dtype=int), dtype="float64") * 0.25 + start).reshape(shape).astype(dtype)


LAYERS: Layers = (
    ("zeta_conv", {"kernel:0": numbers(3, 2, 4, 5), "bias:0": numbers(5)}),
    ("flatten", {}),
    ("dense_10", {"kernel:0": numbers(6, 7), "bias:0": numbers(7)}),
    ("dense_2", {"kernel:0": numbers(7, 2), "bias:0": numbers(2)}),
)


def write_legacy(group: h5py.Group, layers: Layers = LAYERS, *, keras: int = 2) -> None:
    """Layer groups as Keras 1 (flat names) or Keras 2 (names with slashes) writes them."""
    group.attrs["layer_names"] = np.array([name.encode() for name, _ in layers])
    if keras > 1:
        group.attrs["backend"], group.attrs["keras_version"] = b"tensorflow", b"2.3.1"
    for layer, weights in layers:
        place = group.create_group(layer)
        names = [f"{layer}/{name}" if keras > 1 else f"{layer}_{name}" for name in weights]
        # What Keras writes for a layer without weights: an empty list, which NumPy makes float64.
        place.attrs["weight_names"] = np.array([name.encode() for name in names]) if names else np.zeros(0)
        for name, array in zip(names, weights.values(), strict=True):
            place[name] = array


def legacy(path: Path, layers: Layers = LAYERS, *, keras: int = 2) -> Path:
    """A weights-only legacy file."""
    with h5py.File(path, "w") as file:
        write_legacy(file, layers, keras=keras)
    return path


def whole_model(path: Path, config: str = '{"class_name": "Sequential"}', layers: Layers = LAYERS) -> Path:
    """A legacy file with architecture and optimizer state."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"], file.attrs["model_config"] = "2.3.1", "tensorflow", config
        write_legacy(file.create_group("model_weights"), layers)
        optimizer = file.create_group("optimizer_weights")
        optimizer.attrs["weight_names"] = np.array([b"iteration:0"])
        optimizer["iteration:0"] = np.int64(3)
    return path


SAVED: Layers = (
    ("conv2d", {"0": numbers(3, 2, 4, 5), "1": numbers(5)}),
    ("re_lu", {}),
    ("batch_normalization", {str(i): numbers(5, start=i) for i in range(4)}),
    ("conv2d_1", {"0": numbers(1, 2, 5, 3)}),
    ("dense", {"0": numbers(6, 7), "1": numbers(7)}),
)


def write_saving_lib(
    group: h5py.Group, layers: Layers = SAVED, *, container: str = "layers", names: Mapping[str, str] | None = None
) -> None:
    """Groups as keras.saving.saving_lib writes them."""
    root_vars = group.create_group("vars")
    if names is not None:
        root_vars.attrs["name"] = "little"
    for layer, weights in layers:
        place = group.create_group(f"{container}/{layer}").create_group("vars")
        if names is not None:
            place.attrs["name"] = names.get(layer, layer)
        for key, array in weights.items():
            place[key] = array


def saving_lib(path: Path, layers: Layers = SAVED, **options: object) -> Path:
    """A ``.weights.h5`` file."""
    with h5py.File(path, "w") as file:
        write_saving_lib(file, layers, **options)  # type: ignore[arg-type]
    return path


def archive(path: Path, weights: bytes, *, compression: int = zipfile.ZIP_STORED, config: str = "{}") -> Path:
    """A ``.keras`` file around the bytes of a ``.weights.h5`` file."""
    with zipfile.ZipFile(path, "w", compression) as zipped:
        zipped.writestr("metadata.json", json.dumps({"keras_version": "3.15.0", "date_saved": "2026-01-01"}))
        zipped.writestr("config.json", config)
        zipped.writestr("model.weights.h5", weights)
    return path
