"""
Activations that another importer's test suite recorded with the Keras of its day: an oracle older than ours.

Keras 1 and 2, TensorFlow and Theano: every recorded layer is reproduced from the weights file and its JSON.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from benchmarks.pairs import architectures
from tests.corpus.folder import CORPUS, corpus_file
from tests.twin import activations

from regraft.blueprint import Blueprint
from regraft.emit.module import Module, emit
from regraft.layers.binding import bind
from regraft.stated import read_blueprint
from regraft.weights import read

FOLDER = "dl4j-test-resources"
NAMES = [
    "examples__mnist_mlp__mnist_mlp_tf_keras_1",
    "examples__mnist_mlp__mnist_mlp_tf_keras_2",
    "examples__mnist_mlp__mnist_mlp_th_keras_1",
    "examples__mnist_mlp__mnist_mlp_th_keras_2",
    "examples__simple_flatten_lstm__simple_flatten_lstm_tf_keras_2",
    "examples__simple_flatten_rnn__simple_flatten_rnn_tf_keras_2",
    "examples__simple_lstm__simple_lstm_tf_keras_1",
    "examples__simple_lstm__simple_lstm_th_keras_1",
    "examples__simple_rnn__simple_rnn_tf_keras_2",
]


def module_of(weights: Path) -> tuple[Module, Blueprint]:
    """The emitted module of a weights file with the JSON that lies beside it, and its blueprint."""
    (architecture, *_) = architectures(weights, CORPUS)
    tree = read(weights)
    blueprint = read_blueprint(tree, architecture, None)
    return emit(blueprint, bind(blueprint, tree), "a test"), blueprint


def recorded(golden: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The inputs, and every recorded tensor by layer name; ``outputs`` holds the labels, not what the model said."""
    with h5py.File(golden) as file:
        (inputs,) = [item[()] for item in file["inputs"].values()]
        found = {
            name: item[()]
            for part in ("activations", "predictions")
            if part in file
            for name, item in file[part].items()
        }
    return inputs, found


@pytest.mark.corpus
@pytest.mark.parametrize("name", NAMES)
def test_recorded_activations_are_reproduced(name: str) -> None:
    weights = corpus_file(f"{FOLDER}/{name}_weights.h5")
    inputs, expected = recorded(corpus_file(f"{FOLDER}/{name}_inputs_and_outputs.h5"))

    found = activations(*module_of(weights), [inputs], "float32")

    missing = [layer for layer in expected if layer not in found]
    assert not missing, f"recorded but not seen: {missing}; seen: {sorted(found)}"
    for layer, array in expected.items():
        error = np.abs(found[layer] - array).max() / max(np.abs(array).max(), 1e-30)
        assert error <= 2e-6, f"{layer}: relative error {error:.1e}"
