"""Enlarged maps: repetition, interpolation of today, and that of old Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.layers.maps import branches, lines_of, noise, old_file
from tests.layers.reading import layer as read_layer
from tests.twin import agree, converted, relative_error, run
from torch import nn
from torch.nn import functional

from regraft.errors import UnknownLayerError
from regraft.layers import KerasVersion, Layer
from regraft.layers.upsampling import UpSampling1D, UpSampling2D, UpSampling3D

BILINEAR = {"size": [2, 3], "interpolation": "bilinear"}


@pytest.mark.parametrize(
    ("class_name", "version", "config", "expected"),
    [
        ("UpSampling1D", "1.2.2", {"length": 3}, UpSampling1D(size=3)),
        ("UpSampling1D", "2.3.1", {"size": 3}, UpSampling1D(size=(3,))),
        (
            "UpSampling2D",
            "1.2.2",
            {"size": [2, 3], "dim_ordering": "th"},
            UpSampling2D(size=(2, 3), data_format="channels_first"),
        ),
        ("UpSampling3D", "3.0.0", {"size": (1, 2, 3)}, UpSampling3D(size=(1, 2, 3))),
        ("UpSampling2D", "2.2.4", BILINEAR, UpSampling2D(**BILINEAR | {"size": (2, 3)}, corners=True)),
        ("UpSampling2D", "2.1.6-tf", BILINEAR, UpSampling2D(**BILINEAR | {"size": (2, 3)}, corners=True)),
        ("UpSampling2D", "2.2.4-tf", BILINEAR, UpSampling2D(**BILINEAR | {"size": (2, 3)})),
        ("UpSampling2D", "3.0.0", BILINEAR, UpSampling2D(**BILINEAR | {"size": (2, 3)})),
        ("UpSampling2D", "2.2.4", {"size": [2, 2], "interpolation": "nearest"}, UpSampling2D()),
    ],
)
def test_settings_of_every_keras(class_name: str, version: str, config: dict[str, Any], expected: Layer) -> None:
    assert read_layer(class_name, config, version) == expected


@pytest.mark.parametrize(
    ("config", "version", "reason"),
    [
        ({"size": 2, "interpolation": "mitchellcubic"}, "2.11.0", "mitchellcubic"),
        ({"size": [2, 2]}, "1.2.2", "dim_ordering"),
        ({"size": [2, 0]}, "2.3.1", "positive"),
    ],
)
def test_what_it_cannot_do_is_said(config: dict[str, Any], version: str, reason: str) -> None:
    with pytest.raises(UnknownLayerError, match=reason):
        read_layer("UpSampling2D", config, version)


def test_old_coordinates_are_a_caveat() -> None:
    assert UpSampling2D(interpolation="bilinear", corners=True).caveats(KerasVersion(3))
    assert not UpSampling2D(interpolation="bilinear").caveats(KerasVersion(3))


def test_shapes() -> None:
    assert UpSampling2D(size=(2, 3)).shape(((None, 5, None, 3),)) == (None, 10, None, 3)
    assert UpSampling2D(data_format="channels_first").shape(((2, 3, 5, 6),)) == (2, 3, 10, 12)
    assert UpSampling1D(size=4).shape((None,)) == (None, None, None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("factor", [*range(1, 14), 17, 25, 32, 49])
def test_pytorchs_nearest_repeats_exactly(factor: int, dtype: torch.dtype) -> None:
    for length in (1, 7, 225, 4099):
        x = torch.arange(length, dtype=dtype)[None, None]
        assert torch.equal(nn.Upsample(scale_factor=factor)(x), x.repeat_interleave(factor, 2))


@pytest.mark.oracle
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_they_compute_what_keras_computes(known: bool, tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    for size, made in (
        ((5, 3), [layers.UpSampling1D(3)]),
        ((5, 6, 3), [layers.UpSampling2D((2, 3)), layers.UpSampling2D(2)]),
        ((2, 3, 4, 3), [layers.UpSampling3D((1, 2, 3))]),
    ):
        shape = size if known else (*(None,) * (len(size) - 1), 3)
        agree(branches(keras, shape, made), [noise(2, *size)], tmp_path)
    methods = ["bilinear", "bicubic", "lanczos3", "lanczos5"]
    made = [layers.UpSampling2D((2, 3), interpolation=method) for method in methods]
    # TensorFlow interpolates in float32 whatever the dtype.
    agree(branches(keras, (5, 6, 3) if known else (None, None, 3), made), [noise(2, 5, 6, 3)], tmp_path, tolerance=1e-6)


@pytest.mark.oracle
def test_it_computes_what_keras_2_computes(tmp_path: Path) -> None:
    import tf_keras

    made = [tf_keras.layers.UpSampling2D((2, 3), interpolation=method) for method in ("nearest", "bilinear", "bicubic")]
    agree(branches(tf_keras, (5, 6, 3), made), [noise(2, 5, 6, 3)], tmp_path, suffix=".h5", tolerance=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(5, 6, 3), (None, None, 3)], ids=["known", "unknown"])
def test_bilinear_of_keras_2_3_interpolates_between_corners(shape: Any, tmp_path: Path) -> None:
    import tensorflow as tf

    file = tmp_path / "m.h5"
    module = converted(old_file(file, shape, [("UpSampling2D", {"name": "u", **BILINEAR}, {})], version="2.3.1"))
    x = noise(2, 5, 6, 3)
    expected = tf.compat.v1.image.resize_bilinear(x, (10, 18), half_pixel_centers=False).numpy()
    found = run(module, [x], "float32")[0]
    assert relative_error(found, expected) < 1e-6
    naive = functional.interpolate(torch.from_numpy(x).movedim(-1, 1), scale_factor=(2, 3), mode="bilinear")
    assert relative_error(naive.movedim(1, -1).numpy(), found) > 0.2


@pytest.mark.oracle
def test_pytorchs_bicubic_has_other_weights(tmp_path: Path) -> None:
    import keras

    model = branches(keras, (5, 6, 3), [keras.layers.UpSampling2D(2, interpolation="bicubic", name="u")])
    x = noise(2, 5, 6, 3)
    module = agree(model, [x], tmp_path, tolerance=1e-6)
    assert lines_of(module.source, '"bicubic")') == ['x = resize(x, (10, 12), "bicubic")']
    naive = functional.interpolate(torch.from_numpy(x).movedim(-1, 1), scale_factor=2, mode="bicubic").movedim(1, -1)
    assert relative_error(naive.numpy(), np.asarray(model(x))) > 0.02


@pytest.mark.oracle
def test_our_config_is_read_by_keras_3_and_keras_2() -> None:
    import keras
    import tf_keras

    for ours in (
        UpSampling1D(size=3),
        UpSampling2D(size=(2, 3), interpolation="bilinear", data_format="channels_first"),
        UpSampling3D(size=(1, 2, 3)),
    ):
        name = type(ours).__name__
        for library, version in ((keras, KerasVersion(3, 15)), (tf_keras, KerasVersion(2, 15))):
            again = getattr(library.layers, name).from_config(ours.to_keras(version)).get_config()
            assert read_layer(name, again, str(version)) == ours
