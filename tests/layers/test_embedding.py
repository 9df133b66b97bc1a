"""Embedding beside real Keras: its mask is no padding_idx, and ids may be floats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.recurrent_cases import naive_error, read
from tests.twin import agree

from regraft.layers import AxisOrder, KerasVersion, Site


def ids(kind: str) -> np.ndarray:
    """(batch 4, time 7) of 11 words; 0 pads. As floats with a fraction that Keras cuts off."""
    words = np.random.default_rng(0).integers(0, 11, (4, 7))
    words[0, 3:], words[1, :2], words[2] = 0, 0, 0
    return words.astype("int32") if kind == "int32" else (words + 0.75).astype("float32")


@pytest.mark.oracle
@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_ids_of_any_dtype(dtype: str, tmp_path: Path) -> None:
    import keras

    entry = keras.Input((7,), dtype=dtype)
    x = keras.layers.Embedding(11, 5, mask_zero=True)(entry)
    outputs = [x, keras.layers.LSTM(3)(x), keras.layers.Embedding(13, 2)(entry)]
    module = agree(keras.Model(entry, outputs), [ids(dtype)], tmp_path)
    assert "nn.Embedding(11, 5)" in module.source


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_the_mask_goes_through_a_sequential_model(suffix: str, tmp_path: Path) -> None:
    import keras
    from keras import layers

    stack = [layers.Embedding(11, 5, mask_zero=True), layers.Activation("tanh"), layers.GRU(4, return_sequences=True)]
    model = keras.Sequential([keras.Input((7,)), *stack, layers.Dense(6), layers.SimpleRNN(3)])
    module = agree(model, [ids("int32")], tmp_path, suffix=suffix)
    assert module.source.count("mask = x != 0") == 1
    assert naive_error(module, [ids("int32")], ("mask = x != 0", "mask = x >= 0")) > 0.1
    assert naive_error(module, [ids("int32")], ("nn.Embedding(11, 5)", "nn.Embedding(11, 5, padding_idx=0)")) == 0
    assert naive_error(module, [ids("int32")], ("(x.long())", "(x.long()) * (x != 0)[..., None]")) == 0


@pytest.mark.oracle
def test_row_zero_is_an_ordinary_row(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((7,)), keras.layers.Embedding(11, 5, mask_zero=True)])
    module = agree(model, [ids("int32")], tmp_path)
    assert naive_error(module, [ids("int32")], ("(x.long())", "(x.long()) * (x != 0)[..., None]")) > 0.1
    assert "padding_idx" not in module.source
    assert "mask" not in module.source.split("class Model")[1]


READ: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    (
        "1.2.2",
        {"input_dim": 11, "output_dim": 5, "input_length": 7, "dropout": 0.2, "mask_zero": True},
        {"mask_zero": True},
    ),
    ("2.2.4", {"input_dim": 11, "output_dim": 5}, {"mask_zero": False, "input_dim": 11, "output_dim": 5}),
    ("3.1.0", {"input_dim": 11.0, "output_dim": 5}, {"input_dim": 11}),
)


@pytest.mark.parametrize(("version", "config", "expected"), READ)
def test_settings_of_every_version(version: str, config: dict[str, Any], expected: dict[str, Any]) -> None:
    layer = read("Embedding", version, **config)
    assert {name: getattr(layer, name) for name in expected} == expected
    assert layer.axis_sizes() == {"vocabulary": 11, "embed": 5}
    assert ("input_length" in layer.to_keras(KerasVersion(2, 11))) == ("input_length" in config)
    assert "input_length" not in layer.to_keras(KerasVersion(3))


def test_shape_and_form() -> None:
    layer = read("Embedding", input_dim=11, output_dim=5, mask_zero=True)
    assert layer.shape(((None, 7, 2),)) == (None, 7, 2, 5)
    assert layer.shape((None,)) is None
    stored = {"embeddings": (11, 5)}
    site = Site("e", ((None, 7),), ((None, 7, 5),), (AxisOrder.keras(2),), (AxisOrder.keras(3),), (False,), stored)
    assert layer.torch(site).mask == "%0 != 0"
