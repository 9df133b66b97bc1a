"""RNN around a cell, or a stack of cells, beside real Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.layers.recurrent_cases import read, sequences
from tests.twin import agree

from regraft.errors import UnknownLayerError


@pytest.mark.oracle
@pytest.mark.parametrize("masked", [False, True])
def test_cells_and_stacks_of_keras_3(masked: bool, tmp_path: Path) -> None:
    import keras
    from keras import layers

    entry = keras.Input((7, 3))
    x = layers.Masking()(entry) if masked else entry

    def stack() -> list[Any]:
        return [layers.LSTMCell(4), layers.GRUCell(5, reset_after=False), layers.LSTMCell(6, activation="softsign")]

    # Keras 3.15 on TensorFlow raises for a stack with a mask, unless it is unrolled.
    made = [
        layers.RNN(layers.LSTMCell(4), return_state=True)(x),
        layers.RNN(layers.GRUCell(4), return_sequences=True, go_backwards=True)(x),
        layers.RNN(layers.SimpleRNNCell(4, use_bias=False), zero_output_for_mask=True)(x),
        layers.RNN(stack(), return_sequences=True, go_backwards=True, zero_output_for_mask=True, unroll=masked)(x),
        layers.RNN([layers.LSTMCell(4)], unroll=masked)(x),
        layers.RNN([layers.GRUCell(4), layers.SimpleRNNCell(5)], return_state=True, unroll=masked)(x),
    ]
    flat = [tensor for item in made for tensor in (item if isinstance(item, list | tuple) else [item])]
    agree(keras.Model(entry, flat), [sequences(masked=masked)], tmp_path)


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_2(suffix: str, tmp_path: Path) -> None:
    import tf_keras
    from tf_keras import layers

    stack = [layers.LSTMCell(4, recurrent_activation="hard_sigmoid"), layers.GRUCell(5), layers.LSTMCell(6)]
    model = tf_keras.Sequential(
        [tf_keras.Input((7, 3)), layers.RNN(stack, return_sequences=True), layers.RNN(layers.SimpleRNNCell(2))]
    )
    agree(model, [sequences(masked=False)], tmp_path, suffix=suffix)


def cell(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": config}


def test_groups_of_the_cells_in_a_file() -> None:
    stack = cell(
        "StackedRNNCells", cells=[cell("LSTMCell", units=4), cell("GRUCell", units=5), cell("LSTMCell", units=6)]
    )
    layer = read("RNN", cell=stack, return_state=True)
    assert [w.path[-1] for w in layer.variables()[::3]] == ["lstm_cell", "gru_cell", "lstm_cell_1"]
    assert [w.name for w in layer.variables()[:4]] == ["0/kernel", "0/recurrent_kernel", "0/bias", "1/kernel"]
    assert layer.shape(((None, 7, 3),)) == ((None, 6), *((None, n) for n in (4, 4, 5, 6, 6)))
    alone = read("RNN", "2.2.4", cell=cell("GRUCell", units=4))
    assert [w.path for w in alone.variables()] == [("cell",)] * 3
    assert len(alone.variables()[2].axes) == 1  # Keras 2.2.4: the reset gate acts first


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        (cell("Dense", units=4), "RNN around 'Dense'"),
        (cell("StackedRNNCells", cells=[cell("Dense", units=4)]), "stack of the cells"),
        (cell("StackedRNNCells", cells=[cell("LSTMCell", units=4)], reverse_state_order=True), "reverse"),
    ],
)
def test_what_we_do_not_do_is_said(inner: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnknownLayerError, match=reason):
        read("RNN", cell=inner)
