"""
What Keras computes in another way in another version, one row an item: which file means what.

The facts are those of the release tags of Keras; where a library that still runs has both sides (tf-keras, Keras 3), the
tests of the layers ask it. Here stands what the version in the file decides.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from regraft import keras_config
from regraft.blueprint import LayerSpec
from regraft.layers import KerasVersion, Layer, Site, Stored, build
from regraft.layers.order import AxisOrder
from regraft.layout import apply

SHAPES: dict[str, list[int | None]] = {
    "LSTM": [None, 5, 3], "GRU": [None, 5, 3], "ConvLSTM2D": [None, 5, 8, 7, 3], "Bidirectional": [None, 5, 3],
}  # fmt: skip
KERAS_1 = {"dim_ordering": "tf"}


def read(kind: str, config: dict[str, Any], version: str) -> tuple[LayerSpec, tuple[str, ...]]:
    """One layer as a file of that version says it, and the notes."""
    shape = SHAPES.get(kind, [None, 8, 7, 3])
    layer = {"class_name": kind, "config": {"name": "x", "batch_input_shape": shape, **config}}
    blueprint = keras_config.parse(json.dumps({"class_name": "Sequential", "config": [layer]}), keras_version=version)
    return blueprint.by_name["x"], blueprint.notes


#: item, layer, config, setting, and the value by version.
SETTINGS: list[tuple[str, str, dict[str, Any], str, dict[str, object]]] = [
    ("BatchNormalization epsilon", "BatchNormalization", {}, "epsilon",
     {"1.0.7": 1e-6, "1.0.8": 1e-5, "1.1.2": 1e-5, "1.2.0": 1e-3, "2.2.4": 1e-3, "2.15.0": 1e-3, "3.15.0": 1e-3}),
    ("BatchNormalization momentum", "BatchNormalization", {}, "momentum",
     {"1.0.6": 0.9, "1.1.0": 0.99, "2.2.4": 0.99, "3.15.0": 0.99}),
    ("running_std is a deviation", "BatchNormalization", {}, "deviation",
     {"1.0.5": True, "1.0.6": False, "1.2.2": False, "2.3.1": False, "3.15.0": False}),
    ("BatchNormalization mode", "BatchNormalization", {"mode": 1}, "mode", {"1.0.6": 1, "1.2.2": 1}),
    ("hard_sigmoid", "Activation", {"activation": "hard_sigmoid"}, "activation",
     {"1.2.2": "hard_sigmoid_keras2", "2.3.1": "hard_sigmoid_keras2", "2.15.0": "hard_sigmoid_keras2",
      "3.0.0": "hard_sigmoid"}),
    ("LSTM recurrent_activation", "LSTM", {"units": 2}, "recurrent_activation",
     {"1.2.2": "hard_sigmoid_keras2", "2.2.4": "hard_sigmoid_keras2", "2.3.1": "sigmoid", "2.15.0": "sigmoid",
      "3.15.0": "sigmoid"}),
    ("LSTM inner_activation", "LSTM", {"output_dim": 2, "inner_activation": "sigmoid"}, "recurrent_activation",
     {"1.2.2": "sigmoid"}),
    ("GRU recurrent_activation", "GRU", {"units": 2}, "recurrent_activation",
     {"1.2.2": "hard_sigmoid_keras2", "2.2.4": "hard_sigmoid_keras2", "2.3.1": "sigmoid", "3.15.0": "sigmoid"}),
    ("ConvLSTM recurrent_activation", "ConvLSTM2D", {"filters": 2, "kernel_size": [3, 2], "data_format": "channels_last"},
     "recurrent_activation",
     {"2.2.4": "hard_sigmoid_keras2", "2.3.1": "hard_sigmoid_keras2", "2.15.0": "hard_sigmoid_keras2",
      "3.15.0": "sigmoid"}),
    ("GRU reset_after", "GRU", {"units": 2}, "reset_after",
     {"1.2.2": False, "2.2.4": False, "2.3.1": False, "2.4.0": True, "2.15.0": True, "3.15.0": True}),
    ("bilinear upsampling between corners", "UpSampling2D",
     {"size": [2, 2], "interpolation": "bilinear", "data_format": "channels_last"}, "corners",
     {"2.2.4": True, "2.3.1": True, "2.1.6-tf": True, "2.4.0": False, "2.15.0": False, "3.15.0": False}),
    ("LeakyReLU slope", "LeakyReLU", {}, "negative_slope", {"1.2.2": 0.3, "2.3.1": 0.3, "2.15.0": 0.3, "3.15.0": 0.3}),
    ("LeakyReLU alpha", "LeakyReLU", {"alpha": 0.1}, "negative_slope", {"1.2.2": 0.1, "2.15.0": 0.1}),
    ("masked steps of a Bidirectional are zero", "Bidirectional",
     {"layer": {"class_name": "LSTM", "config": {"name": "l", "units": 2}}, "merge_mode": "concat"},
     "zero_masked_sequences", {"1.2.2": False, "2.3.1": False, "2.4.0": True, "3.15.0": True}),
]  # fmt: skip
ROWS = [
    pytest.param(kind, config, setting, version, value, id=f"{item}-{version}")
    for item, kind, config, setting, values in SETTINGS
    for version, value in values.items()
]


@pytest.mark.parametrize(("kind", "config", "setting", "version", "value"), ROWS)
def test_setting(kind: str, config: dict[str, Any], setting: str, version: str, value: object) -> None:
    given = {**config, **(KERAS_1 if version.startswith("1") and kind.endswith("2D") else {})}
    spec, _ = read(kind, given, version)

    assert not spec.unknown, spec.unknown
    assert spec.config[setting] == value


@pytest.mark.parametrize(
    ("kind", "config", "version", "note"),
    [
        ("LSTM", {"units": 2}, "2.2.4",
         "LSTM: recurrent_activation is not stated and has the default of Keras 2.2.4, 'hard_sigmoid_keras2' (layer 'x')"),
        ("GRU", {"units": 2, "recurrent_activation": "sigmoid"}, "2.3.1",
         "GRU: reset_after is not stated and has the default of Keras 2.3.1, False (layer 'x')"),
        ("BatchNormalization", {}, "1.1.2",
         "BatchNormalization: epsilon is not stated and has the default of Keras 1.1.2, 1e-05 (layer 'x')"),
    ],
)  # fmt: skip
def test_an_old_default_is_reported(kind: str, config: dict[str, Any], version: str, note: str) -> None:
    assert note in read(kind, config, version)[1]


@pytest.mark.parametrize("version", ["2.4.0", "3.15.0"])
def test_a_default_of_today_is_not(version: str) -> None:
    assert read("GRU", {"units": 2}, version)[1] == ()


def test_formulas_of_the_first_keras_are_refused_not_guessed() -> None:
    spec, _ = read("BatchNormalization", {"mode": 1}, "1.0.5")
    assert spec.unknown == "BatchNormalization mode 1 of Keras 1.0.5"


# ---- arrays


def variables(layer: Layer, arrays: list[np.ndarray], version: KerasVersion, *, theano: bool) -> dict[str, np.ndarray]:
    """The variables of today, made of what the file holds."""
    stored = layer.stored(Stored(tuple(a.shape for a in arrays), version, theano))
    return {
        name: apply(origin.moves, tuple(arrays[place] for place in origin.places))[0] for name, origin in stored.items()
    }


def numbered(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


def test_lstm_of_keras_1_has_its_gates_apart() -> None:
    """Twelve arrays: gates i, c, f, o, each with W, U and b; today three, with the gates i, f, c, o."""
    spec, _ = read("LSTM", {"output_dim": 2}, "1.2.2")
    arrays = numbered(*[(3, 2), (2, 2), (2,)] * 4)
    found = variables(build(spec), arrays, KerasVersion(1, 2, 2), theano=False)
    for name, first in (("kernel", 0), ("recurrent_kernel", 1), ("bias", 2)):
        np.testing.assert_array_equal(found[name], np.concatenate([arrays[first + g] for g in (0, 6, 3, 9)], -1))


def test_gru_of_keras_1_has_its_gates_apart() -> None:
    """Nine arrays: gates z, r, h, as today."""
    spec, _ = read("GRU", {"output_dim": 2}, "1.2.2")
    arrays = numbered(*[(3, 2), (2, 2), (2,)] * 3)
    found = variables(build(spec), arrays, KerasVersion(1, 2, 2), theano=False)
    np.testing.assert_array_equal(found["recurrent_kernel"], np.concatenate([arrays[g] for g in (1, 4, 7)], -1))


CONV = {"nb_filter": 4, "nb_row": 3, "nb_col": 2}
KERNELS: list[tuple[str, str, str, tuple[int, ...], bool, str]] = [
    ("TensorFlow, channels last", "1.2.2", "tf", (3, 2, 3, 4), False, "h w i o -> h w i o"),
    ("channels first", "1.2.2", "th", (4, 3, 3, 2), False, "o i h w -> h w i o"),
    ("channels first, by Theano", "1.2.2", "th", (4, 3, 3, 2), True, "o i h w -> h w i o, turned"),
    ("channels last, by Theano", "1.2.2", "tf", (3, 2, 3, 4), True, "h w i o -> h w i o, turned"),
]


@pytest.mark.parametrize(("ordering", "shape", "theano", "move"), [pytest.param(*k[2:], id=k[0]) for k in KERNELS])
def test_kernels_of_keras_1(ordering: str, shape: tuple[int, ...], theano: bool, move: str) -> None:
    config = {
        **CONV,
        "dim_ordering": ordering,
        "batch_input_shape": [None, 8, 7, 3] if ordering == "tf" else [None, 3, 8, 7],
    }
    spec, _ = read("Convolution2D", config, "1.2.2")
    kernel, bias = numbered(shape, (4,))
    found = variables(build(spec), [kernel, bias], KerasVersion(1, 2, 2), theano=theano)["kernel"]
    expected = kernel.transpose(2, 3, 1, 0) if move.startswith("o") else kernel
    np.testing.assert_array_equal(found, expected[::-1, ::-1] if "turned" in move else expected)


def test_transposed_kernel_of_keras_1() -> None:
    """(rows, columns, in, out) in Keras 1 and TensorFlow's order, (rows, columns, out, in) from Keras 2 on."""
    config = {**CONV, "output_shape": [None, 10, 8, 4], "dim_ordering": "tf"}
    spec, _ = read("Deconvolution2D", config, "1.2.2")
    kernel, bias = numbered((3, 2, 3, 4), (4,))
    found = variables(build(spec), [kernel, bias], KerasVersion(1, 2, 2), theano=False)["kernel"]
    np.testing.assert_array_equal(found, kernel.transpose(0, 1, 3, 2))


