"""How each dialect, and each source of the layer order, is called in front of a person."""

from __future__ import annotations

DIALECTS = {
    "keras-0": "the layout of Keras 0 (2015)",
    "keras-1": "the layout of Keras 1",
    "keras-2": "the .h5 layout of Keras 2 and tf.keras, which Keras 3 still writes",
    "checkpoint-h5": "the .weights.h5 layout of Keras 2.12 to 2.14",
    "keras-3": "the .weights.h5 layout of Keras 2.15 and later",
    "arrays": "a list of arrays without names of layers (NumPy)",
}

ORDERS = {
    "layer_names": "listed in the file (layer_names)",
    "nb_layers": "numbered in the file (nb_layers)",
    "heap": "as it was written, which the file still shows (HDF5 local heap)",
    "weight_map": "as it was written to the shards (weight_map)",
    "alphabetical": "unknown: the layers are listed by name",
    "npz": "only that of the arrays: by number, else as they lie in the archive",
}


def written_by(keras_version: str, backend: str) -> str:
    """Who wrote a file, as far as it says so; empty if it does not."""
    if not keras_version:
        return f"Keras on {backend}" if backend else ""
    return f"Keras {keras_version} on {backend}" if backend else f"Keras {keras_version}"
