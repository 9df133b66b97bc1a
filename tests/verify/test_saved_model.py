"""SavedModel folders: made into a file where Keras described them, run where they are harmless, refused where not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.twin import randomise

from regraft.verify import KerasError, Oracle
from regraft.verify.origin import resolved
from regraft.weights import read

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    pytest.importorskip("keras")
    pytest.importorskip("tf_keras")
    with Oracle(timeout=200) as running:
        yield running


def test_one_of_tf_keras_becomes_a_file(tmp_path: Path, oracle: Oracle) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    x = tf_keras.Input((9, 7, 2), name="image")
    y = tf_keras.layers.BatchNormalization(name="norm")(tf_keras.layers.Conv2D(5, 3, name="conv")(x))
    model = tf_keras.Model(x, tf_keras.layers.Dense(4, kernel_regularizer="l2", name="head")(y))
    randomise(model, 3)
    model.save(tmp_path / "model", save_format="tf")
    with resolved(tmp_path / "model", oracle=oracle) as origin:
        assert origin.kind == "SavedModel"
        assert origin.file is not None
        stored = {v.path: v.read() for v in read(origin.file).variables()}
    assert len(stored) == len(model.weights)
    for weight in model.weights:
        found = [array for path, array in stored.items() if path.endswith(weight.name)]
        assert len(found) == 1
        np.testing.assert_array_equal(found[0], weight.numpy())


def test_one_of_keras_3_is_a_graph(tmp_path: Path, oracle: Oracle) -> None:
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.layers.Input((7,)), keras.layers.Dense(4)])
    model.export(tmp_path / "model", verbose=False)
    with resolved(tmp_path / "model", oracle=oracle) as origin:
        assert (origin.kind, origin.file, origin.graph) == ("graph", None, tmp_path / "model")
        assert "its signature serving_default is run" in origin.notes


def with_lambda(folder: Path, canary: Path) -> str:
    """A description that holds code."""
    k = pytest.importorskip("tf_keras")
    where = str(canary)
    code = k.layers.Lambda(lambda x: (__import__("pathlib").Path(where).write_text("ran"), x)[1], name="code")
    k.Sequential([k.layers.Input((3,)), code]).save(folder, save_format="tf")
    canary.unlink(missing_ok=True)
    return "class 'Lambda'"


def module_of(function: Any, folder: Path) -> None:
    """A SavedModel of one function."""
    import tensorflow as tf

    module = tf.Module()
    module.f = tf.function(function, input_signature=[tf.TensorSpec((None, 3), tf.float32)])
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.f})


def that_reads(folder: Path, canary: Path) -> str:
    """A graph that reads a file when it is run."""
    import tensorflow as tf

    module_of(lambda x: {"y": x, "s": tf.io.read_file(str(canary))}, folder)
    return "ReadFile"


def that_writes(folder: Path, canary: Path) -> str:
    """A graph that writes a file, inside a function that another calls."""
    import tensorflow as tf

    @tf.function
    def inner(x: Any) -> Any:
        with tf.control_dependencies([tf.io.write_file(str(canary), "ran")]):
            return tf.identity(x)

    module_of(lambda x: {"y": inner(x)}, folder)
    return "WriteFile"


def that_calls_python(folder: Path, canary: Path) -> str:
    """A graph that calls Python."""
    import tensorflow as tf

    module_of(lambda x: {"y": tf.numpy_function(lambda a: a, [x], tf.float32)}, folder)
    return "PyFunc"


def with_an_asset(folder: Path, canary: Path) -> str:
    """A table that is filled from a file."""
    import tensorflow as tf

    canary.write_text("a\n")
    module = tf.Module()
    filler = tf.lookup.TextFileInitializer(str(canary), tf.string, 0, tf.int64, 1)
    del filler  # the asset alone is what is told by the object graph
    module.asset = tf.saved_model.Asset(str(canary))
    module.f = tf.function(lambda x: {"y": x + 1}, input_signature=[tf.TensorSpec((None, 3), tf.float32)])
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.f})
    canary.unlink()
    return "a file of its own"


def with_a_table(folder: Path, canary: Path) -> str:
    """A table of its own."""
    import tensorflow as tf

    filler = tf.lookup.KeyValueTensorInitializer(tf.constant([1], tf.int64), tf.constant([2], tf.int64))
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(filler, 0)
    module.f = tf.function(lambda x: {"y": x + 1}, input_signature=[tf.TensorSpec((None, 3), tf.float32)])
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.f})
    return "a table or another resource"


def of_tensorflow_1(folder: Path, canary: Path) -> str:
    """One that TensorFlow would load by running operations of its outer graph."""
    from tensorflow.core.protobuf import saved_model_pb2

    module_of(lambda x: {"y": x + 1}, folder)
    found = saved_model_pb2.SavedModel()
    found.ParseFromString((folder / "saved_model.pb").read_bytes())
    found.meta_graphs[0].ClearField("object_graph_def")
    (folder / "saved_model.pb").write_bytes(found.SerializeToString())
    return "it is not loaded"


def of_two_graphs(folder: Path, canary: Path) -> str:
    """The first is harmless."""
    from tensorflow.core.protobuf import saved_model_pb2

    module_of(lambda x: {"y": x + 1}, folder)
    found = saved_model_pb2.SavedModel()
    found.ParseFromString((folder / "saved_model.pb").read_bytes())
    found.meta_graphs.append(found.meta_graphs[0])
    (folder / "saved_model.pb").write_bytes(found.SerializeToString())
    return "it is not loaded"


def without_signature(folder: Path, canary: Path) -> str:
    """Nothing to run."""
    import tensorflow as tf

    tf.saved_model.save(tf.Module(), str(folder))
    return "it has no signature serving_default or serve"


def that_is_no_buffer(folder: Path, canary: Path) -> str:
    """Bytes that are something else."""
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"\xff" * 99)
    return "is no SavedModel"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "make",
    [
        with_lambda,
        that_reads,
        that_writes,
        that_calls_python,
        with_an_asset,
        with_a_table,
        of_tensorflow_1,
        of_two_graphs,
        without_signature,
        that_is_no_buffer,
    ],
)
def test_what_is_refused(make: Any, tmp_path: Path, oracle: Oracle) -> None:
    pytest.importorskip("tensorflow")
    canary = tmp_path / "canary.txt"
    words = make(tmp_path / "model", canary)
    with pytest.raises(KerasError) as refused, resolved(tmp_path / "model", oracle=oracle):
        pass
    assert words in str(refused.value)
    assert not canary.exists(), "nothing of it ran"
