"""AutoContrast and ContrastLimitedAdaptiveHistogramEqualization beside real Keras."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.twin import agree, converted, relative_error, run

RNG = np.random.default_rng(11)
#: Batch 3, 21 x 18 pixels, 2 channels; one channel of one image is the same everywhere.
IMAGES = (RNG.uniform(20, 200, (3, 21, 18, 2)) ** 1.02).clip(0, 255)
IMAGES[1, :, :, 0] = 70.0


@pytest.mark.oracle
def test_auto_contrast(tmp_path: Path) -> None:
    import keras
    from keras import layers

    entry = keras.Input((21, 18, 2))
    dark = layers.Rescaling(1 / 256)(entry)
    outputs = [
        layers.AutoContrast()(entry),
        layers.AutoContrast(value_range=(0, 1))(dark),
        layers.Conv2D(3, 2)(layers.AutoContrast()(entry)),
    ]
    agree(keras.Model(entry, outputs), [IMAGES], tmp_path)


@pytest.mark.oracle
@pytest.mark.parametrize("grid", [(8, 8), (3, 2), (1, 4)])
def test_equalization_of_tiles(grid: tuple[int, int], tmp_path: Path) -> None:
    """Keras computes it in float32 whatever the model's dtype is."""
    import keras
    from keras import layers

    make = layers.ContrastLimitedAdaptiveHistogramEqualization
    entry = keras.Input((21, 18, 2))
    dark = layers.Rescaling(1 / 256)(entry)
    outputs = [
        make(tile_grid_size=grid)(entry),
        make(tile_grid_size=grid, clip_limit=1.5)(entry),
        make(tile_grid_size=grid, clip_limit=0.0)(entry),
        make(tile_grid_size=grid, value_range=(0, 1))(dark),
    ]
    model = keras.Model(entry, outputs)
    model.save(tmp_path / "tiles.keras")
    images = IMAGES.astype("float32")
    found = run(converted(tmp_path / "tiles.keras"), [images], "float32")
    for ours, theirs in zip(found, model(images), strict=True):
        assert relative_error(ours, np.asarray(theirs)) < 1e-5


@pytest.mark.oracle
def test_auto_contrast_channels_first(tmp_path: Path) -> None:
    """Keras takes the extremes over axes 1 and 2 then too: over channels and height."""
    import keras

    entry = keras.Input((2, 21, 18))
    model = keras.Model(entry, keras.layers.AutoContrast(data_format="channels_first")(entry))
    module = agree(model, [IMAGES.transpose(0, 3, 1, 2)], tmp_path)
    assert "auto_contrast(x, dims=(1, 2))" in module.source
