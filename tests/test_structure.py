"""How layers are put together, whatever they are: both Kerases build it, both forms of their files are converted."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.twin import agree, converted, randomise, relative_error, run

from regraft.convert import convert
from regraft.keras_config import parse

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
Case = tuple[Any, list[np.ndarray]]
RNG = np.random.default_rng(11)


def numbers(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def ids(*shape: int) -> np.ndarray:
    """Word numbers whose rows end in zeros."""
    found = RNG.integers(1, 9, shape)
    found[:, -2:] = 0
    found[0, 1:] = 0
    return found.astype("int32")


def encoder(k: Any, name: str = "encoder") -> Any:
    x = k.Input((8, 7, 2), name=f"{name}_in")
    h = k.layers.Conv2D(3, 3, name="conv")(x)
    return k.Model(x, k.layers.Flatten(name="flat")(k.layers.BatchNormalization(name="bn")(h)), name=name)


def models_in_models(k: Any) -> Case:
    inner = encoder(k)
    x = k.Input((8, 7, 2))
    middle = k.Model(inner.input, k.layers.Dense(4, name="dense")(inner(inner.input)), name="middle")
    top = k.Sequential([k.Input((4,)), k.layers.Dense(3, name="dense"), k.layers.ReLU()], name="top")
    return k.Model(x, top(middle(x))), [numbers(2, 8, 7, 2)]


def a_model_shared_by_two_inputs(k: Any) -> Case:
    one, two, inner = k.Input((8, 7, 2)), k.Input((8, 7, 2)), encoder(k)
    apart = k.layers.Subtract()([inner(one), inner(two)])
    return k.Model([one, two], [apart, k.layers.Dense(2)(inner(two))]), [numbers(2, 8, 7, 2), numbers(2, 8, 7, 2)]


def a_layer_shared_between_models(k: Any) -> Case:
    shared = k.layers.Dense(4, name="shared")
    a, b = k.Input((5,), name="a"), k.Input((5,), name="b")
    x = k.Input((5,))
    first, second = k.Model(a, shared(a), name="first"), k.Model(b, k.layers.ReLU()(shared(b)), name="second")
    return k.Model(x, k.layers.Add()([first(x), second(x)])), [numbers(3, 5)]


def inputs_and_outputs_out_of_order(k: Any) -> Case:
    a, b, c = (k.Input((n,), name=s) for n, s in ((3, "a"), (4, "b"), (5, "c")))
    x = k.layers.Concatenate()([k.layers.Dense(2)(c), a])
    inner = k.Model([c, a, b], [k.layers.Dense(3)(b), x, x], name="inner")
    first, second, third = inner([c, a, b])
    outputs = [third, first, k.layers.Multiply()([second, k.layers.Dense(5)(first)])]
    return k.Model([b, c, a], outputs), [numbers(2, 4), numbers(2, 5), numbers(2, 3)]


def an_input_is_an_output(k: Any) -> Case:
    x = k.Input((4,))
    return k.Model(x, [k.layers.Dense(3)(x), x]), [numbers(2, 4)]


def a_model_at_every_step(k: Any) -> Case:
    x = k.Input((5, 8, 7, 2))
    h = k.layers.TimeDistributed(encoder(k), name="every")(x)
    return k.Model(x, k.layers.LSTM(3)(h)), [numbers(2, 5, 8, 7, 2)]


def a_sequential_at_every_step(k: Any) -> Case:
    x = k.Input((5, 6))
    part = k.Sequential([k.Input((6,)), k.layers.Dense(4, activation="tanh"), k.layers.BatchNormalization()])
    return k.Model(x, k.layers.GRU(3)(k.layers.TimeDistributed(part)(x))), [numbers(2, 5, 6)]


def states_of_an_encoder(k: Any) -> Case:
    source, target = k.Input((6, 3)), k.Input((4, 5))
    _, h, c = k.layers.LSTM(7, return_state=True, name="encode")(source)
    out, *_ = k.layers.LSTM(7, return_sequences=True, return_state=True, name="decode")(target, initial_state=[h, c])
    return k.Model([source, target], k.layers.Dense(2)(out)), [numbers(3, 6, 3), numbers(3, 4, 5)]


def states_of_both_directions(k: Any) -> Case:
    source, target = k.Input((6, 3)), k.Input((4, 5))
    _, fh, fc, bh, bc = k.layers.Bidirectional(k.layers.LSTM(3, return_state=True))(source)
    h, c = k.layers.Concatenate()([fh, bh]), k.layers.Concatenate()([fc, bc])
    out = k.layers.LSTM(6, return_sequences=True)(target, initial_state=[h, c])
    return k.Model([source, target], [out, h]), [numbers(3, 6, 3), numbers(3, 4, 5)]


def states_from_dense_layers(k: Any) -> Case:
    x, z = k.Input((6, 3)), k.Input((4,))
    start = k.layers.Dense(5, activation="tanh")(z)
    sequence, last = k.layers.GRU(5, return_sequences=True, return_state=True)(x, initial_state=start)
    return k.Model([z, x], [sequence, k.layers.SimpleRNN(4)(sequence, initial_state=k.layers.Dense(4)(last))]), [
        numbers(2, 4), numbers(2, 6, 3),
    ]  # fmt: skip


def states_out_of_a_model(k: Any) -> Case:
    a = k.Input((6, 3))
    inner = k.Model(a, k.layers.GRU(4, return_sequences=True, return_state=True)(a), name="inner")
    x = k.Input((6, 3))
    sequence, state = inner(x)
    return k.Model(x, k.layers.GRU(4)(sequence, initial_state=state)), [numbers(2, 6, 3)]


def stateful_layers(k: Any) -> Case:
    x = k.Input(batch_shape=(2, 6, 3))
    h = k.layers.LSTM(4, stateful=True, return_sequences=True)(x)
    return k.Model(x, k.layers.Bidirectional(k.layers.GRU(3, stateful=True))(h)), [numbers(2, 6, 3)]


def masks_through_elementwise_layers(k: Any) -> Case:
    x = k.Input((6,), dtype="int32")
    e = k.layers.Embedding(9, 4, mask_zero=True)(x)
    h = k.layers.Dropout(0.3)(k.layers.LayerNormalization()(k.layers.Activation("relu")(k.layers.Dense(5)(e))))
    return k.Model(x, [k.layers.GRU(3)(h), k.layers.GlobalAveragePooling1D()(h)]), [ids(3, 6)]


def masks_through_merges(k: Any) -> Case:
    x, y = k.Input((6,), dtype="int32"), k.Input((6, 4))
    e = k.layers.Embedding(9, 4, mask_zero=True)(x)
    both = k.layers.Concatenate()([k.layers.Masking()(y), k.layers.Add()([e, e])])
    z = numbers(3, 6, 4)
    z[1, 4:] = 0
    return k.Model([x, y], k.layers.LSTM(3, return_sequences=True)(both)), [ids(3, 6), z]


def masks_that_end(k: Any) -> Case:
    x = k.Input((6, 4))
    h = k.layers.Masking()(x)
    out = k.layers.LSTM(3)(k.layers.Reshape((3, 8))(h))
    z = numbers(2, 6, 4)
    z[0, 2:] = 0
    return k.Model(x, [out, k.layers.GRU(2)(k.layers.LSTM(3, return_sequences=True)(h))]), [z]


def masks_into_a_model(k: Any) -> Case:
    a = k.Input((6, 4))
    inner = k.Model(a, k.layers.GRU(3)(k.layers.Dense(5)(a)), name="inner")
    x = k.Input((6,), dtype="int32")
    return k.Model(x, inner(k.layers.Embedding(9, 4, mask_zero=True)(x))), [ids(3, 6)]


def masks_out_of_a_model(k: Any) -> Case:
    a = k.Input((6,), dtype="int32")
    inner = k.Model(a, k.layers.Embedding(9, 4, mask_zero=True)(a), name="inner")
    x = k.Input((6,), dtype="int32")
    return k.Model(x, k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True))(inner(x))), [ids(3, 6)]


CASES: dict[str, Callable[[Any], Case]] = {
    f.__name__: f
    for f in (
        models_in_models, a_model_shared_by_two_inputs, a_layer_shared_between_models, inputs_and_outputs_out_of_order,
        an_input_is_an_output, a_model_at_every_step, a_sequential_at_every_step, states_of_an_encoder,
        states_of_both_directions, states_from_dense_layers, states_out_of_a_model, stateful_layers,
        masks_through_elementwise_layers, masks_through_merges, masks_that_end, masks_into_a_model, masks_out_of_a_model,
    )
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize("name", CASES)
def test_structure(name: str, library: str, suffix: str, tmp_path: Path) -> None:
    model, inputs = CASES[name](importlib.import_module(library))
    agree(model, inputs, tmp_path, suffix=suffix, tolerance=1e-7 if "masks_through" in name else 1e-10)
