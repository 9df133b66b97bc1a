"""
CuDNNLSTM and CuDNNGRU, which Keras runs on a GPU only.

The oracle is tf-keras' LSTM and GRU, and its own converter for files: the file of a model with LSTM becomes that of one
with CuDNNLSTM, the arrays as tf-keras would convert them.
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py

from regraft.layers import CATALOGUE, Layer
from regraft.layers.cudnn import CuDNN

#: What their configs hold.
KEPT = ("name", "trainable", "dtype", "units", "return_sequences", "return_state", "go_backwards", "stateful")


def stand_in(layer: Layer) -> Layer:
    """The layer itself, or the one that computes the same on a CPU."""
    if not isinstance(layer, CuDNN):
        return layer
    common = {name: getattr(layer, name) for name in KEPT[3:]}
    return CATALOGUE[type(layer).__name__.removeprefix("CuDNN")](**common)


def rewrite(file: Path) -> None:
    """Turn every LSTM and GRU named ``c<number>`` in an .h5 file into its CuDNN twin."""
    from tf_keras.src.saving.legacy.hdf5_format import _convert_rnn_weights

    with h5py.File(file, "r+") as h5:
        model = json.loads(h5.attrs["model_config"])
        for entry in model["config"]["layers"]:
            if entry["class_name"] not in ("LSTM", "GRU"):
                continue
            name = entry["config"]["name"]
            entry["class_name"] = f"CuDNN{entry['class_name']}"
            entry["config"] = {key: value for key, value in entry["config"].items() if key in KEPT}
            group = h5["model_weights"][name]
            arrays = [group[path][()] for path in group.attrs["weight_names"]]
            twin = type(entry["class_name"], (), {"name": name})()
            converted = _convert_rnn_weights(twin, arrays)
            for path, array in zip(group.attrs["weight_names"], converted, strict=True):
                del group[path]
                group[path] = array
        h5.attrs["model_config"] = json.dumps(model)
