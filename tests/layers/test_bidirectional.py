"""Bidirectional beside real Keras: merge modes, masks, states, two different layers, and its stored forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.recurrent_cases import naive_error, read, sequences
from tests.twin import agree

from regraft.errors import UnknownLayerError
from regraft.layers import KerasVersion, Stored
from regraft.layout import apply

MERGE_MODES = ("concat", "sum", "mul", "ave", None)


def every_case(entry: Any, x: Any) -> Any:
    """Merge modes with and without sequences, states in and out, two layers that differ in kind, size or settings."""
    import keras
    from keras import layers

    def both(layer: Any, **settings: Any) -> Any:
        return layers.Bidirectional(layer, **settings)

    found = [
        both(layers.LSTM(4, return_sequences=sequence), merge_mode=mode)(x)
        for mode in MERGE_MODES
        for sequence in (True, False)
    ]
    found += [
        both(layers.LSTM(4, return_state=True, return_sequences=True))(x),
        both(layers.GRU(4, return_state=True), merge_mode="sum")(x),
        both(layers.GRU(4, return_state=True, return_sequences=True), merge_mode=None)(x),
        both(layers.GRU(4, reset_after=False, return_sequences=True), merge_mode="sum")(x),
        both(layers.GRU(4, return_sequences=True, unroll=True))(x),
        both(layers.SimpleRNN(4, use_bias=False, activation="relu"))(x),
        both(
            layers.LSTM(4, return_sequences=True),
            backward_layer=layers.GRU(6, go_backwards=True, return_sequences=True),
        )(x),
        both(
            layers.LSTM(4, return_state=True),
            backward_layer=layers.LSTM(4, activation="softsign", go_backwards=True, return_state=True),
            merge_mode="ave",
        )(x),
        both(
            layers.GRU(4, go_backwards=True, return_sequences=True), backward_layer=layers.GRU(4, return_sequences=True)
        )(x),
    ]
    _, *states = both(layers.LSTM(4, return_state=True))(x)
    found.append(both(layers.LSTM(4, return_sequences=True))(x, initial_state=states))
    flat = [tensor for made in found for tensor in (made if isinstance(made, list | tuple) else [made])]
    return keras.Model(entry, flat)


@pytest.mark.oracle
@pytest.mark.parametrize("masked", [False, True])
def test_every_case_agrees_with_keras_3(masked: bool, tmp_path: Path) -> None:
    import keras

    entry = keras.Input((7, 3))
    x = keras.layers.Masking()(entry) if masked else entry
    data = sequences(masked=masked)
    module = agree(every_case(entry, x), [data], tmp_path)
    if masked:
        assert (
            naive_error(module, [data], ("bidirectional=True, zero_output_for_mask=True", "bidirectional=True")) > 0.1
        )
    else:
        assert "nn.LSTM(3, 4, batch_first=True, bidirectional=True)" in module.source
        assert naive_error(module, [data], ("back[:, 0]", "back[:, -1]")) > 0.1


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_2(suffix: str, tmp_path: Path) -> None:
    import tf_keras
    from tf_keras import layers

    def both(layer: Any, **settings: Any) -> Any:
        return layers.Bidirectional(layer, **settings)

    stack = [
        layers.Masking(),
        both(layers.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid"), merge_mode="ave"),
        both(
            layers.GRU(4, return_sequences=True, reset_after=False),
            backward_layer=layers.SimpleRNN(6, return_sequences=True, go_backwards=True),
        ),
    ]
    model = tf_keras.Sequential([tf_keras.Input((7, 3)), *stack])
    agree(model, [sequences(masked=True)], tmp_path, suffix=suffix)


def wrapped(version: str = "3.5.0", kind: str = "LSTM", outer: dict[str, Any] | None = None, **config: Any) -> Any:
    units = {"output_dim" if version.startswith("1") else "units": 4}
    return read("Bidirectional", version, layer={"class_name": kind, "config": {**units, **config}}, **(outer or {}))


@pytest.mark.parametrize(
    ("version", "kind", "gates", "apart"),
    [
        ("1.2.2", "LSTM", 4, True),
        ("1.2.2", "GRU", 3, True),
        ("1.2.2", "SimpleRNN", 1, False),
        ("2.2.4", "LSTM", 4, False),
    ],
)
def test_files_hold_the_forward_layer_first(version: str, kind: str, gates: int, apart: bool) -> None:
    layer = wrapped(version, kind)
    width = 4 if apart else 4 * gates
    block = [shape for _ in range(gates if apart else 1) for shape in ((3, width), (4, width), (width,))]
    arrays = [np.full(shape, value, "float32") for value in (1, 2) for shape in block]
    stored = Stored(tuple(a.shape for a in arrays), KerasVersion.parse(version))
    assert len(layer.stored_flags(stored)) == len(arrays)
    origins = layer.stored(stored)
    assert list(origins) == [
        f"{p}/{w}" for p in ("forward", "backward") for w in ("kernel", "recurrent_kernel", "bias")
    ]
    for name, origin in origins.items():
        (found,) = apply(origin.moves, tuple(arrays[place] for place in origin.places))
        assert found.shape[-1] == 4 * gates
        assert set(found.flat) == {1.0 if name.startswith("forward") else 2.0}


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ({}, {}, (None, 8)),
        ({"merge_mode": "sum"}, {"return_sequences": True}, (None, 7, 4)),
        ({"merge_mode": None}, {}, ((None, 4), (None, 4))),
        ({}, {"return_state": True}, ((None, 8), *((None, 4),) * 4)),
    ],
)
def test_shapes(outer: dict[str, Any], inner: dict[str, Any], expected: Any) -> None:
    layer = wrapped(outer=outer, **inner)
    assert layer.shape(((None, 7, 3),)) == expected
    assert layer.output_count() == (len(expected) if isinstance(expected[0], tuple) else 1)


def test_masked_steps_repeat_in_stand_alone_keras() -> None:
    old, new = wrapped("2.2.4", return_sequences=True), wrapped("2.4.0", return_sequences=True)
    assert [layer.zero_output_for_mask for layer in (*old.directions, *new.directions)] == [False, False, True, True]
    assert any("masked steps" in text for text in old.caveats(KerasVersion(3)))
    assert not new.caveats(KerasVersion(3))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"layer": {"class_name": "Dense", "config": {"units": 4}}}, "Bidirectional around 'Dense'"),
        ({"layer": {"class_name": "LSTM", "config": {"units": 4}}, "merge_mode": "max"}, "merge_mode"),
        (
            {
                "layer": {"class_name": "LSTM", "config": {"units": 4}},
                "backward_layer": {"class_name": "GRU", "config": {"units": 4}},
            },
            "same direction",
        ),
        (
            {
                "layer": {"class_name": "LSTM", "config": {"units": 4}},
                "backward_layer": {
                    "class_name": "GRU",
                    "config": {"units": 4, "go_backwards": True, "return_sequences": True},
                },
            },
            "differ in what they return",
        ),
    ],
)
def test_what_we_do_not_do_is_said(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnknownLayerError, match=reason):
        read("Bidirectional", **config)
