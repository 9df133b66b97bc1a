"""CuDNNLSTM and CuDNNGRU: their arrays, as tf_keras itself converts them for LSTM and GRU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.layers.recurrent_cases import read, sequences
from tests.twin import converted, relative_error, run

from regraft.layers import KerasVersion
from regraft.layers.cudnn import CuDNNGRU, CuDNNLSTM


def arrays(gates: int, units: int = 4) -> list[np.ndarray]:
    """What such a layer stores: kernel, recurrent kernel, and both biases in one."""
    rng = np.random.default_rng(0)
    shapes = ((3, gates * units), (units, gates * units), (2 * gates * units,))
    return [rng.standard_normal(shape).astype("float32") for shape in shapes]


def write(file: Path, layer: dict[str, Any], weights: list[np.ndarray]) -> None:
    """A file as Keras 2.2 wrote it."""
    layer["config"] |= {"name": "rnn", "batch_input_shape": [None, 7, 3]}
    names = [f"rnn/array_{i}:0" for i in range(len(weights))]
    with h5py.File(file, "w") as h5:
        h5.attrs.update({"keras_version": b"2.2.4", "backend": b"tensorflow"})
        h5.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [layer]}).encode()
        group = h5.create_group("model_weights")
        group.attrs.update({"layer_names": [b"rnn"], "keras_version": b"2.2.4", "backend": b"tensorflow"})
        own = group.create_group("rnn")
        own.attrs["weight_names"] = [name.encode() for name in names]
        for name, array in zip(names, weights, strict=True):
            own[name] = array


@pytest.mark.oracle
@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3)])
@pytest.mark.parametrize("both", [False, True])
def test_the_arrays_mean_what_tf_keras_makes_of_them(kind: str, gates: int, both: bool, tmp_path: Path) -> None:
    import tf_keras
    from tf_keras.src.saving.legacy.hdf5_format import preprocess_weights_for_loading

    layer: dict[str, Any] = {"class_name": f"CuDNN{kind}", "config": {"units": 4, "return_sequences": True}}
    made = getattr(tf_keras.layers, kind)(4, return_sequences=True, dtype="float64")
    weights = arrays(gates)
    if both:
        layer = {"class_name": "Bidirectional", "config": {"layer": layer, "merge_mode": "concat"}}
        made = tf_keras.layers.Bidirectional(made, dtype="float64")
        weights += [array + 0.5 for array in weights]
    write(tmp_path / "model.h5", layer, weights)
    model = tf_keras.Sequential([tf_keras.Input((7, 3), dtype="float64"), made])
    model.set_weights(preprocess_weights_for_loading(made, weights, "2.2.4", "tensorflow"))
    x = sequences(masked=False).astype("float64")
    module = converted(tmp_path / "model.h5")
    (found,) = run(module, [x])
    # The converter adds the biases of an LSTM in float32.
    assert relative_error(found, np.asarray(model(x))) < 1e-6
    assert f"= nn.{kind}(3, 4, batch_first=True{', bidirectional=True' if both else ''})" in module.source


def test_settings() -> None:
    lstm = read("CuDNNLSTM", "2.2.4", units=4, return_state=True)
    gru = read("CuDNNGRU", "2.2.4", units=4)
    assert isinstance(lstm, CuDNNLSTM)
    assert isinstance(gru, CuDNNGRU)
    assert (lstm.recurrent_activation, gru.recurrent_activation, gru.reset_after) == ("sigmoid", "sigmoid", True)
    assert lstm.axis_sizes()["bias_gates"] == 32
    assert "activation" not in lstm.to_keras(KerasVersion(2, 15))
    assert lstm.caveats(KerasVersion(3))
    assert not lstm.caveats(KerasVersion(2, 15))
