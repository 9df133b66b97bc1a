"""SpectralNormalization beside real Keras, after a step of training that moved the kernel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.twin import agree

DATA = np.random.default_rng(4).standard_normal((2, 7, 6, 3))


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_the_kernel_of_the_file_is_used_as_it_is(suffix: str, tmp_path: Path) -> None:
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input(DATA.shape[1:]),
            layers.SpectralNormalization(layers.Conv2D(5, (3, 2), strides=2, padding="same", activation="relu")),
            layers.SpectralNormalization(layers.Conv2DTranspose(4, 3, use_bias=False), power_iterations=2),
            layers.Flatten(),
            layers.SpectralNormalization(layers.Dense(6)),
        ]
    )
    model(DATA.astype("float32"), training=True)
    module = agree(model, [DATA], tmp_path, suffix=suffix)
    assert "nn.ConvTranspose2d(5, 4, 3, bias=False)" in module.source


@pytest.mark.oracle
def test_a_table(tmp_path: Path) -> None:
    import keras
    from keras import layers

    for dtype in ("int32", "float32"):  # of integers Keras makes integers again
        ids = keras.Input((4,), dtype=dtype)
        model = keras.Model(ids, layers.SpectralNormalization(layers.Embedding(11, 3))(ids))
        agree(model, [np.arange(8).reshape(2, 4).astype(dtype)], tmp_path)