def test_running_std_of_the_first_keras_is_taken_as_one() -> None:
    """Up to 1.0.5: y = (x - mean) / (std + epsilon), so the variance is (std + epsilon)^2 - epsilon; later a variance."""
    order = AxisOrder.channels_first(4)
    shapes = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (3,))
    for version, stock in (("1.0.5", False), ("1.2.2", True)):
        spec, _ = read("BatchNormalization", {"epsilon": 1e-3}, version)
        site = Site("x", ((None, 8, 7, 3),), ((None, 8, 7, 3),), (order,), (order,), (False,), shapes)
        assert build(spec).torch(site).module.startswith("nn.BatchNorm2d(") is stock


SOFTMAX = {"3.9.0": "- 1e9", "3.15.0": "masked_softmax"}


@pytest.mark.parametrize("version", SOFTMAX)
def test_softmax_under_a_mask(version: str) -> None:
    """A row that is masked in full was the softmax of ``x - 1e9``, and is zero in the Keras of today."""
    spec, _ = read("Softmax", {"axis": -1}, version)
    order = AxisOrder.keras(3)
    site = Site("x", ((None, 5, 4), (None, 5, 4)), ((None, 5, 4),), (order,) * 2, (order,), (True, False), {})
    form = build(spec).torch(site)
    assert SOFTMAX[version] in " ".join((*form.before, *form.outputs)), form


def test_dense_of_keras_2_and_3_works_along_the_last_axis() -> None:
    for version in ("1.2.2", "2.3.1", "3.15.0"):
        spec, _ = read("Dense", {"units": 4, "output_dim": 4}, version)
        assert build(spec).shape(((None, 5, 3),)) == (None, 5, 4)
