"""Depthwise and separable convolutions beside real Keras, and as Keras 1 and 2 wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.layers.maps import branches, lines_of, noise
from tests.layers.reading import layer as read_layer
from tests.twin import agree, relative_error, run
from torch.nn import functional

from regraft.errors import UnknownLayerError
from regraft.layers import KerasVersion, Stored
from regraft.layers.depthwise import DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D
from regraft.layout import apply, undo


@pytest.mark.parametrize(
    ("class_name", "version", "config", "expected"),
    [
        (
            "DepthwiseConv2D",
            "2.4.0",
            {"kernel_size": [3, 5], "depth_multiplier": 2, "padding": "same", "groups": 1, "activation": "linear"},
            DepthwiseConv2D(kernel_size=(3, 5), depth_multiplier=2, padding="same"),
        ),
        ("DepthwiseConv1D", "3.1.0", {"kernel_size": 3, "strides": 2}, DepthwiseConv1D(kernel_size=3, strides=2)),
        (
            "SeparableConvolution2D",
            "1.2.2",
            {"nb_filter": 7, "nb_row": 3, "nb_col": 5, "depth_multiplier": 2, "dim_ordering": "th", "bias": False},
            SeparableConv2D(
                filters=7, kernel_size=(3, 5), depth_multiplier=2, use_bias=False, data_format="channels_first"
            ),
        ),
        (
            "SeparableConv1D",
            "2.3.1",
            {"filters": 7, "kernel_size": [3], "padding": "causal", "dilation_rate": [2]},
            SeparableConv1D(filters=7, kernel_size=3, padding="causal", dilation_rate=2),
        ),
    ],
)
def test_settings_of_every_keras(class_name: str, version: str, config: dict[str, Any], expected: object) -> None:
    assert read_layer(class_name, config, version) == expected


def test_groups_that_keras_would_ignore_are_refused() -> None:
    with pytest.raises(UnknownLayerError, match="one group"):
        read_layer("DepthwiseConv2D", {"kernel_size": 3, "groups": 2})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (DepthwiseConv2D(kernel_size=3, depth_multiplier=2).shape(((None, 9, 12, 4),)), (None, 7, 10, 8)),
        (DepthwiseConv2D(kernel_size=3).shape((None,)), (None, None, None, None)),
        (DepthwiseConv1D(kernel_size=3, padding="same", strides=2).shape(((None, 9, 4),)), (None, 5, 4)),
        (
            SeparableConv2D(filters=5, kernel_size=3, data_format="channels_first").shape(((2, 4, 9, 12),)),
            (2, 5, 7, 10),
        ),
    ],
)
def test_shapes(found: object, expected: object) -> None:
    assert found == expected


@pytest.mark.parametrize("version", ["1.2.2", "2.3.1"])
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_kernels_as_every_keras_stored_them(version: str, data_format: str) -> None:
    layer = SeparableConv2D(filters=7, kernel_size=(3, 5), depth_multiplier=2, data_format=data_format)
    kernels = {"depthwise_kernel": noise(3, 5, 4, 2), "pointwise_kernel": noise(1, 1, 8, 7)}
    stored = list(kernels.values())
    if version < "2" and data_format == "channels_first":
        stored = [stored[0].transpose(3, 2, 0, 1), stored[1].transpose(3, 2, 0, 1)]
    # Theano turned these kernels back before it used them, so they are never turned here.
    origins = layer.stored(Stored((*(a.shape for a in stored), (7,)), KerasVersion.parse(version), theano=True))
    assert origins["bias"].places == (2,)
    for place, (name, kernel) in enumerate(kernels.items()):
        found = apply(origins[name].moves, (stored[place],))
        np.testing.assert_array_equal(found[0], kernel)
        np.testing.assert_array_equal(undo(origins[name].moves, found)[0], stored[place])


CASES: list[dict[str, Any]] = [
    {"kernel_size": 3},
    {"kernel_size": 3, "padding": "same", "depth_multiplier": 2, "activation": "relu"},
    {"kernel_size": 4, "strides": 2, "padding": "same", "depth_multiplier": 3, "use_bias": False},
    {"kernel_size": 3, "dilation_rate": 2, "padding": "same"},
    {"kernel_size": 3, "strides": 2, "dilation_rate": 2, "padding": "same"},
    {"kernel_size": 2, "strides": 3, "padding": "same"},
]


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("rank", "shape", "inputs"),
    [
        (2, (9, 12, 4), [(9, 12, 4)]),
        (2, (None, None, 4), [(10, 11, 4)]),
        (1, (9, 4), [(9, 4)]),
        (1, (None, 4), [(10, 4)]),
    ],
    ids=["2d", "2d unknown", "1d", "1d unknown"],
)
def test_they_compute_what_keras_computes(rank: int, shape: Any, inputs: Any, tmp_path: Path) -> None:
    import keras

    depthwise, separable = (getattr(keras.layers, f"{kind}Conv{rank}D") for kind in ("Depthwise", "Separable"))
    layers = [*(depthwise(**case) for case in CASES), *(separable(6, **case) for case in CASES)]
    model = branches(keras, shape, layers)
    for size in inputs:
        agree(model, [noise(2, *size)], tmp_path)
    if rank == 1:
        agree(model, [noise(2, *inputs[0])], tmp_path, suffix=".h5")


@pytest.mark.oracle
def test_they_compute_what_keras_2_computes(tmp_path: Path) -> None:
    import tf_keras

    layers = [
        tf_keras.layers.SeparableConv1D(6, 3, padding="causal", dilation_rate=2, depth_multiplier=2),
        tf_keras.layers.DepthwiseConv1D(3, padding="same", strides=2),
    ]
    agree(branches(tf_keras, (10, 4), layers), [noise(2, 10, 4)], tmp_path, suffix=".h5")
    layers = [
        tf_keras.layers.SeparableConv2D(6, 3, padding="same", depth_multiplier=2),
        tf_keras.layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2),
    ]
    agree(branches(tf_keras, (10, 9, 4), layers), [noise(2, 10, 9, 4)], tmp_path, suffix=".h5")


@pytest.mark.oracle
def test_output_channels_are_channel_major(tmp_path: Path) -> None:
    import keras

    model = branches(keras, (9, 12, 4), [keras.layers.DepthwiseConv2D(3, depth_multiplier=2, name="d")])
    module = agree(model, [noise(2, 9, 12, 4)], tmp_path)
    assert lines_of(module.source, "self.d =") == ["self.d = nn.Conv2d(4, 8, 3, groups=4)"]
    kernel, bias = (torch.from_numpy(np.asarray(w)) for w in model.get_weights())
    x = torch.from_numpy(noise(2, 9, 12, 4))
    naive = functional.conv2d(x.movedim(-1, 1), kernel.permute(3, 2, 0, 1).reshape(8, 1, 3, 3), bias, groups=4)
    assert relative_error(naive.movedim(1, -1).numpy(), run(module, [x.numpy()], "float32")[0]) > 0.5


@pytest.mark.oracle
def test_our_config_is_read_by_keras_3_and_keras_2() -> None:
    import keras
    import tf_keras

    for ours in (
        DepthwiseConv2D(kernel_size=(3, 2), depth_multiplier=2, activation="relu"),
        DepthwiseConv1D(kernel_size=3, use_bias=False),
        SeparableConv2D(filters=5, kernel_size=3, padding="same", depth_multiplier=2),
        SeparableConv1D(filters=5, kernel_size=3, dilation_rate=2),
    ):
        name = type(ours).__name__
        for library, version in ((keras, KerasVersion(3, 15)), (tf_keras, KerasVersion(2, 15))):
            again = getattr(library.layers, name).from_config(ours.to_keras(version)).get_config()
            assert read_layer(name, again, str(version)) == ours
