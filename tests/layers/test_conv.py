"""Convolutions: settings of three Keras generations, kernels of older files, and numbers beside real Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.layers.maps import branches, lines_of, noise, old_file
from tests.layers.reading import layer as read_layer
from tests.twin import agree, converted, randomise, relative_error, run
from torch.nn import functional

from regraft.errors import UnknownLayerError
from regraft.layers import KerasVersion, Stored, build
from regraft.layers.conv import Conv1D, Conv2D, Conv3D
from regraft.layers.walk import built
from regraft.layout import apply, undo

OLD = {"nb_filter": 8, "border_mode": "same", "activation": "relu", "bias": False, "init": "glorot_uniform"}


@pytest.mark.parametrize(
    ("class_name", "version", "config", "expected"),
    [
        (
            "Convolution1D",
            "1.2.2",
            {**OLD, "filter_length": 5, "subsample_length": 2, "input_dim": 3, "input_length": None},
            Conv1D(filters=8, kernel_size=5, strides=2, padding="same", activation="relu", use_bias=False),
        ),
        (
            "Convolution2D",
            "1.2.2",
            {**OLD, "nb_row": 3, "nb_col": 5, "subsample": [1, 2], "dim_ordering": "tf"},
            Conv2D(filters=8, kernel_size=(3, 5), strides=(1, 2), padding="same", activation="relu", use_bias=False),
        ),
        (
            "AtrousConvolution2D",
            "1.1.0",
            {**OLD, "nb_row": 3, "nb_col": 3, "subsample": [1, 1], "atrous_rate": [2, 3], "dim_ordering": "th"},
            Conv2D(
                filters=8,
                kernel_size=3,
                dilation_rate=(2, 3),
                padding="same",
                activation="relu",
                use_bias=False,
                data_format="channels_first",
            ),
        ),
        (
            "Convolution3D",
            "1.2.2",
            {**OLD, "kernel_dim1": 2, "kernel_dim2": 3, "kernel_dim3": 4, "subsample": [1, 1, 2], "dim_ordering": "tf"},
            Conv3D(
                filters=8, kernel_size=(2, 3, 4), strides=(1, 1, 2), padding="same", activation="relu", use_bias=False
            ),
        ),
        # Keras 0 knew no dim_ordering: its images are channels first, its sequences channels last.
        (
            "Convolution2D",
            "0.2",
            {"nb_filter": 8, "nb_row": 3, "nb_col": 3},
            Conv2D(filters=8, kernel_size=3, data_format="channels_first"),
        ),
        ("Convolution1D", "0.2", {"nb_filter": 8, "filter_length": 3}, Conv1D(filters=8, kernel_size=3)),
        (
            "Conv2D",
            "2.3.1",
            {
                "filters": 8,
                "kernel_size": [3, 3],
                "strides": [2, 2],
                "data_format": "channels_last",
                "dilation_rate": [1, 1],
            },
            Conv2D(filters=8, kernel_size=3, strides=2),
        ),
        (
            "Conv1D",
            "3.5.0",
            {"filters": 8.0, "kernel_size": (3,), "padding": "CAUSAL"},
            Conv1D(filters=8, kernel_size=3, padding="causal"),
        ),
        (
            "Conv2D",
            "3.5.0",
            {"filters": 8, "kernel_size": 3, "groups": 4},
            Conv2D(filters=8, kernel_size=(3, 3), groups=4),
        ),
    ],
)
def test_settings_of_every_keras(class_name: str, version: str, config: dict[str, Any], expected: Conv2D) -> None:
    assert read_layer(class_name, config, version) == expected


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"filters": 0, "kernel_size": 3}, "positive"),
        ({"filters": 8, "kernel_size": [3, 3, 3]}, "2 sizes"),
        ({"filters": 8, "kernel_size": 3, "padding": "causal"}, "causal"),
        ({"filters": 8, "kernel_size": 3, "data_format": "channels_middle"}, "data_format"),
        ({"filters": 8}, "kernel_size"),
    ],
)
def test_what_it_cannot_do_is_said(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnknownLayerError, match=reason):
        read_layer("Conv2D", config, "3.0.0")


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (Conv2D(filters=8, kernel_size=3), (None, 9, None, 4), (None, 7, None, 8)),
        (Conv2D(filters=8, kernel_size=3, strides=2, padding="same"), (2, 9, 12, 4), (2, 5, 6, 8)),
        (Conv2D(filters=8, kernel_size=3, dilation_rate=2), (2, 9, 12, 4), (2, 5, 8, 8)),
        (Conv2D(filters=8, kernel_size=3, data_format="channels_first"), (None, 4, 9, None), (None, 8, 7, None)),
        (Conv1D(filters=8, kernel_size=4, padding="causal", strides=3), (None, 10, 4), (None, 4, 8)),
        (Conv3D(filters=8, kernel_size=(1, 2, 3)), (None, 5, 6, 7, 1), (None, 5, 5, 5, 8)),
        (Conv2D(filters=8, kernel_size=3), None, (None, None, None, 8)),
    ],
)
def test_shapes(layer: Conv2D, shape: Any, expected: Any) -> None:
    assert layer.shape((shape,)) == expected


@pytest.mark.parametrize("shape", [(None, 2, 9, 4), (None, 9, 4), (None, 5, 9, 9, 4)])
def test_shapes_that_do_not_fit_raise(shape: Any) -> None:
    with pytest.raises(ValueError, match=r"too small|axes"):
        Conv2D(filters=8, kernel_size=3).shape((shape,))


def stored_kernel(
    layer: Conv1D | Conv2D | Conv3D, array: np.ndarray, version: str, *, theano: bool = False
) -> np.ndarray:
    """The kernel of today that a layer makes of a stored array; the way back must give the stored array again."""
    origin = layer.stored(Stored((array.shape, (layer.filters,)), KerasVersion.parse(version), theano))["kernel"]
    (kernel,) = apply(origin.moves, (array,))
    np.testing.assert_array_equal(undo(origin.moves, (kernel,))[0], array)
    return kernel


@pytest.mark.parametrize("version", ["0.3", "1.2.2", "2.3.1", "3.0.0"])
@pytest.mark.parametrize("theano", [False, True])
def test_kernels_as_every_keras_stored_them(version: str, theano: bool) -> None:
    old = version < "2"
    cases = [
        (Conv1D(filters=6, kernel_size=3), [(3, 1, 2, 6), (6, 2, 3, 1)] if old else [(3, 2, 6)]),
        (Conv2D(filters=6, kernel_size=(3, 4)), [(3, 4, 2, 6), (6, 2, 3, 4)] if old else [(3, 4, 2, 6)]),
        (
            Conv2D(filters=6, kernel_size=(3, 4), data_format="channels_first"),
            [(3, 4, 2, 6), (6, 2, 3, 4)] if old else [(3, 4, 2, 6)],
        ),
        (Conv3D(filters=6, kernel_size=(3, 4, 5)), [(3, 4, 5, 2, 6), (6, 2, 3, 4, 5)] if old else [(3, 4, 5, 2, 6)]),
    ]
    for layer, shapes in cases:
        kernel = noise(*layer.kernel_size, 2, 6)
        for shape in shapes:
            array = kernel[::-1] if theano else kernel
            array = array[:, ::-1] if theano and layer.rank > 1 else array
            array = array[:, :, ::-1] if theano and layer.rank > 2 else array
            if shape[0] == 6:
                array = np.moveaxis(array, (-1, -2), (0, 1))
            found = stored_kernel(layer, array.reshape(shape), version, theano=theano)
            np.testing.assert_array_equal(found, kernel)


def test_a_square_kernel_of_keras_1_is_read_as_dim_ordering_says() -> None:
    array = noise(3, 3, 3, 3)
    first = Conv2D(filters=3, kernel_size=3, data_format="channels_first")
    np.testing.assert_array_equal(stored_kernel(first, array, "1.2.2"), array.transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(stored_kernel(Conv2D(filters=3, kernel_size=3), array, "1.2.2"), array)
    np.testing.assert_array_equal(
        stored_kernel(Conv2D(filters=3, kernel_size=3), array, "0.2"), array.transpose(2, 3, 1, 0)
    )


def test_the_module_leaves_out_what_pytorch_assumes(tmp_path: Path) -> None:
    kernel, bias = noise(3, 3, 2, 4), noise(4)
    config = {"name": "stem", "filters": 4, "kernel_size": [3, 3], "padding": "same"}
    file = old_file(tmp_path / "m.h5", (8, 9, 2), [("Conv2D", config, {"k": kernel, "b": bias})], version="2.3.1")
    module = converted(file)
    assert lines_of(module.source, "stem") == ["self.stem = nn.Conv2d(2, 4, 3, padding=1)", "x = self.stem(x)"]
    assert module.transfers[0].words == "kh kw cin cout -> cout cin kh kw"
    x = noise(2, 8, 9, 2)
    expected = functional.conv2d(
        *(torch.from_numpy(a.copy()) for a in (x.transpose(0, 3, 1, 2), kernel.transpose(3, 2, 0, 1), bias)), padding=1
    )
    assert relative_error(run(module, [x], "float32")[0], expected.numpy().transpose(0, 2, 3, 1)) < 1e-6


def test_files_of_keras_1_in_th_order_run_channels_first(tmp_path: Path) -> None:
    kernel, bias = noise(4, 2, 3, 5), noise(4)
    config = {
        "name": "a",
        "nb_filter": 4,
        "nb_row": 3,
        "nb_col": 5,
        "border_mode": "valid",
        "dim_ordering": "th",
        "bias": True,
    }
    entries = [("Convolution2D", config, {"a_W": kernel, "a_b": bias})]
    module = converted(old_file(tmp_path / "m.h5", (2, 8, 9), entries, version="1.2.2"))
    x = noise(2, 2, 8, 9)
    expected = functional.conv2d(*map(torch.from_numpy, (x, kernel, bias))).numpy()
    assert relative_error(run(module, [x], "float32")[0], expected) < 1e-6


def test_kernels_of_theano_are_turned(tmp_path: Path) -> None:
    kernel, bias = noise(3, 5, 2, 4), noise(4)
    config = {"name": "a", "filters": 4, "kernel_size": [3, 5], "data_format": "channels_first"}
    entries = [("Conv2D", config, {"a/kernel:0": kernel, "a/bias:0": bias})]
    module = converted(old_file(tmp_path / "m.h5", (2, 8, 9), entries, version="2.0.8", backend="theano"))
    x = noise(2, 2, 8, 9)
    turned = np.ascontiguousarray(kernel[::-1, ::-1].transpose(3, 2, 0, 1))
    assert (
        relative_error(
            run(module, [x], "float32")[0], functional.conv2d(*map(torch.from_numpy, (x, turned, bias))).numpy()
        )
        < 1e-6
    )
    assert module.transfers[0].words.startswith("spatial axes reversed")


CASES_2D: list[dict[str, Any]] = [
    {"kernel_size": 3},
    {"kernel_size": 3, "padding": "same", "activation": "relu"},
    {"kernel_size": 2, "padding": "same"},
    {"kernel_size": (4, 3), "padding": "same", "activation": "softmax"},
    {"kernel_size": 3, "strides": 2, "padding": "same"},
    {"kernel_size": (2, 5), "strides": (2, 1), "padding": "same"},
    {"kernel_size": 7, "strides": 2, "padding": "same", "use_bias": False},
    {"kernel_size": 3, "dilation_rate": (2, 3), "padding": "same"},
    {"kernel_size": (4, 2), "dilation_rate": 2, "padding": "same"},
    {"kernel_size": 1, "strides": 2, "padding": "same"},
    {"kernel_size": 2, "strides": 3, "padding": "same"},
    {"kernel_size": 5, "strides": (3, 2), "padding": "same"},
    {"kernel_size": (3, 2), "groups": 2},
    {"kernel_size": 1, "groups": 4, "strides": 2},
]
CASES_1D: list[dict[str, Any]] = [
    {"kernel_size": 3},
    {"kernel_size": 4, "padding": "same"},
    {"kernel_size": 5, "strides": 3, "padding": "same"},
    {"kernel_size": 3, "padding": "causal"},
    {"kernel_size": 2, "padding": "causal", "dilation_rate": 4},
    {"kernel_size": 4, "padding": "causal", "strides": 2},
    {"kernel_size": 3, "groups": 2, "activation": "softmax"},
]
CASES_3D: list[dict[str, Any]] = [
    {"kernel_size": (1, 2, 3)},
    {"kernel_size": 3, "padding": "same"},
    {"kernel_size": (2, 3, 4), "strides": 2, "padding": "same"},
    {"kernel_size": 2, "dilation_rate": (1, 2, 2), "groups": 2},
]


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("kind", "cases", "shape", "inputs"),
    [
        ("Conv2D", CASES_2D, (9, 12, 4), [(9, 12, 4)]),
        ("Conv2D", CASES_2D, (10, 11, 4), [(10, 11, 4)]),
        ("Conv2D", CASES_2D, (None, None, 4), [(9, 12, 4), (10, 13, 4)]),
        ("Conv1D", CASES_1D, (11, 4), [(11, 4)]),
        ("Conv1D", CASES_1D, (None, 4), [(10, 4), (13, 4)]),
        ("Conv3D", CASES_3D, (5, 6, 7, 4), [(5, 6, 7, 4)]),
    ],
    ids=["2d odd even", "2d even odd", "2d unknown", "1d", "1d unknown", "3d"],
)
def test_it_computes_what_keras_computes(
    kind: str, cases: list[dict[str, Any]], shape: Any, inputs: Any, tmp_path: Path
) -> None:
    import keras

    for size in inputs:
        model = branches(keras, shape, [getattr(keras.layers, kind)(8, **case) for case in cases])
        agree(model, [noise(2, *size)], tmp_path)


@pytest.mark.oracle
def test_channels_first_in_keras_stays_as_it_is(tmp_path: Path) -> None:
    import keras

    # TensorFlow on a CPU refuses NCHW, so the twin of the oracle is channels last; the kernels are the same.
    first, last = (
        keras.Sequential(
            [keras.Input(shape), keras.layers.Conv2D(6, (3, 5), strides=(2, 1), padding="same", data_format=order)]
        )
        for shape, order in (((4, 9, 12), "channels_first"), ((9, 12, 4), "channels_last"))
    )
    randomise(first)
    last.set_weights(first.get_weights())
    first.save(tmp_path / "m.keras")
    module = converted(tmp_path / "m.keras")
    x = noise(2, 4, 9, 12)
    expected = np.asarray(last(x.transpose(0, 2, 3, 1))).transpose(0, 3, 1, 2)
    assert relative_error(run(module, [x], "float32")[0], expected) < 1e-6
    assert "permute" not in module.source


def test_a_softmax_of_a_channels_first_map_runs_over_its_last_axis(tmp_path: Path) -> None:
    config = {
        "name": "c",
        "filters": 4,
        "kernel_size": [1, 1],
        "data_format": "channels_first",
        "activation": "softmax",
    }
    arrays = {"kernel": noise(1, 1, 2, 4), "bias": noise(4)}
    module = converted(old_file(tmp_path / "m.h5", (2, 5, 6), [("Conv2D", config, arrays)], version="2.3.1"))
    assert lines_of(module.source, "self.c(") == ["x = F.softmax(self.c(x), dim=3)"]


@pytest.mark.oracle
def test_padding_1_is_not_same_with_stride_2(tmp_path: Path) -> None:
    import keras

    model = branches(keras, (10, 12, 4), [keras.layers.Conv2D(6, 3, strides=2, padding="same", name="c")])
    module = agree(model, [noise(2, 10, 12, 4)], tmp_path)
    kernel, bias = (torch.from_numpy(np.asarray(w)) for w in model.get_weights())
    x = torch.from_numpy(noise(2, 10, 12, 4))
    naive = functional.conv2d(x.movedim(-1, 1), kernel.permute(3, 2, 0, 1), bias, stride=2, padding=1).movedim(1, -1)
    assert relative_error(naive.numpy(), run(module, [x.numpy()], "float32")[0]) > 0.5


@pytest.mark.oracle
def test_our_config_is_read_by_keras_3_and_keras_2(tmp_path: Path) -> None:
    import keras
    import tf_keras

    layers = [
        Conv2D(filters=8, kernel_size=(3, 2), padding="same", strides=(2, 1), groups=2, activation="silu"),
        Conv1D(filters=8, kernel_size=3, padding="causal", dilation_rate=2),
        Conv3D(filters=8, kernel_size=2, use_bias=False),
    ]
    for layer in layers:
        for library, version in ((keras, KerasVersion(3, 15)), (tf_keras, KerasVersion(2, 15))):
            config = layer.to_keras(version)
            again = getattr(library.layers, type(layer).__name__).from_config(config).get_config()
            del again["dtype"]
            assert read_layer(type(layer).__name__, again, str(version)) == layer


@pytest.mark.oracle
def test_one_layer_may_see_maps_of_two_sizes(tmp_path: Path) -> None:
    import keras

    shared = keras.layers.Conv2D(4, 3, strides=2, padding="same")
    a, b = keras.Input((9, 12, 4)), keras.Input((10, 7, 4))
    model = keras.Model([a, b], [shared(a), shared(b)])
    randomise(model)
    agree(model, [noise(2, 9, 12, 4), noise(2, 10, 7, 4)], tmp_path)


def test_behind_a_layer_nobody_knows_the_map_is_taken_to_be_in_keras_order(tmp_path: Path) -> None:
    from regraft.emit.module import emit
    from regraft.keras_config import parse
    from regraft.layers.binding import bind
    from regraft.weights import read

    kernel, bias = noise(3, 3, 2, 4), noise(4)
    config = {"name": "c", "filters": 4, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same"}
    entries = [("Mystery", {"name": "m"}, {}), ("Conv2D", config, {"k": kernel, "b": bias})]
    tree = read(old_file(tmp_path / "m.h5", (8, 9, 2), entries, version="2.3.1"))
    blueprint = parse(tree.config or "", keras_version="2.3.1")
    assert built(blueprint)["m"] is None
    lines = lines_of(emit(blueprint, bind(blueprint, tree), "a test").source, "self.c")
    assert lines[1].endswith("self.c(pad_same(x.permute(0, 3, 1, 2), (3, 3), (2, 2)))")


def test_the_spec_round_trips() -> None:
    from regraft.layers import spec_of

    layer = Conv2D(filters=8, kernel_size=3, padding="same")
    assert build(spec_of("c", layer)) == layer
