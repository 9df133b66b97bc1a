"""Pools over the whole map, in any axis order, with and without a mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.maps import branches, noise
from tests.layers.reading import layer as read_layer
from tests.twin import agree, randomise, relative_error, run

from regraft.layers import AxisOrder, KerasVersion, Site
from regraft.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    GlobalPooling,
)


@pytest.mark.parametrize(
    ("class_name", "version", "config", "expected"),
    [
        (
            "GlobalAveragePooling2D",
            "1.2.2",
            {"dim_ordering": "th"},
            GlobalAveragePooling2D(data_format="channels_first"),
        ),
        ("GlobalAveragePooling1D", "1.2.2", {}, GlobalAveragePooling1D()),
        ("GlobalMaxPooling2D", "2.3.1", {"data_format": "channels_last"}, GlobalMaxPooling2D()),
        ("GlobalMaxPool3D", "3.0.0", {"keepdims": True}, GlobalMaxPooling3D(keepdims=True)),
    ],
)
def test_settings_of_every_keras(class_name: str, version: str, config: dict[str, Any], expected: object) -> None:
    assert read_layer(class_name, config, version) == expected


FIRST, LAST = AxisOrder.channels_first(4), AxisOrder.keras(4)


@pytest.mark.parametrize(
    ("layer", "order", "mask", "text"),
    [
        (GlobalAveragePooling2D(), FIRST, False, "%0.mean((2, 3))"),
        (GlobalAveragePooling2D(), LAST, False, "%0.mean((1, 2))"),
        (GlobalAveragePooling2D(data_format="channels_first"), LAST, False, "%0.mean((2, 3))"),
        (GlobalMaxPooling2D(keepdims=True), FIRST, False, "%0.amax((2, 3), keepdim=True)"),
        (GlobalAveragePooling1D(), AxisOrder.keras(3), False, "%0.mean(1)"),
        (GlobalAveragePooling1D(), AxisOrder.channels_first(3), False, "%0.mean(2)"),
        (GlobalAveragePooling1D(), AxisOrder.keras(3), True, "torch.where(%kept, %0, 0.0).sum(1) / %kept.sum(1)"),
    ],
)
def test_the_map_is_taken_as_it_lies(layer: GlobalPooling, order: AxisOrder, mask: bool, text: str) -> None:
    shape = (None, 5, 6, 7)[: len(order.axes)]
    assert layer.torch(Site("p", (shape,), (None,), (order,), (order,), (mask,), {})).outputs == (text,)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (GlobalAveragePooling2D(), (None, 5, 6, 7), (None, 7)),
        (GlobalAveragePooling2D(data_format="channels_first"), (None, 5, 6, 7), (None, 5)),
        (GlobalAveragePooling2D(keepdims=True), (2, 5, None, 7), (2, 1, 1, 7)),
        (GlobalMaxPooling3D(), None, (None, None)),
    ],
)
def test_shapes(layer: GlobalPooling, shape: Any, expected: Any) -> None:
    assert layer.shape((shape,)) == expected


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(5, 3), (5, 6, 3), (2, 5, 6, 3), (None, None, 3)], ids=["1d", "2d", "3d", "unknown"])
@pytest.mark.parametrize("mapped", [False, True], ids=["at the entrance", "behind a convolution"])
def test_they_compute_what_keras_computes(shape: Any, mapped: bool, tmp_path: Path) -> None:
    import keras

    rank = len(shape) - 1
    x = inputs = keras.Input(shape)
    x = getattr(keras.layers, f"Conv{rank}D")(4, 1)(x) if mapped else x
    kinds = [getattr(keras.layers, f"Global{kind}Pooling{rank}D") for kind in ("Average", "Max")]
    outputs = [kind(keepdims=keepdims)(x) for kind in kinds for keepdims in (False, True)]
    agree(keras.Model(inputs, outputs), [noise(2, *(n or 7 for n in shape))], tmp_path)


@pytest.mark.oracle
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_the_mean_of_the_steps_that_a_mask_keeps(library: str, tmp_path: Path) -> None:
    keras = pytest.importorskip(library)
    inputs = keras.Input((6,), dtype="int32")
    x = keras.layers.Embedding(9, 4, mask_zero=True)(inputs)
    outputs = [keras.layers.GlobalAveragePooling1D()(x), keras.layers.GlobalAveragePooling1D(keepdims=True)(x)]
    model = keras.Model(inputs, outputs)
    tokens = np.array([[3, 4, 0, 0, 0, 0], [1, 0, 2, 8, 7, 5], [5, 6, 7, 8, 1, 2]], "int32")
    module = agree(model, [tokens], tmp_path, suffix=".keras" if library == "keras" else ".h5")
    # The naive mean also counts the steps that are masked.
    naive = np.asarray(model.get_weights()[0])[tokens].mean(1)
    assert relative_error(naive, run(module, [tokens])[0]) > 0.2


@pytest.mark.oracle
def test_channels_first_beside_channels_last(tmp_path: Path) -> None:
    import keras

    model = branches(keras, (5, 6, 3), [keras.layers.GlobalMaxPooling2D(data_format="channels_first")])
    randomise(model)
    agree(model, [noise(2, 5, 6, 3)], tmp_path)


@pytest.mark.oracle
def test_our_config_is_read_by_keras_3_and_keras_2() -> None:
    import keras
    import tf_keras

    for ours in (GlobalAveragePooling1D(keepdims=True), GlobalMaxPooling2D(data_format="channels_first")):
        name = type(ours).__name__
        for library, version in ((keras, KerasVersion(3, 15)), (tf_keras, KerasVersion(2, 15))):
            again = getattr(library.layers, name).from_config(ours.to_keras(version)).get_config()
            assert read_layer(name, again, str(version)) == ours
