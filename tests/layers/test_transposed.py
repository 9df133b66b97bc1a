"""Transposed convolutions: every way in which Keras cuts or extends the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.layers.maps import branches, lines_of, noise, old_file
from tests.layers.reading import layer as read_layer
from tests.twin import agree, converted, relative_error, run
from torch.nn import functional

from regraft.errors import UnknownLayerError
from regraft.layers import KerasVersion, Stored
from regraft.layers.transposed import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from regraft.layout import apply, undo

DECONVOLUTION = {"nb_filter": 5, "nb_row": 3, "nb_col": 3, "subsample": [2, 2], "dim_ordering": "tf"}


@pytest.mark.parametrize(
    ("class_name", "version", "config", "expected"),
    [
        (
            "Conv2DTranspose",
            "2.3.1",
            {"filters": 5, "kernel_size": [3, 4], "strides": [2, 2], "padding": "same", "output_padding": None},
            Conv2DTranspose(filters=5, kernel_size=(3, 4), strides=2, padding="same"),
        ),
        (
            "Conv1DTranspose",
            "3.0.0",
            {"filters": 5, "kernel_size": 3, "strides": 2, "output_padding": [0]},
            Conv1DTranspose(filters=5, kernel_size=3, strides=2, output_padding=(0,)),
        ),
        (
            "Conv3DTranspose",
            "2.9.0",
            {"filters": 5, "kernel_size": 3, "groups": 1},
            Conv3DTranspose(filters=5, kernel_size=3),
        ),
        # Keras 1 stated the size of the result: 12 -> 25 is what "valid" gives, 26 is one more, 23 and 24 are "same".
        (
            "Deconvolution2D",
            "1.2.2",
            {**DECONVOLUTION, "border_mode": "valid", "output_shape": [None, 25, 25, 5]},
            Conv2DTranspose(filters=5, kernel_size=3, strides=2),
        ),
        (
            "Deconvolution2D",
            "1.2.2",
            {**DECONVOLUTION, "border_mode": "valid", "output_shape": [None, 26, 25, 5]},
            Conv2DTranspose(filters=5, kernel_size=3, strides=2, output_padding=(1, 0)),
        ),
        (
            "Deconvolution2D",
            "1.2.2",
            {**DECONVOLUTION, "border_mode": "same", "output_shape": [None, 24, 24, 5]},
            Conv2DTranspose(filters=5, kernel_size=3, strides=2, padding="same"),
        ),
        (
            "Deconvolution2D",
            "1.2.2",
            {**DECONVOLUTION, "border_mode": "same", "output_shape": [32, 5, 23, 24], "dim_ordering": "th"},
            Conv2DTranspose(
                filters=5, kernel_size=3, strides=2, padding="same", output_padding=(0, 1), data_format="channels_first"
            ),
        ),
    ],
)
def test_settings_of_every_keras(class_name: str, version: str, config: dict[str, Any], expected: object) -> None:
    assert read_layer(class_name, config, version) == expected


@pytest.mark.parametrize("shape", [None, [None, None, None, 5], [25, 25], "25", [None, 1, 25, 5]])
def test_an_output_shape_without_sizes_is_refused(shape: Any) -> None:
    with pytest.raises(UnknownLayerError, match="output_shape"):
        read_layer("Deconvolution2D", {**DECONVOLUTION, "output_shape": shape}, "1.2.2")


@pytest.mark.parametrize("extra", [-1, [1], 0.5, [1, True]])
def test_an_output_padding_that_is_none_is_refused(extra: Any) -> None:
    with pytest.raises(UnknownLayerError, match="output_padding"):
        read_layer("Conv2DTranspose", {"filters": 5, "kernel_size": 3, "output_padding": extra})


def test_kernels_as_every_keras_stored_them() -> None:
    kernel = noise(3, 4, 5, 2)
    forms = {
        ("1.2.2", "channels_last"): kernel.transpose(0, 1, 3, 2),
        ("1.2.2", "channels_first"): kernel.transpose(2, 3, 0, 1),
        ("2.3.1", "channels_last"): kernel,
        ("2.3.1", "channels_first"): kernel,
    }
    for (version, order), array in forms.items():
        for theano in (False, True):
            turned = kernel[::-1, ::-1] if theano else kernel
            layer = Conv2DTranspose(filters=5, kernel_size=(3, 4), data_format=order)
            moves = layer.stored(Stored((array.shape,), KerasVersion.parse(version), theano))["kernel"].moves
            np.testing.assert_array_equal(apply(moves, (array,))[0], turned)
            np.testing.assert_array_equal(undo(moves, (turned,))[0], array)


@pytest.mark.parametrize(
    ("settings", "constructor", "call"),
    [
        ({"kernel_size": 4, "strides": 2, "padding": "same"}, "2, 5, 4, stride=2, padding=1", "self.grow(x)"),
        ({"kernel_size": 2, "strides": 2}, "2, 5, 2, stride=2", "self.grow(x)"),
        ({"kernel_size": 3, "strides": 2, "padding": "same"}, "2, 5, 3, stride=2", "self.grow(x)[..., :-1, :-1]"),
        (
            {"kernel_size": (3, 2), "strides": 2, "padding": "same"},
            "2, 5, (3, 2), stride=2",
            "self.grow(x)[..., :-1, :]",
        ),
        ({"kernel_size": (2, 3), "strides": 2, "padding": "same"}, "2, 5, (2, 3), stride=2", "self.grow(x)[..., :-1]"),
        ({"kernel_size": 2, "strides": 3}, "2, 5, 2, stride=3, output_padding=1", "self.grow(x)"),
    ],
)
def test_stock_modules_suffice(settings: dict[str, Any], constructor: str, call: str, tmp_path: Path) -> None:
    kernel_size = (
        settings["kernel_size"] if isinstance(settings["kernel_size"], tuple) else (settings["kernel_size"],) * 2
    )
    arrays = {"kernel": noise(*kernel_size, 5, 2), "bias": noise(5)}
    entries = [("Conv2DTranspose", {"name": "grow", "filters": 5, **settings}, arrays)]
    module = converted(old_file(tmp_path / "m.h5", (6, 7, 2), entries, version="2.3.1"))
    assert lines_of(module.source, "grow") == [f"self.grow = nn.ConvTranspose2d({constructor})", f"x = {call}"]


#: Kernel, strides, padding, output padding.
CASES: list[tuple[Any, Any, str, int | None]] = [
    (3, 1, "valid", None),
    (3, 2, "valid", None),
    (2, 3, "valid", None),
    (4, 2, "valid", None),
    (3, 2, "valid", 1),
    (5, 3, "valid", 2),
    (3, 1, "same", None),
    (4, 1, "same", None),
    (2, 2, "same", None),
    (3, 2, "same", None),
    (4, 2, "same", None),
    (5, 2, "same", None),
    (5, 3, "same", None),
    (2, 3, "same", None),
    (1, 2, "same", None),
    (4, 4, "same", None),
    (3, 2, "same", 0),
    (3, 2, "same", 1),
    (4, 2, "same", 1),
    (1, 3, "same", 1),
    (5, 4, "same", 3),
]
CASES_2D = [((3, 4), (2, 3), "same", None), ((3, 2), 2, "same", None)]


def layers_of(library: Any, rank: int, cases: list[tuple[Any, Any, str, int | None]], **more: Any) -> list[Any]:
    cls = getattr(library.layers, f"Conv{rank}DTranspose")
    return [cls(7, k, strides=s, padding=p, output_padding=o, **more) for k, s, p, o in cases]


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("rank", "cases", "shape", "size"),
    [
        (2, CASES + CASES_2D, (5, 6, 3), (5, 6, 3)),
        (2, CASES + CASES_2D, (None, None, 3), (4, 7, 3)),
        (1, CASES, (5, 3), (5, 3)),
        (3, CASES, (2, 3, 4, 3), (2, 3, 4, 3)),
    ],
    ids=["2d", "2d unknown", "1d", "3d"],
)
def test_it_computes_what_keras_computes(rank: int, cases: Any, shape: Any, size: Any, tmp_path: Path) -> None:
    import keras

    agree(branches(keras, shape, layers_of(keras, rank, cases)), [noise(2, *size)], tmp_path)


@pytest.mark.oracle
def test_it_computes_what_keras_2_computes_with_holes(tmp_path: Path) -> None:
    import tf_keras

    cases = [(3, 1, "valid", None), (3, 1, "same", None), (4, 1, "same", None), (4, 1, "valid", None)]
    layers = [*layers_of(tf_keras, 2, cases, dilation_rate=2), *layers_of(tf_keras, 2, CASES[8:12], activation="relu")]
    agree(branches(tf_keras, (5, 6, 3), layers), [noise(2, 5, 6, 3)], tmp_path, suffix=".h5")


@pytest.mark.oracle
def test_pytorchs_padding_and_output_padding_are_shifted_by_one(tmp_path: Path) -> None:
    import keras

    model = branches(keras, (5, 6, 3), [keras.layers.Conv2DTranspose(7, 3, strides=2, padding="same")])
    module = agree(model, [noise(2, 5, 6, 3)], tmp_path)
    kernel, bias = (torch.from_numpy(np.asarray(w)) for w in model.get_weights())
    x = torch.from_numpy(noise(2, 5, 6, 3))
    naive = functional.conv_transpose2d(
        x.movedim(-1, 1), kernel.permute(3, 2, 0, 1), bias, stride=2, padding=1, output_padding=1
    )
    assert relative_error(naive.movedim(1, -1).numpy(), run(module, [x.numpy()], "float32")[0]) > 0.5


@pytest.mark.oracle
def test_our_config_is_read_by_keras_3_and_keras_2() -> None:
    import keras
    import tf_keras

    for ours in (
        Conv1DTranspose(filters=5, kernel_size=3, strides=2, padding="same"),
        Conv2DTranspose(filters=5, kernel_size=(3, 2), strides=2, output_padding=(1, 0), activation="relu"),
        Conv3DTranspose(filters=5, kernel_size=2, use_bias=False),
    ):
        name = type(ours).__name__
        for library, version in ((keras, KerasVersion(3, 15)), (tf_keras, KerasVersion(2, 15))):
            again = getattr(library.layers, name).from_config(ours.to_keras(version)).get_config()
            assert read_layer(name, again, str(version)) == ours
