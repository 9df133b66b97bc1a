"""TimeDistributed beside real Keras: around layers, around models, with masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.recurrent_cases import naive_error, read, sequences
from tests.twin import agree

from regraft.layers import AxisOrder, KerasVersion, Stored
from regraft.layers.form import Arrival
from regraft.layers.time_distributed import bracketed, order_of_sequence, order_of_step


def video(seed: int = 0) -> np.ndarray:
    """(batch 3, time 4, height 6, width 5, channels 2)."""
    return np.random.default_rng(seed).standard_normal((3, 4, 6, 5, 2)).astype("float32")


@pytest.mark.oracle
@pytest.mark.parametrize("time", [4, None])
def test_layers_and_models_on_every_frame(time: int | None, tmp_path: Path) -> None:
    import keras
    from keras import layers

    entry = keras.Input((time, 6, 5, 2))

    def each(layer: Any, x: Any) -> Any:
        return layers.TimeDistributed(layer)(x)

    x = each(layers.Conv2D(3, 3, activation="relu"), entry)
    x = each(layers.BatchNormalization(), x)
    x = each(layers.MaxPooling2D(2), x)
    flat = each(layers.Flatten(), x)
    sequence = layers.LSTM(7, return_sequences=True)(flat)
    frame = keras.Sequential(
        [keras.Input((6, 5, 2)), layers.Conv2D(2, 2), layers.Flatten(), layers.Dense(3)], name="frame"
    )
    start, rows = keras.Input((6, 5, 2)), keras.Input((6, 10))
    twice = layers.Conv2D(4, 2, strides=2)(start)
    outputs = [
        each(layers.Dense(3, activation="softmax"), sequence),
        each(layers.Activation("tanh"), sequence),
        each(frame, entry),
        each(keras.Model(start, layers.GlobalAveragePooling2D()(layers.Add()([twice, twice])), name="sum"), entry),
        each(
            keras.Model(rows, layers.Bidirectional(layers.GRU(3))(rows), name="rows"),
            each(layers.Reshape((6, 10)), entry),
        ),
        each(layers.LSTM(5, return_sequences=True), each(layers.Reshape((6, 10)), entry)),
        each(layers.LayerNormalization(axis=1), flat) if time is None else each(layers.Dense(2, use_bias=False), entry),
    ]
    module = agree(keras.Model(entry, outputs), [video()], tmp_path)
    assert "class Frame(nn.Module)" in module.source


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_2(suffix: str, tmp_path: Path) -> None:
    import tf_keras
    from tf_keras import layers

    entry = tf_keras.Input((4, 6, 5, 2))
    x = layers.TimeDistributed(layers.Conv2D(3, 3))(entry)
    x = layers.TimeDistributed(layers.BatchNormalization())(x)
    x = layers.TimeDistributed(layers.Flatten())(x)
    frame = tf_keras.Sequential(
        [tf_keras.Input((6, 5, 2)), layers.BatchNormalization(), layers.Conv2D(2, 2), layers.Flatten()]
    )
    outputs = [layers.TimeDistributed(layers.Dense(3))(x), layers.TimeDistributed(frame)(entry)]
    agree(tf_keras.Model(entry, outputs), [video()], tmp_path, suffix=suffix)


@pytest.mark.oracle
def test_masks_pass(tmp_path: Path) -> None:
    import keras
    from keras import layers

    stack = [layers.Masking(), layers.TimeDistributed(layers.Dense(5, activation="relu")), layers.GRU(4)]
    data = sequences(masked=True)
    module = agree(keras.Sequential([keras.Input((7, 3)), *stack]), [data], tmp_path)
    assert naive_error(module, [data], (".any(dim=-1)", ".any(dim=-1) | True")) > 0.1


@pytest.mark.oracle
def test_keras_2_asks_the_wrapped_layer_for_its_mask(tmp_path: Path) -> None:
    """Words in sentences: a sentence without words is masked for the layer behind."""
    import tf_keras
    from tf_keras import layers

    words = np.random.default_rng(0).integers(0, 11, (3, 4, 6))
    words[0, 2:], words[1, 0], words[2, 1, 3:] = 0, 0, 0
    stack = [layers.Embedding(11, 5, mask_zero=True), layers.TimeDistributed(layers.LSTM(3)), layers.GRU(2)]
    model = tf_keras.Sequential([tf_keras.Input((4, 6)), *stack])
    module = agree(model, [words.astype("float32")], tmp_path, suffix=".h5")
    assert naive_error(module, [words], (".any(dim=-1)", ".any(dim=-1) | True")) > 0.1


def test_the_variables_are_those_of_the_wrapped_layer() -> None:
    inner = {"class_name": "GRU", "config": {"output_dim": 4}}
    layer, alone = read("TimeDistributed", "1.2.2", layer=inner), read("GRU", "1.2.2", output_dim=4)
    stored = Stored(((3, 4), (4, 4), (4,)) * 3, KerasVersion(1, 2, 2))
    assert layer.stored(stored) == alone.stored(stored)
    assert layer.stored_flags(stored) == alone.stored_flags(stored)
    assert [w.path for w in layer.variables()] == [("layer", "cell")] * 3
    assert layer.shape(((None, 5, 7, 3),)) == (None, 5, 4)


def test_keras_1_had_a_class_of_its_own_for_dense() -> None:
    assert read("TimeDistributedDense", "1.0.0", output_dim=4) == read("Dense", "3.0.0", units=4)


def test_axis_orders() -> None:
    frames = AxisOrder((0, 1, 4, 2, 3))
    assert order_of_step(frames) == AxisOrder.channels_first(4)
    assert order_of_sequence(AxisOrder.channels_first(4)) == frames
    assert order_of_step(AxisOrder.channels_first(5)) == AxisOrder.keras(4)
    layer = read("TimeDistributed", layer={"class_name": "Conv2D", "config": {"filters": 4, "kernel_size": [3, 3]}})
    arranged = layer.arrange(Arrival(((None, 4, 6, 5, 2),), (AxisOrder.keras(5),)))
    assert arranged.inputs == arranged.outputs == (frames,)


@pytest.mark.parametrize(
    ("text", "expected"), [("%0.mean()", "%0.mean()"), ("%0 + 1", "(%0 + 1)"), ("-%0[:, 1]", "(-%0[:, 1])")]
)
def test_brackets_where_a_method_follows(text: str, expected: str) -> None:
    assert bracketed(text) == expected


@pytest.mark.oracle
def test_groups_of_a_convolution_at_every_step(tmp_path: Path) -> None:
    """The kernel holds the channels of one group; all of them reach the layer."""
    import keras
    from keras import layers

    entry = keras.Input((2, 5, 6, 4))
    model = keras.Model(entry, layers.TimeDistributed(layers.Conv2D(6, (2, 3), groups=2))(entry))
    data = np.random.default_rng(0).standard_normal((3, 2, 5, 6, 4)).astype("float32")
    module = agree(model, [data], tmp_path)
    assert "nn.Conv2d(4, 6, (2, 3), groups=2)" in module.source


@pytest.mark.oracle
@pytest.mark.parametrize("inner", ["Dense", "Activation", "RepeatVector", "Reshape"])
def test_a_mask_that_the_file_names_is_no_input_of_the_wrapped_layer(inner: str, tmp_path: Path) -> None:
    import keras
    from keras import layers

    made = {
        "Dense": layers.Dense(5),
        "Activation": layers.Activation("tanh"),
        "RepeatVector": layers.RepeatVector(2),
        "Reshape": layers.Reshape((3, 1)),
    }[inner]
    entry = keras.Input((7, 3))
    agree(keras.Model(entry, layers.TimeDistributed(made)(layers.Masking()(entry))), [sequences(masked=True)], tmp_path)
