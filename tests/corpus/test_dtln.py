"""DTLN: the same weights as a Keras file and as somebody else's PyTorch file; our moves give theirs, number for number."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tests.corpus.folder import corpus_file

from regraft import keras_config
from regraft.emit.module import emit
from regraft.layers.binding import bind
from regraft.weights import read

#: Our parameters and those of the published twin.
TWIN = {
    "lstm": "sep1.rnn1",
    "lstm_1": "sep1.rnn2",
    "dense": "sep1.dense",
    "conv1d": "encoder_conv1",
    "layer_normalization": "encoder_norm1",
    "lstm_2": "sep2.rnn1",
    "lstm_3": "sep2.rnn2",
    "dense_1": "sep2.dense",
    "conv1d_1": "decoder_conv1",
}


def architecture() -> str:
    """The layers of DTLN as Keras JSON; its signal processing is Lambda layers, which stay placeholders."""
    layers: list[dict[str, Any]] = []

    def add(kind: str, name: str, *inputs: str, **config: Any) -> str:
        nodes = [[[source, 0, 0, {}] for source in inputs]] if inputs else []
        layers.append({"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes})
        return name

    x = add("InputLayer", "input_1", batch_input_shape=[None, None], dtype="float32")
    spectrum = add("Lambda", "lambda", x, function=["", None, None])
    x = add("LSTM", "lstm", spectrum, units=128, return_sequences=True)
    x = add("LSTM", "lstm_1", add("Dropout", "dropout", x, rate=0.25), units=128, return_sequences=True)
    x = add("Activation", "activation", add("Dense", "dense", x, units=257), activation="sigmoid")
    x = add("Lambda", "lambda_1", x, function=["", None, None])
    encoded = add("Conv1D", "conv1d", x, filters=256, kernel_size=[1], use_bias=False)
    x = add("LayerNormalization", "layer_normalization", encoded, axis=[2], epsilon=1e-7)
    x = add("LSTM", "lstm_2", x, units=128, return_sequences=True)
    x = add("LSTM", "lstm_3", add("Dropout", "dropout_1", x, rate=0.25), units=128, return_sequences=True)
    x = add("Activation", "activation_1", add("Dense", "dense_1", x, units=256), activation="sigmoid")
    x = add("Conv1D", "conv1d_1", add("Multiply", "multiply", encoded, x), filters=512, kernel_size=[1], use_bias=False)
    add("Lambda", "lambda_2", x, function=["", None, None])
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [["lambda_2", 0, 0]]}
    return json.dumps({"class_name": "Model", "config": {"name": "dtln", "layers": layers, **ends}})


@pytest.mark.corpus
def test_every_tensor_is_that_of_the_published_twin() -> None:
    import torch

    twin = torch.load(corpus_file("lhwcv-DTLN_pytorch/model.pth"), weights_only=True, map_location="cpu")
    tree = read(corpus_file("breizhn-DTLN/model.h5"))
    blueprint = keras_config.parse(architecture(), keras_version=tree.keras_version)
    module = emit(blueprint, bind(blueprint, tree), "a test")
    ours = {name: array for t in module.transfers for name, array in zip(t.parameters, t.read(), strict=True)}

    compared: set[str] = set()
    for name, value in ours.items():
        array = value
        layer, _, parameter = name.rpartition(".")
        theirs = {"weight": "gamma", "bias": "beta"}.get(parameter, parameter) if "norm" in layer else parameter
        key = f"{TWIN[layer]}.{theirs}"
        compared.add(key)
        if parameter.startswith("bias_"):  # the twin puts the whole bias on the hidden side, we on the input side
            array = ours[f"{layer}.bias_ih_l0"] + ours[f"{layer}.bias_hh_l0"]
            expected = twin[f"{TWIN[layer]}.bias_ih_l0"] + twin[f"{TWIN[layer]}.bias_hh_l0"]
        else:
            expected = twin[key].reshape(array.shape)
        np.testing.assert_array_equal(array, expected.numpy(), err_msg=name)

    assert compared == set(twin)
    assert len(list(tree.variables())) == 20
