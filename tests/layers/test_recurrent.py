"""LSTM, GRU and SimpleRNN beside real Keras, with and without masks, and the forms in which Keras stored them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.layers.recurrent_cases import naive_error, read, sequences
from tests.twin import agree, loaded, randomise, relative_error, run

from regraft.errors import UnknownLayerError
from regraft.keras_config import parse
from regraft.keras_config.dump import dump
from regraft.layers import AxisOrder, KerasVersion, Site, Stored
from regraft.layers.recurrent import Recurrent
from regraft.layout import apply, undo

KINDS = ("LSTM", "GRU", "SimpleRNN")

#: Settings that every kind has, each with the class that PyTorch runs without a mask (None: the twin).
SETTINGS: tuple[tuple[dict[str, Any], bool], ...] = (
    ({}, True),
    ({"return_sequences": True}, True),
    ({"return_state": True}, True),
    ({"return_sequences": True, "return_state": True, "go_backwards": True}, True),
    ({"use_bias": False, "go_backwards": True}, True),
    ({"unroll": True, "return_sequences": True}, True),
    ({"return_sequences": True, "zero_output_for_mask": True}, True),
    ({"zero_output_for_mask": True, "go_backwards": True}, True),
    ({"zero_output_for_mask": True, "go_backwards": True, "return_sequences": True, "unroll": True}, True),
    ({"activation": "softsign", "return_state": True}, False),
    ({"activation": "softmax", "use_bias": False, "return_sequences": True}, False),
    ({"dropout": 0.3, "recurrent_dropout": 0.2}, True),
)
#: Settings that one kind has alone.
OWN: tuple[tuple[str, dict[str, Any], bool], ...] = (
    ("LSTM", {"recurrent_activation": "hard_sigmoid", "activation": "relu"}, False),
    ("GRU", {"recurrent_activation": "hard_sigmoid"}, False),
    ("GRU", {"reset_after": False, "return_sequences": True}, False),
    ("GRU", {"reset_after": False, "use_bias": False}, False),
    ("SimpleRNN", {"activation": "relu", "return_sequences": True}, True),
)
CASES = [(kind, settings, stock) for kind in KINDS for settings, stock in SETTINGS] + list(OWN)


def recurrent_model(*, masked: bool) -> Any:
    """Every case on one input, and layers that start from the states of others."""
    import keras
    from keras import layers

    entry = keras.Input((7, 3))
    x = layers.Masking()(entry) if masked else entry
    found: list[Any] = []
    for kind, settings, _ in CASES:
        made = getattr(layers, kind)(4, **settings)(x)
        found += made if isinstance(made, list | tuple) else [made]
    for kind in KINDS:
        _, *states = getattr(layers, kind)(4, return_state=True)(x)
        layer = getattr(layers, kind)(4, return_sequences=True)
        found.append(layer(x, initial_state=states if len(states) > 1 else states[0]))
    return keras.Model(entry, found)


@pytest.mark.oracle
@pytest.mark.parametrize("masked", [False, True])
def test_every_case_agrees_with_keras_3(masked: bool, tmp_path: Path) -> None:
    x = sequences(masked=masked)
    module = agree(recurrent_model(masked=masked), [x], tmp_path)
    if masked:
        assert naive_error(module, [x], (".any(dim=2)", ".any(dim=2) | True")) > 0.3
    else:
        own = [line for line in module.source.splitlines() if " = Keras" in line and "self." in line]
        assert len(own) == sum(not stock for *_, stock in CASES)


def keras_2_model(*, masked: bool) -> Any:
    """What only Keras 2 has: its hard sigmoid, states as further inputs of the call; few layers, they take seconds."""
    import tf_keras
    from tf_keras import layers

    entry = tf_keras.Input((7, 3))
    x = layers.Masking()(entry) if masked else entry
    sequence, h, c = layers.LSTM(4, return_sequences=True, return_state=True, recurrent_activation="hard_sigmoid")(x)
    found = [sequence, layers.LSTM(4, return_sequences=True)(x, initial_state=[h, c])]
    found += [layers.GRU(4, reset_after=False)(x), layers.SimpleRNN(4, return_sequences=True, go_backwards=True)(x)]
    return tf_keras.Model(entry, found)


@pytest.mark.oracle
@pytest.mark.parametrize(("masked", "suffix"), [(False, ".keras"), (True, ".h5")])
def test_keras_2(masked: bool, suffix: str, tmp_path: Path) -> None:
    agree(keras_2_model(masked=masked), [sequences(masked=masked)], tmp_path, suffix=suffix)


@pytest.mark.oracle
def test_any_length_of_time_and_any_batch(tmp_path: Path) -> None:
    import keras

    layers = [
        keras.layers.LSTM(4, return_sequences=True),
        keras.layers.GRU(6, activation="relu"),
        keras.layers.Dense(2),
    ]
    module = agree(keras.Sequential([keras.Input((None, 3)), *layers]), [sequences(masked=False)], tmp_path)
    for batch, time in ((1, 1), (2, 11)):
        (found,) = run(module, [np.ones((batch, time, 3))])
        assert found.shape == (batch, 2)


@pytest.mark.oracle
@pytest.mark.parametrize("version", [2, 3])
def test_keras_accepts_the_architecture_we_write(version: int) -> None:
    library = pytest.importorskip("keras" if version == 3 else "tf_keras")
    model = recurrent_model(masked=True) if version == 3 else keras_2_model(masked=True)
    randomise(model)
    blueprint = parse(model.to_json(), keras_version="3.5.0" if version == 3 else "2.15.0")
    again = library.models.model_from_json(dump(blueprint, version=version))
    again.set_weights(model.get_weights())
    x = sequences(masked=True)
    for ours, theirs in zip(again(x), model(x), strict=True):
        assert relative_error(np.asarray(ours), np.asarray(theirs)) < 1e-5
    assert (
        parse(dump(blueprint, version=version), keras_version="3.5.0" if version == 3 else "2.15.0").layers
        == blueprint.layers
    )


@pytest.mark.oracle
def test_naive_translations_are_far_off(tmp_path: Path) -> None:
    import tf_keras

    x = sequences(masked=False)
    layers = tf_keras.layers

    def module(layer: Any) -> Any:
        return agree(tf_keras.Sequential([tf_keras.Input((7, 3)), layer]), [x], tmp_path, suffix=".h5")

    reset_first = module(layers.GRU(4, reset_after=False))
    assert naive_error(reset_first, [x], (", reset_after=False", "")) > 1e-2
    hard = module(layers.LSTM(4, recurrent_activation="hard_sigmoid"))
    other_slope = ("recurrent_activation=hard_sigmoid", "recurrent_activation=F.hardsigmoid")
    assert naive_error(hard, [x], other_slope) > 1e-3
    backwards = module(layers.SimpleRNN(4, go_backwards=True))
    assert naive_error(backwards, [x], (".flip(1)", "")) > 1e-2


@pytest.mark.oracle
def test_the_emitted_module_exports_and_compiles(tmp_path: Path) -> None:
    import keras
    import torch

    layers = keras.layers
    stack = [
        layers.Masking(),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.GRU(6, reset_after=False),
    ]
    x = sequences(masked=True)
    module = agree(keras.Sequential([keras.Input((7, 3)), *stack]), [x], tmp_path)
    model = loaded(module, "float32")
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(model, (torch.from_numpy(x),), dynamic_shapes=({0: batch},))
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    for rows in (5, 3):
        part = torch.from_numpy(x[:rows])
        expected = model(part)
        assert torch.allclose(program.module()(part), expected, atol=1e-6)
        assert torch.allclose(compiled(part), expected, atol=1e-6)


READ: tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...] = (
    (
        "LSTM",
        "1.2.2",
        {"output_dim": 4, "inner_activation": "hard_sigmoid"},
        {"units": 4, "recurrent_activation": "hard_sigmoid_keras2"},
    ),
    ("LSTM", "1.2.2", {"output_dim": 4}, {"recurrent_activation": "hard_sigmoid_keras2", "return_state": False}),
    ("LSTM", "2.2.4", {"units": 4}, {"recurrent_activation": "hard_sigmoid_keras2"}),
    ("LSTM", "2.3.1", {"units": 4}, {"recurrent_activation": "sigmoid"}),
    ("LSTM", "3.0.0", {"units": 4, "recurrent_activation": "hard_sigmoid"}, {"recurrent_activation": "hard_sigmoid"}),
    (
        "GRU",
        "1.1.0",
        {"output_dim": 4, "dropout_W": 0.5, "dropout_U": None},
        {"reset_after": False, "dropout": 0.5, "recurrent_dropout": 0.0},
    ),
    ("GRU", "2.3.1", {"units": 4}, {"reset_after": False, "recurrent_activation": "sigmoid"}),
    ("GRU", "2.12.0", {"units": 4}, {"reset_after": True}),
    ("GRU", "3.1.0", {"units": 4}, {"reset_after": True}),
    (
        "SimpleRNN",
        "1.2.2",
        {"output_dim": 4, "return_sequences": True},
        {"units": 4, "activation": "tanh", "return_sequences": True},
    ),
)


@pytest.mark.parametrize(("kind", "version", "config", "expected"), READ)
def test_settings_of_older_versions(kind: str, version: str, config: dict[str, Any], expected: dict[str, Any]) -> None:
    layer = read(kind, version, **config)
    assert {name: getattr(layer, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"units": 0}, "positive integer"),
        ({"units": 4, "time_major": True}, "time_major"),
        ({"units": 4, "num_constants": 1}, "constants"),
        ({"units": 4, "activation": "my_function"}, "my_function"),
    ],
)
def test_what_we_do_not_do_is_said(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnknownLayerError, match=reason):
        read("LSTM", **config)


def test_a_stateful_layer_is_reported() -> None:
    layer = read("LSTM", "2.4.0", units=4, stateful=True)
    assert "zero states" in "".join(layer.remarks())
    assert not read("LSTM", "2.4.0", units=4).caveats(KerasVersion(3))


#: Which gate each block of today's kernels is, by the letters in which Keras 1 stored them.
KERAS_1: tuple[tuple[str, str, str], ...] = (("LSTM", "icfo", "ifco"), ("GRU", "zrh", "zrh"))


@pytest.mark.parametrize(("kind", "file_order", "today"), KERAS_1)
def test_keras_1_stores_every_gate_apart(kind: str, file_order: str, today: str) -> None:
    layer = read(kind, "1.2.2", output_dim=4)
    shapes = ((3, 4), (4, 4), (4,))
    arrays = [np.full(shape, ord(letter), "float32") for letter in file_order for shape in shapes]
    stored = Stored(tuple(a.shape for a in arrays), KerasVersion(1, 2, 2))
    assert layer.stored_flags(stored) == (True,) * len(arrays)
    for name, shape in (("kernel", (3, 4)), ("recurrent_kernel", (4, 4)), ("bias", (4,))):
        origin = layer.stored(stored)[name]
        (found,) = apply(origin.moves, tuple(arrays[place] for place in origin.places))
        assert found.shape == (*shape[:-1], 4 * len(today))
        assert "".join(chr(int(block.flat[0])) for block in np.split(found, len(today), axis=-1)) == today
        assert all(len(set(block.flat)) == 1 for block in np.split(found, len(today), axis=-1))


@pytest.mark.parametrize(
    ("version", "config", "count"),
    [
        ("1.2.2", {"output_dim": 4}, 12),
        ("1.2.2", {"output_dim": 4, "consume_less": "gpu"}, 3),
        ("2.2.4", {"units": 4}, 3),
    ],
)
def test_number_of_stored_arrays(version: str, config: dict[str, Any], count: int) -> None:
    assert (
        len(read("LSTM", version, **config).stored_flags(Stored(((),) * count, KerasVersion.parse(version)))) == count
    )


def site_of(layer: Recurrent, cin: int) -> Site:
    shapes: dict[str, tuple[int, ...]] = {}
    sizes = {"cin": cin, **layer.axis_sizes()}
    for weight in layer.variables():
        shapes[weight.name] = tuple(sizes[axis] for axis in weight.axes)
    order = AxisOrder.keras(3)
    return Site("layer", ((None, 7, cin),), ((None, layer.units),), (order,), (AxisOrder.keras(2),), (False,), shapes)


@given(st.sampled_from(KINDS), st.integers(1, 5), st.integers(1, 5), st.booleans(), st.booleans())
def test_every_way_into_pytorch_can_be_undone(
    kind: str, cin: int, units: int, use_bias: bool, reset_after: bool
) -> None:
    config = {"reset_after": reset_after} if kind == "GRU" else {}
    layer = read(kind, units=units, use_bias=use_bias, **config)
    assert isinstance(layer, Recurrent)
    site = site_of(layer, cin)
    rng = np.random.default_rng(0)
    filled: list[str] = []
    for carry in layer.carries(site):
        arrays = tuple(rng.standard_normal(site.stored[name]) for name in carry.variables)
        there = apply(carry.moves, arrays)
        assert len(there) == len(carry.parameters)
        for ours, theirs in zip(undo(carry.moves, there), arrays, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        filled += carry.parameters
    expected = ["weight_ih_l0", "weight_hh_l0", *(["bias_ih_l0", "bias_hh_l0"] if use_bias else [])]
    assert sorted(filled) == sorted(expected)


SHAPES: tuple[tuple[dict[str, Any], Any], ...] = (
    ({}, (None, 4)),
    ({"return_sequences": True}, (None, 7, 4)),
    ({"return_state": True}, ((None, 4), (None, 4), (None, 4))),
    ({"return_state": True, "return_sequences": True}, ((None, 7, 4), (None, 4), (None, 4))),
)


@pytest.mark.parametrize(("config", "expected"), SHAPES)
def test_shapes(config: dict[str, Any], expected: Any) -> None:
    layer = read("LSTM", units=4, **config)
    assert layer.shape(((None, 7, 3),)) == expected
    assert layer.output_count() == (len(expected) if config.get("return_state") else 1)
    assert json.loads(json.dumps(layer.to_keras(KerasVersion(3))))["units"] == 4


def test_a_kernel_of_the_wrong_width_is_found() -> None:
    assert read("LSTM", units=4).axis_sizes() == {"units": 4, "gates": 16}
    assert read("GRU", units=4).axis_sizes() == {"units": 4, "gates": 12, "side": 2}
