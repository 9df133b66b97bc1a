"""Pools with a window, beside real Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.layers.maps import branches, noise
from tests.layers.reading import layer as read_layer
from tests.twin import agree, converted, relative_error, run
from torch.nn import functional

from regraft.layers import KerasVersion
from regraft.layers.pooling import AveragePooling2D, MaxPooling1D, MaxPooling2D, MaxPooling3D, Pooling


@pytest.mark.parametrize(
    ("class_name", "version", "config", "expected"),
    [
        (
            "MaxPooling1D",
            "1.2.2",
            {"pool_length": 3, "stride": 2, "border_mode": "same"},
            MaxPooling1D(pool_size=3, strides=2, padding="same"),
        ),
        ("MaxPooling1D", "1.0.0", {"pool_length": 3, "stride": None}, MaxPooling1D(pool_size=3)),
        (
            "AveragePooling2D",
            "1.2.2",
            {"pool_size": [2, 3], "strides": [2, 3], "border_mode": "valid", "dim_ordering": "th"},
            AveragePooling2D(pool_size=(2, 3), strides=(2, 3), data_format="channels_first"),
        ),
        ("MaxPooling2D", "0.2", {"pool_size": [2, 2]}, MaxPooling2D(data_format="channels_first")),
        ("MaxPool2D", "3.0.0", {}, MaxPooling2D(pool_size=(2, 2), strides=None)),
        ("MaxPooling3D", "2.3.1", {"pool_size": [1, 2, 2], "strides": None}, MaxPooling3D(pool_size=(1, 2, 2))),
    ],
)
def test_settings_of_every_keras(class_name: str, version: str, config: dict[str, Any], expected: Pooling) -> None:
    assert read_layer(class_name, config, version) == expected


@pytest.mark.parametrize(
    ("layer", "sizes", "module"),
    [
        (MaxPooling2D(), (9, 12), "nn.MaxPool2d(2)"),
        (MaxPooling2D(pool_size=3, strides=2), (9, 12), "nn.MaxPool2d(3, stride=2)"),
        (MaxPooling2D(pool_size=3, strides=1), (9, 12), "nn.MaxPool2d(3, stride=1)"),
        (MaxPooling2D(padding="same"), (8, 12), "nn.MaxPool2d(2)"),
        (MaxPooling2D(padding="same"), (None, None), "nn.MaxPool2d(2, ceil_mode=True)"),
        (MaxPooling2D(pool_size=3, strides=2, padding="same"), (9, 11), "nn.MaxPool2d(3, stride=2, padding=1)"),
        (MaxPooling2D(pool_size=3, strides=2, padding="same"), (8, 12), "nn.MaxPool2d(3, stride=2, ceil_mode=True)"),
        (
            AveragePooling2D(pool_size=3, strides=1, padding="same"),
            (None, 12),
            "nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)",
        ),
    ],
)
def test_stock_modules_pad_where_they_can(layer: Any, sizes: tuple[int | None, int | None], module: str) -> None:
    from regraft.layers import AxisOrder, Site

    shape, order = (None, *sizes, 4), AxisOrder.channels_first(4)
    form = layer.torch(Site("p", (shape,), (layer.shape((shape,)),), (order,), (order,), (False,), {}))
    assert (form.module, form.outputs) == (module, ("%self(%0)",))


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (MaxPooling2D(), (None, 9, None, 4), (None, 4, None, 4)),
        (MaxPooling2D(padding="same"), (None, 9, 12, 4), (None, 5, 6, 4)),
        (MaxPooling1D(pool_size=3, strides=1), (2, 9, 4), (2, 7, 4)),
        (AveragePooling2D(data_format="channels_first"), (2, 3, 9, 12), (2, 3, 4, 6)),
        (MaxPooling3D(), None, (None,) * 5),
    ],
)
def test_shapes(layer: Pooling, shape: Any, expected: Any) -> None:
    assert layer.shape((shape,)) == expected


WINDOWS: list[tuple[Any, Any]] = [(2, 2), (3, 2), (2, 1), (3, 1), (3, 3), (2, 3), (4, 2), (5, 4), (1, 2)]
CASES = [{"pool_size": k, "strides": s, "padding": p} for k, s in WINDOWS for p in ("valid", "same")]
CASES_2D = [
    {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"},
    {"pool_size": (4, 5), "strides": (3, 2), "padding": "same"},
]


def both(library: Any, rank: int, cases: list[dict[str, Any]]) -> list[Any]:
    return [getattr(library.layers, f"{kind}Pooling{rank}D")(**case) for kind in ("Max", "Average") for case in cases]


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("rank", "cases", "shape", "sizes"),
    [
        (2, CASES + CASES_2D, (8, 11, 3), [(8, 11, 3)]),
        (2, CASES + CASES_2D, (9, 10, 3), [(9, 10, 3)]),
        (2, CASES + CASES_2D, (None, None, 3), [(8, 11, 3), (9, 10, 3)]),
        (1, CASES, (9, 3), [(9, 3)]),
        (1, CASES, (None, 3), [(8, 3), (9, 3), (10, 3)]),
    ],
    ids=["2d even odd", "2d odd even", "2d unknown", "1d", "1d unknown"],
)
def test_they_compute_what_keras_computes(rank: int, cases: Any, shape: Any, sizes: Any, tmp_path: Path) -> None:
    import keras

    model = branches(keras, shape, both(keras, rank, cases))
    for size in sizes:
        # Shifted below zero: padding with zeros instead of minus infinity would show.
        agree(model, [noise(2, *size) - 5], tmp_path)


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(4, 5, 6, 3), (None, None, None, 3)], ids=["known", "unknown"])
def test_three_axes_in_float32(shape: Any, tmp_path: Path) -> None:
    import keras

    # TensorFlow has no float64 kernels for these on a CPU.
    model = branches(keras, shape, both(keras, 3, [{"pool_size": 2}, *CASES[1:8], CASES[13]]))
    model.save(tmp_path / "m.keras")
    x = noise(2, 4, 5, 6, 3) - 5
    for ours, theirs in zip(run(converted(tmp_path / "m.keras"), [x], "float32"), model(x), strict=True):
        assert relative_error(ours, np.asarray(theirs)) < 1e-6


@pytest.mark.oracle
def test_padding_counts_in_pytorchs_average_by_default(tmp_path: Path) -> None:
    import keras

    model = branches(keras, (9, 11, 3), [keras.layers.AveragePooling2D(3, 2, "same")])
    module = agree(model, [noise(2, 9, 11, 3)], tmp_path)
    x = noise(2, 9, 11, 3)
    naive = functional.avg_pool2d(torch.from_numpy(x).movedim(-1, 1), 3, 2, 1).movedim(1, -1)
    assert relative_error(naive.numpy(), run(module, [x], "float32")[0]) > 0.2


@pytest.mark.oracle
def test_our_config_is_read_by_keras_3_and_keras_2() -> None:
    import keras
    import tf_keras

    for ours in (
        MaxPooling2D(pool_size=(3, 2), strides=(2, 1), padding="same"),
        AveragePooling2D(strides=(1, 1), data_format="channels_first"),
        MaxPooling1D(pool_size=3, strides=3),
    ):
        name = type(ours).__name__
        for library, version in ((keras, KerasVersion(3, 15)), (tf_keras, KerasVersion(2, 15))):
            again = getattr(library.layers, name).from_config(ours.to_keras(version)).get_config()
            assert read_layer(name, again, str(version)) == ours


@pytest.mark.oracle
@pytest.mark.parametrize("sizes", [(6, 3, 2), (None, None, None)])
def test_the_mean_of_a_volume_smaller_than_its_window(sizes: tuple[int | None, ...], tmp_path: Path) -> None:
    """``nn.AvgPool3d`` refuses such a map whatever its padding is; the pools of one and two axes take it."""
    import keras
    import tensorflow as tf

    pool = keras.layers.AveragePooling3D((1, 4, 3), strides=(1, 2, 1), padding="same")
    model = keras.Sequential([keras.Input((*sizes, 4)), pool])
    model.save(tmp_path / "model.keras")
    x = noise(2, 6, 3, 2, 4)
    (found,) = run(converted(tmp_path / "model.keras"), [x], "float32")
    assert relative_error(found, np.asarray(model(tf.constant(x)))) < 1e-6
