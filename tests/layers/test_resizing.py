"""Images to a given size, beside real Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.layers.maps import branches, noise
from tests.layers.reading import layer as read_layer
from tests.twin import agree, relative_error
from torch.nn import functional

from regraft.errors import UnknownLayerError
from regraft.layers import KerasVersion
from regraft.layers.resizing import Resizing


def test_settings_and_shapes() -> None:
    config = {"height": 7, "width": 8, "interpolation": "NEAREST", "crop_to_aspect_ratio": False}
    ours = read_layer("Resizing", config, "2.9.0")
    assert ours == Resizing(height=7, width=8, interpolation="nearest")
    assert ours.shape(((None, None, 5, 3),)) == (None, 7, 8, 3)
    assert Resizing(height=7, width=8, data_format="channels_first").shape((None,)) == (None, None, 7, 8)


@pytest.mark.parametrize("key", ["crop_to_aspect_ratio", "pad_to_aspect_ratio"])
def test_the_aspect_ratio_is_not_kept(key: str) -> None:
    with pytest.raises(UnknownLayerError, match="aspect"):
        read_layer("Resizing", {"height": 7, "width": 8, key: True})


def test_keras_2_has_no_antialias() -> None:
    smooth = Resizing(height=7, width=8, antialias=True)
    assert "antialias" in smooth.to_keras(KerasVersion(3))
    assert "antialias" not in smooth.to_keras(KerasVersion(2))
    assert smooth.caveats(KerasVersion(2))
    assert not smooth.caveats(KerasVersion(3))


METHODS = ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(9, 6, 3), (None, None, 3)], ids=["known", "unknown"])
def test_it_computes_what_keras_computes(shape: Any, tmp_path: Path) -> None:
    import keras

    made = [
        keras.layers.Resizing(height, width, interpolation=method, antialias=smooth)
        for height, width in ((4, 13), (18, 3))
        for smooth in (False, True)
        for method in METHODS
    ]
    agree(branches(keras, shape, made), [noise(2, 9, 6, 3)], tmp_path, tolerance=1e-6)


@pytest.mark.oracle
def test_it_computes_what_keras_2_computes(tmp_path: Path) -> None:
    import tf_keras

    made = [tf_keras.layers.Resizing(4, 13, interpolation=method) for method in METHODS]
    agree(branches(tf_keras, (9, 6, 3), made), [noise(2, 9, 6, 3)], tmp_path, suffix=".h5", tolerance=1e-6)


@pytest.mark.oracle
def test_pytorchs_nearest_is_another(tmp_path: Path) -> None:
    import keras

    x = noise(2, 9, 6, 3)
    expected = np.asarray(keras.layers.Resizing(4, 13, interpolation="nearest")(x))
    naive = functional.interpolate(torch.from_numpy(x).movedim(-1, 1), (4, 13), mode="nearest").movedim(1, -1)
    assert relative_error(naive.numpy(), expected) > 0.5
