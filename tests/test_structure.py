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
    both = k.layers.Average()([k.layers.Masking()(y), k.layers.Add()([e, e])])
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
        models_in_models, a_model_shared_by_two_inputs, inputs_and_outputs_out_of_order,
        an_input_is_an_output, a_model_at_every_step, a_sequential_at_every_step, states_of_an_encoder,
        states_of_both_directions, states_from_dense_layers, states_out_of_a_model, stateful_layers,
        masks_through_elementwise_layers, masks_through_merges, masks_that_end, masks_into_a_model, masks_out_of_a_model,
    )
}  # fmt: skip


#: Keras 3 writes the newer layout by default, tf-keras the older one; the other two where they differ in structure.
FORMS = [("keras", ".keras"), ("tf_keras", ".h5")]
ALSO = [("keras", ".h5"), ("tf_keras", ".keras")]
BOTH = ("models_in_models", "inputs_and_outputs_out_of_order", "a_model_at_every_step", "states_out_of_a_model")


@pytest.mark.parametrize(
    ("name", "library", "suffix"),
    [(name, *form) for name in CASES for form in (*FORMS, *(ALSO if name in BOTH else ()))],
)
def test_structure(name: str, library: str, suffix: str, tmp_path: Path) -> None:
    model, inputs = CASES[name](importlib.import_module(library))
    agree(model, inputs, tmp_path, suffix=suffix, tolerance=1e-7 if "masks_through" in name else 1e-10)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_a_layer_shared_between_models(library: str, suffix: str, tmp_path: Path) -> None:
    """The newer layout stores it once, and Keras itself does not load such a file again; the older one stores it twice."""
    model, inputs = a_layer_shared_between_models(importlib.import_module(library))
    randomise(model)
    model.save(tmp_path / f"model{suffix}")

    (found,) = run(converted(tmp_path / f"model{suffix}"), inputs, "float32")

    assert relative_error(found, np.asarray(model(inputs[0]))) < 1e-6


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_model_spread_over_two_devices_is_the_model(outputs: int, tmp_path: Path) -> None:
    """What multi_gpu_model of Keras 2 saved: a cut of the batch in Lambda layers, one model, a joint for each output."""
    import tf_keras as k

    a, b = k.Input((4,), name="a"), k.Input((3,), name="b")
    h = k.layers.BatchNormalization(name="bn")(k.layers.Dense(5, name="dense")(k.layers.Concatenate()([a, b])))
    inner = k.Model([a, b], [h, k.layers.Dense(2, name="head")(h)][:outputs], name="model_1")
    parts: list[list[Any]] = [[] for _ in range(outputs)]
    for i in range(2):
        cut = [
            k.layers.Lambda(part_of_batch, arguments={"i": i, "parts": 2}, name=f"lambda_{i}{x.name}")(x)
            for x in (a, b)
        ]
        made = inner(cut)
        for place, tensor in enumerate(made if outputs > 1 else [made]):
            parts[place].append(tensor)
    joined = [k.layers.Concatenate(axis=0, name=n)(p) for n, p in zip(("first", "head"), parts, strict=False)]
    model = k.Model([a, b], joined)
    randomise(model)
    model.save(tmp_path / "model.h5")
    conversion = convert(tmp_path / "model.h5", tmp_path / "out")

    assert [s.name for s in conversion.blueprint.layers] == ["a", "b", "model_1"]
    assert conversion.report.verification.status == "equal"
    assert conversion.report.exit_code == 0
    assert "this is what multi_gpu_model made of it; their code was not read" in conversion.report.notes[0]
    inputs = [numbers(6, 4), numbers(6, 3)]
    theirs = model(inputs) if outputs > 1 else [model(inputs)]
    for ours, expected in zip(run(conversion.module, inputs, "float32"), theirs, strict=True):
        assert relative_error(ours, np.asarray(expected)) < 1e-6


def part_of_batch(x: Any, i: int, parts: int) -> Any:
    """What the Lambda layers of ``multi_gpu_model`` do."""
    import tensorflow as tf

    size = tf.shape(x)[0] // parts
    return x[i * size : (i + 1) * size]


LIKE_MULTI_GPU = {
    "another cut": {"i": 0, "parts": 3},
    "twice the same part": {"i": 1, "parts": 2},
    "other arguments": {"i": 0, "parts": 2, "axis": 1},
}


@pytest.mark.parametrize("case", LIKE_MULTI_GPU)
def test_what_only_looks_like_it_stays_as_it_is(case: str) -> None:
    dense = {
        "class_name": "Dense",
        "name": "d",
        "config": {"name": "d", "units": 2},
        "inbound_nodes": [[["in", 0, 0, {}]]],
    }
    start = {"class_name": "InputLayer", "name": "in", "config": {"name": "in", "batch_input_shape": [None, 3]}}
    inner = {"name": "m", "layers": [{**start, "inbound_nodes": []}, dense]}
    inner |= {"input_layers": [["in", 0, 0]], "output_layers": [["d", 0, 0]]}
    outer = {**start, "name": "x", "config": {**start["config"], "name": "x"}, "inbound_nodes": []}  # type: ignore[dict-item]
    cuts = [
        {"class_name": "Lambda", "name": n, "config": {"name": n, "arguments": a}, "inbound_nodes": [[["x", 0, 0, {}]]]}
        for n, a in (("l0", LIKE_MULTI_GPU[case]), ("l1", {"i": 1, "parts": 2}))
    ]
    model = {"class_name": "Model", "name": "m", "config": inner}
    model |= {"inbound_nodes": [[["l0", 0, 0, {}]], [["l1", 0, 0, {}]]]}
    joint = {"class_name": "Concatenate", "name": "c", "config": {"name": "c", "axis": 0}}
    joint |= {"inbound_nodes": [[["m", 1, 0, {}], ["m", 2, 0, {}]]]}
    config = {"name": "top", "layers": [outer, *cuts, model, joint]}
    config |= {"input_layers": [["x", 0, 0]], "output_layers": [["c", 0, 0]]}

    blueprint = parse(json.dumps({"class_name": "Model", "config": config}), keras_version="2.3.1")

    assert {"l0", "l1", "c"} <= blueprint.by_name.keys()
