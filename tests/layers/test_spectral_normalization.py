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


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:Layer 'spectral_normalization")  # it says that the mask is lost, and it is not
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_mask_passes_as_the_wrapped_layer_has_it(suffix: str, tmp_path: Path) -> None:
    """The mean behind it is over the steps that are there, in Keras 3."""
    import keras
    from keras import layers

    entry = keras.Input((6, 4))
    x = layers.SpectralNormalization(layers.Dense(5, activation="tanh"))(layers.Masking()(entry))
    data = np.random.default_rng(0).standard_normal((3, 6, 4)).astype("float32")
    data[0, 4:], data[1, 1] = 0, 0
    module = agree(keras.Model(entry, layers.GlobalAveragePooling1D()(x)), [data], tmp_path, suffix=suffix)
    assert "kept.sum(1)" in module.source, "the mean is over the steps that are there"
