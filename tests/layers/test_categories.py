"""Discretization, IntegerLookup and CategoryEncoding beside real Keras, in every output mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree

from regraft.errors import UnknownLayerError

RNG = np.random.default_rng(9)
NUMBERS = np.concatenate([RNG.uniform(-2, 5, (4, 4)), [[-0.5, 1.0, 2.5, 7.0]]]).astype("float32")
IDS = RNG.integers(0, 6, (5, 4)).astype("int32")
BOUNDARIES = [-0.5, 1.0, 2.5]
MODES = ("int", "one_hot", "multi_hot", "count")


@pytest.mark.oracle
def test_keras_3(tmp_path: Path) -> None:
    import keras
    from keras import layers

    numbers, ids = keras.Input((4,), name="numbers"), keras.Input((4,), dtype="int32", name="ids")
    single = keras.Input((1,), dtype="int32", name="single")
    outputs: list[Any] = [layers.Discretization(BOUNDARIES, output_mode=mode)(numbers) for mode in MODES]
    outputs += [layers.CategoryEncoding(6, output_mode=mode)(ids) for mode in MODES[1:]]
    outputs.append(layers.CategoryEncoding(6, output_mode="one_hot")(single))
    outputs.append(layers.CategoryEncoding(6, output_mode="count")(ids, count_weights=numbers))
    outputs.append(layers.Dense(3)(layers.CategoryEncoding(6)(ids)))
    agree(keras.Model([numbers, ids, single], outputs), [NUMBERS, IDS, IDS[:, :1]], tmp_path)


@pytest.mark.oracle
def test_lookups(tmp_path: Path) -> None:
    import keras
    from keras import layers

    ids = keras.Input((4,), dtype="int64", name="ids")
    words = [5, 2, 40]
    outputs = [layers.IntegerLookup(vocabulary=words, output_mode=mode)(ids) for mode in MODES[:1] + MODES[2:]]
    outputs.append(layers.IntegerLookup(vocabulary=words, mask_token=0)(ids))
    data = np.array([[5, 2, 0, 40], [7, 7, -3, 2]])
    agree(keras.Model(ids, outputs), [data], tmp_path)


@pytest.mark.oracle
def test_tf_keras(tmp_path: Path) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    layers = tf_keras.layers
    numbers, ids = tf_keras.Input((4,), name="numbers"), tf_keras.Input((4,), name="ids")
    single = tf_keras.Input((1,), name="single")
    outputs = [layers.Discretization(BOUNDARIES, output_mode=mode)(numbers) for mode in ("int", "multi_hot", "count")]
    outputs += [layers.CategoryEncoding(6, output_mode=mode)(ids) for mode in ("multi_hot", "count")]
    outputs.append(layers.CategoryEncoding(6, output_mode="one_hot")(single))
    data = [NUMBERS, IDS.astype("float32"), IDS[:, :1].astype("float32")]
    agree(tf_keras.Model([numbers, ids, single], outputs), data, tmp_path, suffix=".h5")


@pytest.mark.parametrize(
    ("name", "config", "words"),
    [
        ("Discretization", {"bin_boundaries": None, "num_bins": 4}, "boundaries are not in its config"),
        ("IntegerLookup", {"vocabulary": None}, "vocabulary is not in its config"),
        ("IntegerLookup", {"vocabulary": [3, 4], "num_oov_indices": 2}, "hashes unknown integers"),
        ("IntegerLookup", {"vocabulary": [3, 4], "mask_token": 0, "output_mode": "count"}, "with a mask token"),
        ("IntegerLookup", {"vocabulary": [3, 4], "invert": True}, "from places to integers"),
        ("IntegerLookup", {"vocabulary": [3, 4], "output_mode": "tf_idf"}, "encoded as 'tf_idf'"),
    ],
)
def test_what_is_not_in_the_config_is_refused(name: str, config: dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownLayerError, match=words):
        layer(name, config)
