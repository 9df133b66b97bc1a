"""Old files as ``.keras`` files of today: Keras 3 opens them, and every tensor is that of the old one."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.twin import randomise

from regraft.convert import convert
from regraft.errors import BlueprintError
from regraft.verify import Oracle
from regraft.weights import read

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:Error in loading the saved optimizer:UserWarning"),
]


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with Oracle() as running:
        yield running


def old_dense(k: Any) -> Any:
    x = k.Input((7,))
    return k.Model(x, k.layers.Activation("hard_sigmoid")(k.layers.Dense(5, activation="hard_sigmoid")(x)))


def old_maps(k: Any) -> Any:
    x = image = k.Input((9, 8, 3))
    x = k.layers.Conv2D(4, 3, activation="hard_sigmoid", padding="same", strides=2)(x)
    x = k.layers.SeparableConv2D(5, 2, activation="hard_sigmoid", depth_multiplier=2)(x)
    x = k.layers.DepthwiseConv2D(2, activation="hard_sigmoid")(x)
    x = k.layers.Conv2DTranspose(3, (2, 3), activation="hard_sigmoid", use_bias=False)(x)
    return k.Model(image, k.layers.TimeDistributed(k.layers.Dense(2, activation="hard_sigmoid"))(x))


def old_recurrent(k: Any) -> Any:
    x = sequence = k.Input((6, 4))
    x = k.layers.LSTM(3, recurrent_activation="hard_sigmoid", return_sequences=True)(x)
    x = k.layers.Bidirectional(
        k.layers.GRU(5, recurrent_activation="hard_sigmoid", activation="hard_sigmoid", return_sequences=True)
    )(x)
    x = k.layers.GRU(2, recurrent_activation="hard_sigmoid", reset_after=False, return_sequences=True)(x)
    return k.Model(sequence, k.layers.SimpleRNN(4, activation="hard_sigmoid")(x))


def old_films(k: Any) -> Any:
    x = film = k.Input((4, 6, 7, 2))
    x = k.layers.ConvLSTM2D(3, (3, 2), padding="same", return_sequences=True)(x)
    return k.Model(film, k.layers.ConvLSTM2D(2, 3, recurrent_activation="hard_sigmoid")(x))


def masked(k: Any) -> Any:
    ids = k.Input((6,), dtype="int32")
    x = k.layers.Embedding(11, 4, mask_zero=True)(ids)
    return k.Model(ids, k.layers.LSTM(3, recurrent_activation="hard_sigmoid")(x))


def nested(k: Any) -> Any:
    part = k.Sequential([k.layers.Dense(4, activation="hard_sigmoid"), k.layers.BatchNormalization()], name="part")
    inner = k.Input((5,), name="inner")
    graph = k.Model(inner, [k.layers.Dense(3)(inner), k.layers.Dense(2)(inner)], name="graph")
    one, two = k.Input((5,), name="one"), k.Input((5,), name="two")
    first, second = graph(one)
    x = k.layers.Concatenate()([part(one), part(two), first, k.layers.Dense(2)(second)])
    return k.Model([one, two], [x, second])


def shared(k: Any) -> Any:
    one, two = k.Input((5, 4)), k.Input((5, 4))
    layer = k.layers.LSTM(3, return_state=True, name="both")
    out, h, c = layer(one)
    again = layer(two, initial_state=[h, c])[0]
    return k.Model([one, two], k.layers.Subtract()([out, again]))


def stateful(k: Any) -> Any:
    x = k.Input(batch_shape=(2, 3, 4))
    return k.Model(x, k.layers.GRU(3, stateful=True, return_sequences=True)(x))


def slashes(k: Any) -> Any:
    x = image = k.Input((6, 6, 2))
    x = k.layers.Conv2D(3, 3, name="block1/conv")(x)
    x = k.layers.BatchNormalization(name="block1/bn")(x)
    return k.Model(image, k.layers.Flatten(name="block1_bn")(x))


def normalised(k: Any) -> Any:
    x = image = k.Input((6, 5, 4))
    x = k.layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 0.5, 2.0, 4.0])(x)
    x = k.layers.LayerNormalization(epsilon=1e-5)(k.layers.LeakyReLU(alpha=0.2)(x))
    return k.Model(image, k.layers.GlobalAveragePooling2D()(k.layers.UpSampling2D((2, 3), interpolation="bilinear")(x)))


CASES: dict[str, Callable[[Any], Any]] = {
    f.__name__: f
    for f in (old_dense, old_maps, old_recurrent, old_films, masked, nested, shared, stateful, slashes, normalised)
}


@pytest.mark.parametrize("name", CASES)
def test_keras_opens_what_keras_2_wrote(name: str, tmp_path: Path, oracle: Oracle) -> None:
    import tf_keras

    model = CASES[name](tf_keras)
    randomise(model)
    model.save(tmp_path / "old.h5")

    report = convert(tmp_path / "old.h5", tmp_path / "out", format="keras", oracle=oracle).report

    assert report.verification.status == "equal", report.verification.reason
    assert report.opened is not None
    assert report.opened.status == "equal", f"{report.opened.reason} {report.opened.notes}"
    assert report.opened.compared >= report.verification.compared - 2
    assert report.exit_code == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "architecture.json", "blueprint.toml", "model.keras", "report.html", "report.json",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["old_recurrent", "nested", "slashes"])
def test_keras_itself_predicts_the_same(name: str, tmp_path: Path) -> None:
    """Without our oracle between: load_model of both libraries, in float32."""
    import keras
    import tf_keras

    model = CASES[name](tf_keras)
    randomise(model)
    model.save(tmp_path / "old.h5")
    convert(tmp_path / "old.h5", tmp_path / "out", format="keras", verify=False)

    again = keras.saving.load_model(tmp_path / "out" / "model.keras")

    rng = np.random.default_rng(5)
    inputs = [rng.standard_normal((3, *shape[1:])).astype("float32") for shape in shapes(model)]
    given = inputs if len(inputs) > 1 else inputs[0]
    old, new = (np.concatenate([np.asarray(o).reshape(3, -1) for o in flat(m(given))], 1) for m in (model, again))
    np.testing.assert_allclose(new, old, rtol=0, atol=3e-6 * np.abs(old).max())


def shapes(model: Any) -> list[Any]:
    found = model.input_shape
    return list(found) if isinstance(found, list) else [found]


def flat(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


@pytest.mark.parametrize("kind", ["CuDNNLSTM", "CuDNNGRU"])
def test_layers_of_one_graphics_library_become_what_runs_everywhere(kind: str, tmp_path: Path) -> None:
    """tf-keras itself turns such arrays into those of LSTM and GRU; so does the file that we write."""
    import keras
    import tf_keras

    gates = {"CuDNNLSTM": 4, "CuDNNGRU": 3}[kind]
    rng = np.random.default_rng(1)
    arrays = [
        rng.standard_normal(s).astype("float32") * 0.5 for s in ((5, 3 * gates), (3, 3 * gates), (2 * 3 * gates,))
    ]
    layers = [{"class_name": kind, "config": {"name": "rnn", "units": 3, "batch_input_shape": [None, 7, 5]}}]
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": layers}}
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.2.4", "tensorflow"
        file.attrs["model_config"] = json.dumps(config)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"rnn"]
        weights.attrs["keras_version"], weights.attrs["backend"] = "2.2.4", "tensorflow"
        names = ["rnn/kernel:0", "rnn/recurrent_kernel:0", "rnn/bias:0"]
        group = weights.create_group("rnn")
        group.attrs["weight_names"] = [n.encode() for n in names]
        for name, array in zip(names, arrays, strict=True):
            group[name] = array
    x = tf_keras.Input((7, 5))
    plain = tf_keras.layers.LSTM(3, name="rnn") if gates == 4 else tf_keras.layers.GRU(3, reset_after=True, name="rnn")
    model = tf_keras.Model(x, plain(x))
    model.load_weights(tmp_path / "old.h5")

    convert(tmp_path / "old.h5", tmp_path / "out", format="keras", verify=False)

    again = keras.saving.load_model(tmp_path / "out" / "model.keras")
    data = rng.standard_normal((2, 7, 5)).astype("float32")
    np.testing.assert_allclose(np.asarray(again(data)), np.asarray(model(data)), atol=2e-6)


def test_what_keras_3_cannot_compute_is_refused(tmp_path: Path) -> None:
    """The hard sigmoid of a state, and interpolation between corners, have no equal there."""
    import tf_keras

    x = tf_keras.Input((6, 4))
    tf_keras.Model(x, tf_keras.layers.LSTM(3, activation="hard_sigmoid", name="cell")(x)).save(tmp_path / "old.h5")

    with pytest.raises(
        BlueprintError, match=r"cannot be written for Keras 3 as it computes:\n  layer 'cell': hard_sig"
    ):
        convert(tmp_path / "old.h5", tmp_path / "out", format="keras")
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_that_keras_cannot_reload_comes_back_to_life(tmp_path: Path, oracle: Oracle) -> None:
    """Keras 3.15 saves this model with a MultiHeadAttention and a sum into ``.h5``, and fails to load it."""
    import keras

    ids = keras.Input((6,), dtype="int32")
    x = keras.layers.Embedding(50, 8)(ids)
    attended = keras.layers.MultiHeadAttention(2, 3, name="attend")(x, x)
    x = keras.layers.LayerNormalization()(x + attended)
    model = keras.Model(ids, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling1D()(x)))
    randomise(model)
    model.save(tmp_path / "old.h5")
    with pytest.raises(TypeError, match="too many positional arguments"):
        keras.models.load_model(tmp_path / "old.h5")

    report = convert(tmp_path / "old.h5", tmp_path / "out", format="keras", oracle=oracle).report

    assert report.opened is not None
    assert report.opened.status == "equal", report.opened.reason
    data = np.random.default_rng(2).integers(0, 50, (3, 6))
    again = keras.saving.load_model(tmp_path / "out" / "model.keras")
    np.testing.assert_allclose(np.asarray(again(data)), np.asarray(model(data)), atol=2e-6)


def test_weights_alone_become_a_whole_model(tmp_path: Path, oracle: Oracle) -> None:
    """The architecture is recovered from the weights."""
    from regraft.samples import path

    report = convert(
        path("digits.weights.h5"), tmp_path / "out", format="keras", input_shape=(8, 8, 1), oracle=oracle
    ).report

    assert report.opened is not None
    assert report.opened.status == "equal", report.opened.reason


def test_what_was_written_reads_back(tmp_path: Path) -> None:
    """Our own reader sees the numbers of the old file in the new one."""
    k = importlib.import_module("tf_keras")
    model = normalised(k)
    randomise(model)
    model.save(tmp_path / "old.h5")
    convert(tmp_path / "old.h5", tmp_path / "out", format="keras", verify=False)

    old = sorted((v.shape, v.read().tobytes()) for v in read(tmp_path / "old.h5").variables())
    new = sorted((v.shape, v.read().tobytes()) for v in read(tmp_path / "out" / "model.keras").variables())
    assert new == old
