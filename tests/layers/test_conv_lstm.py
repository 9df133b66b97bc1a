"""ConvLSTM1D, 2D and 3D beside real Keras: strides, padding, holes, data formats, states, masks, old files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree

from regraft.layers import KerasVersion, Stored
from regraft.layout import apply

RNG = np.random.default_rng(2)
#: Inputs by rank, every axis of another size: (batch, time, *map, channels).
DATA = {rank: RNG.standard_normal((2, 4, *(7, 6, 5)[:rank], 3)) for rank in (1, 2, 3)}

CASES: tuple[dict[str, Any], ...] = (
    {"kernel_size": 3},
    {"kernel_size": 2, "padding": "same", "return_sequences": True},
    {"kernel_size": 3, "strides": 2, "padding": "same", "return_state": True},
    {"kernel_size": 2, "strides": 2, "use_bias": False, "go_backwards": True, "return_sequences": True},
    {"kernel_size": 2, "dilation_rate": 2, "activation": "softsign", "recurrent_activation": "hard_sigmoid"},
    {"kernel_size": 3, "return_sequences": True, "return_state": True, "dropout": 0.2, "recurrent_dropout": 0.1},
)


def case_model(library: Any, rank: int, cases: tuple[dict[str, Any], ...]) -> Any:
    entry = library.Input(DATA[rank].shape[1:])
    found: list[Any] = []
    for settings in cases:
        made = getattr(library.layers, f"ConvLSTM{rank}D")(5, **settings)(entry)
        found += made if isinstance(made, list | tuple) else [made]
    return library.Model(entry, found)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("library", "suffix", "rank"),
    [
        ("keras", ".keras", 1),
        ("keras", ".keras", 2),
        ("keras", ".keras", 3),
        ("keras", ".h5", 2),
        ("tf_keras", ".h5", 2),
    ],
)
def test_every_case_agrees_with_keras(library: str, suffix: str, rank: int, tmp_path: Path) -> None:
    cases = CASES if rank == 2 else CASES[1::2]
    agree(case_model(pytest.importorskip(library), rank, cases), [DATA[rank]], tmp_path, suffix=suffix)


@pytest.mark.oracle
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_a_predictor_of_frames(library: str, tmp_path: Path) -> None:
    """The usual stack: maps stay channels first from the first layer to the last."""
    library = pytest.importorskip(library)
    layers = library.layers
    model = library.Sequential(
        [
            library.Input((4, 7, 6, 3)),
            layers.ConvLSTM2D(5, 3, padding="same", return_sequences=True),
            layers.BatchNormalization(),
            layers.ConvLSTM2D(4, (1, 3), padding="same", return_sequences=True, activation="relu"),
            layers.Conv3D(2, 3, padding="same", activation="sigmoid"),
        ]
    )
    agree(model, [DATA[2]], tmp_path, suffix=".keras" if library.__name__ == "keras" else ".h5")


@pytest.mark.oracle
def test_masks_and_states(tmp_path: Path) -> None:
    import keras
    from keras import layers

    data = DATA[1].copy()
    data[0, 1], data[1, 0], data[1, 3] = 0.0, 0.0, 0.0
    entry = keras.Input(data.shape[1:])
    masked = entry
    mask = keras.Input((4,), dtype="bool", name="kept")
    _, *states = layers.ConvLSTM1D(5, 3, padding="same", return_state=True)(masked)
    outputs = [
        layers.ConvLSTM1D(5, 3, return_sequences=True)(masked, mask=mask),
        layers.ConvLSTM1D(5, 3, go_backwards=True)(masked, mask=mask),
        layers.ConvLSTM1D(5, 3, padding="same", return_sequences=True)(masked, initial_state=states),
    ]
    kept = np.array([[True, False, True, True], [False, True, True, False]])
    agree(keras.Model([entry, mask], outputs), [data, kept], tmp_path)


def test_gates_of_keras_1_stand_apart() -> None:
    """i, c, f, o with kernel, recurrent kernel and bias each; channels first the kernels are those of Theano."""
    config = {"nb_filter": 2, "nb_row": 3, "nb_col": 1, "dim_ordering": "th", "inner_activation": "hard_sigmoid"}
    made = layer("ConvLSTM2D", config, "1.2.2")
    assert made.config["recurrent_activation"] == "hard_sigmoid_keras2"
    gate = {letter: RNG.standard_normal((2, 4, 3, 1)) for letter in "icfo"}
    arrays = [a for letter in "icfo" for a in (gate[letter], RNG.standard_normal((2, 2, 3, 1)), RNG.standard_normal(2))]
    stored = Stored(tuple(a.shape for a in arrays), KerasVersion(1, 2, 2))
    assert made.stored_flags(stored) == (True,) * 12
    origin = made.stored(stored)["kernel"]
    (kernel,) = apply(origin.moves, tuple(arrays[place] for place in origin.places))
    expected = np.concatenate([gate[letter].transpose(2, 3, 1, 0) for letter in "ifco"], axis=-1)
    np.testing.assert_array_equal(kernel, expected)


def test_the_default_of_keras_2_is_the_old_hard_sigmoid() -> None:
    assert (
        layer("ConvLSTM2D", {"filters": 2, "kernel_size": 3}, "2.3.1").config["recurrent_activation"]
        == "hard_sigmoid_keras2"
    )
    assert layer("ConvLSTM2D", {"filters": 2, "kernel_size": 3}, "3.0.0").config["recurrent_activation"] == "sigmoid"
