"""Masking beside real Keras, and the operations that Keras 3 lists for a mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.layers.recurrent_cases import naive_error, read, sequences
from tests.twin import agree

from regraft.errors import UnknownLayerError
from regraft.layers import KerasVersion


@pytest.mark.oracle
@pytest.mark.parametrize("value", [0.0, -1.5])
def test_masked_steps_become_zero_and_are_skipped(value: float, tmp_path: Path) -> None:
    import keras

    entry = keras.Input((7, 3))
    x = keras.layers.Masking(value)(entry)
    data = sequences(masked=True)
    data = np.where(data == 0, np.float32(value), data)
    data[3, 2, 0] = value  # one feature alone masks nothing
    module = agree(keras.Model(entry, [x, keras.layers.GRU(4)(x)]), [data], tmp_path)
    assert naive_error(module, [data], (".any(dim=-1)", ".all(dim=-1)")) > 0.1


@pytest.mark.oracle
def test_the_mask_of_a_sum(tmp_path: Path) -> None:
    import keras

    data = sequences(masked=True)
    first, second = keras.Input((7, 3), name="first"), keras.Input((7, 3), name="second")
    both = keras.layers.Add()([keras.layers.Masking()(first), keras.layers.Masking()(second)])
    model = keras.Model([first, second], keras.layers.LSTM(4)(both))
    module = agree(model, [data, np.roll(data, 1, axis=0)], tmp_path)
    assert " | x  # (batch, 7)" in module.source


@pytest.mark.oracle
def test_keras_2(tmp_path: Path) -> None:
    import tf_keras
    from tf_keras import layers

    stack = [layers.Masking(), layers.Dense(5, activation="relu"), layers.SimpleRNN(4, return_sequences=True)]
    agree(tf_keras.Sequential([tf_keras.Input((7, 3)), *stack]), [sequences(masked=True)], tmp_path, suffix=".h5")


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask:UserWarning")
def test_pixels_can_be_masked_in_any_axis_order(tmp_path: Path) -> None:
    import keras

    grid = np.random.default_rng(0).choice([0.0, 0.0, 1.0], (2, 4, 5, 3)).astype("float32")
    image = keras.Input((4, 5, 3))
    held = keras.layers.Conv2D(6, 2)(keras.layers.Masking(1.0)(image))
    module = agree(keras.Model(image, held), [grid], tmp_path)
    assert ".any(dim=1)" in module.source


def test_settings() -> None:
    assert read("Masking", "1.2.2", mask_value=3).to_keras(KerasVersion(3)) == {"mask_value": 3.0}
    assert read("Masking", "1.2.2").to_keras(KerasVersion(3)) == {"mask_value": 0.0}
    with pytest.raises(UnknownLayerError, match="not a number"):
        read("Masking", mask_value={"class_name": "__tensor__", "config": {}})


@pytest.mark.parametrize(
    ("config", "expected"),
    [({"axis": -1}, (None, 4)), ({"axis": 1, "keepdims": True}, (None, 1, 3)), ({"axis": 1}, (None, 3))],
)
def test_shape_of_any(config: dict[str, object], expected: tuple[int | None, ...]) -> None:
    assert read("AnyOperation", **config).shape(((None, 4, 3),)) == expected


def test_any_over_everything() -> None:
    assert read("AnyOperation", axis=None).shape(((None, 4, 3),)) == ()
    with pytest.raises(UnknownLayerError, match="whole number"):
        read("AnyOperation", axis="last")
