"""Masks cross the border of nested models: their layers then stand in the model itself."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.twin import agree

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.emit.inlining import crossed, inlined, masked_tensors
from regraft.layers import CATALOGUE, spec_of


def ids() -> np.ndarray:
    """(batch 4, time 7) of 11 words, 0 pads."""
    words = np.random.default_rng(0).integers(1, 11, (4, 7)).astype("int32")
    words[0, 3:], words[1, :2] = 0, 0
    return words


def leaves(keras: Any) -> Any:
    layers = keras.layers
    inner = keras.Sequential([keras.Input((7,)), layers.Embedding(11, 5, mask_zero=True)], name="words")
    return keras.Sequential([keras.Input((7,)), inner, layers.LSTM(4)])


def enters(keras: Any) -> Any:
    layers = keras.layers
    deepest = keras.Sequential([keras.Input((7, 5)), layers.GRU(4, return_sequences=True)], name="deepest")
    inner = keras.Sequential([keras.Input((7, 5)), deepest, layers.Dense(3), layers.LSTM(4)], name="reader")
    return keras.Sequential([keras.Input((7,)), layers.Embedding(11, 5, mask_zero=True), inner])


def passes_and_is_shared(keras: Any) -> Any:
    layers = keras.layers
    first, second = keras.Input((7,), name="first"), keras.Input((7,), name="second")
    vectors = keras.Input((7, 5))
    reader = keras.Model(vectors, layers.SimpleRNN(4, return_sequences=True)(vectors), name="reader")
    table, last = layers.Embedding(11, 5, mask_zero=True), layers.GRU(3)
    return keras.Model([first, second], [last(reader(table(first))), last(reader(table(second)))])


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask:UserWarning")
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize(("build", "count"), [(leaves, 1), (enters, 1), (passes_and_is_shared, 2)])
def test_masks_cross_the_border(build: Any, count: int, library: str, tmp_path: Path) -> None:
    model = build(pytest.importorskip(library))
    data = [ids(), np.roll(ids(), 1, axis=0)][:count]
    module = agree(model, data, tmp_path, suffix=".keras" if library == "keras" else ".h5")
    assert module.source.count("    def forward(self, x: Tensor) ->") <= 1  # no class of its own for the nested model
    assert {"words/embedding", "reader/lstm", "reader/deepest/gru", "reader/simple_rnn"} & {
        probe.layer.rstrip("_0123456789") for probe in module.probes
    }


def spec(name: str, kind: str, **settings: Any) -> LayerSpec:
    return spec_of(name, CATALOGUE[kind](**settings))


def chain(name: str, *layers: LayerSpec) -> Blueprint:
    """A model of one input and these layers in a row."""
    entry = spec("in", "InputLayer", batch_shape=(None, 7))
    names = ["in", *(layer.name for layer in layers)]
    calls = tuple(Call(b, (TensorRef(a),)) for a, b in pairwise(names))
    return Blueprint(name, (entry, *layers), calls, (TensorRef("in"),), (TensorRef(names[-1]),))


TABLE = spec("table", "Embedding", input_dim=11, output_dim=5, mask_zero=True)
READER = spec("reader", "LSTM", units=4)
DENSE = spec("dense", "Dense", units=3)


@pytest.mark.parametrize(
    ("before", "inside", "expected"),
    [
        ((), (TABLE,), True),
        ((TABLE,), (READER,), True),
        ((TABLE, READER), (DENSE,), False),
        ((), (TABLE, READER), False),
    ],
)
def test_only_crossed_borders_go(before: tuple[LayerSpec, ...], inside: tuple[LayerSpec, ...], expected: bool) -> None:
    nested = spec("nested", "Functional", blueprint=chain("nested", *inside))
    assert crossed(chain("outer", *before, nested, spec("out", "Dense", units=2))) == ("nested" if expected else "")


def test_a_model_called_twice_has_its_layers_called_twice() -> None:
    inner = chain("nested", TABLE, DENSE)
    outer = chain("outer", spec("nested", "Functional", blueprint=inner), READER)
    again = Call("nested", (TensorRef("in"),), 1)
    both = Blueprint(
        "outer", outer.layers, (*outer.calls, again), outer.inputs, (*outer.outputs, TensorRef("nested", 1))
    )
    found, bound = inlined(both, {"nested": {}, "reader": {}}, "nested")
    found.check()
    assert [s.name for s in found.layers] == ["in", "nested/table", "nested/dense", "reader"]
    assert [(c.layer, c.call) for c in found.calls if c.layer != "reader"] == [
        ("nested/table", 0), ("nested/dense", 0), ("nested/table", 1), ("nested/dense", 1),
    ]  # fmt: skip
    assert found.outputs == (TensorRef("reader"), TensorRef("nested/dense", 1))
    assert "nested" not in bound
    assert masked_tensors(found, (False,)) == {TensorRef(f"nested/{n}", c) for n in ("table", "dense") for c in (0, 1)}
