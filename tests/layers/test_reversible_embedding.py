"""ReversibleEmbedding beside real Keras: there and back, with one table and with two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.twin import agree

IDS = np.random.default_rng(1).integers(0, 11, (3, 4)).astype("int32")


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("tied", [True, False])
def test_there_and_back(tied: bool, suffix: str, tmp_path: Path) -> None:
    import keras
    from keras import layers

    ids = keras.Input((4,), dtype="int32")
    table = layers.ReversibleEmbedding(11, 6, tie_weights=tied, mask_zero=True, logit_soft_cap=2.0)
    plain = layers.ReversibleEmbedding(11, 6, tie_weights=tied)
    vectors = table(ids)
    hidden = layers.LSTM(6, return_sequences=True)(vectors)
    outputs = [vectors, table(hidden, reverse=True), plain(layers.Dense(6)(plain(ids)), reverse=True)]
    module = agree(keras.Model(ids, outputs), [IDS], tmp_path, suffix=suffix)
    assert module.source.count("nn.Embedding(11, 6)") == (2 if tied else 0)
