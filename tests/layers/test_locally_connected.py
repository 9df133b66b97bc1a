"""LocallyConnected1D and 2D beside tf_keras, in all three ways to store the kernel, and as Keras 1 wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree

from regraft.errors import ShapeMismatchError
from regraft.layers import AxisOrder, Site

RNG = np.random.default_rng(6)
LINE, IMAGE, FIRST = (RNG.standard_normal((2, *shape)) for shape in ((9, 3), (8, 7, 3), (3, 8, 7)))

CASES_1D: tuple[dict[str, Any], ...] = (
    {"kernel_size": 3},
    {"kernel_size": 2, "strides": 2, "activation": "relu", "implementation": 2},
    {"kernel_size": 4, "padding": "same", "strides": 2, "implementation": 2, "use_bias": False},
    {"kernel_size": 3, "strides": 2, "implementation": 3},
    {"kernel_size": 4, "padding": "same", "implementation": 3},
)
CASES_2D: tuple[dict[str, Any], ...] = (
    {"kernel_size": (3, 2), "strides": (2, 1), "activation": "tanh"},
    {"kernel_size": (3, 2), "implementation": 2},
    {"kernel_size": (3, 2), "padding": "same", "strides": 2, "implementation": 2},
    {"kernel_size": (3, 2), "strides": (1, 2), "implementation": 3, "use_bias": False},
    {"kernel_size": (2, 3), "padding": "same", "implementation": 3},
)


@pytest.mark.oracle
def test_every_case_agrees_with_tf_keras(tmp_path: Path) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    layers = tf_keras.layers
    line, image = tf_keras.Input(LINE.shape[1:]), tf_keras.Input(IMAGE.shape[1:])
    outputs = [layers.LocallyConnected1D(5, **case)(line) for case in CASES_1D]
    outputs += [layers.LocallyConnected2D(5, **case)(image) for case in CASES_2D]
    agree(tf_keras.Model([line, image], outputs), [LINE, IMAGE], tmp_path, suffix=".h5")


@pytest.mark.oracle
def test_channels_first(tmp_path: Path) -> None:
    """The bias is read in another shape, not transposed."""
    tf_keras = pytest.importorskip("tf_keras")
    image = tf_keras.Input(FIRST.shape[1:])
    make = tf_keras.layers.LocallyConnected2D
    cases = ({}, {"implementation": 2}, {"implementation": 3}, {"implementation": 2, "padding": "same"})
    outputs = [make(5, (3, 2), strides=(2, 1), data_format="channels_first", **case)(image) for case in cases]
    agree(tf_keras.Model(image, outputs), [FIRST], tmp_path, suffix=".h5")


def test_keras_1_has_other_names_for_the_settings() -> None:
    old = {
        "nb_filter": 5,
        "nb_row": 3,
        "nb_col": 2,
        "border_mode": "valid",
        "subsample": [2, 1],
        "dim_ordering": "tf",
        "bias": True,
    }
    new = {"filters": 5, "kernel_size": [3, 2], "strides": [2, 1], "padding": "valid", "data_format": "channels_last"}
    assert layer("LocallyConnected2D", old, "1.2.2") == layer("LocallyConnected2D", new, "2.3.1")
    line = layer("LocallyConnected1D", {"nb_filter": 5, "filter_length": 3, "subsample_length": 2}, "1.2.2")
    assert line == layer("LocallyConnected1D", {"filters": 5, "kernel_size": 3, "strides": 2}, "2.3.1")


def test_a_kernel_of_another_map_is_refused() -> None:
    made = layer("LocallyConnected1D", {"filters": 5, "kernel_size": [3]}, "2.11.0")
    order = AxisOrder.channels_first(3)
    stored = {"kernel": (6, 9, 5), "bias": (6, 5)}
    site = Site("local", ((None, 9, 3),), ((None, 7, 5),), (order,), (order,), (False,), stored)
    with pytest.raises(ShapeMismatchError, match=r"its kernel has shape \(6, 9, 5\), expected \(7, 9, 5\)"):
        made.torch(site)
