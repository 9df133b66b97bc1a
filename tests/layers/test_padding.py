"""Zeros around maps and parts cut off, in the forms of every Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.layers.maps import branches, noise
from tests.layers.reading import layer as read_layer
from tests.twin import agree

from regraft.errors import UnknownLayerError
from regraft.layers import AxisOrder, KerasVersion, Layer, Site
from regraft.layers.padding import Cropping1D, Cropping2D, Cropping3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D

TF = {"dim_ordering": "tf"}


@pytest.mark.parametrize(
    ("class_name", "version", "config", "expected"),
    [
        ("ZeroPadding1D", "1.2.2", {"padding": 2}, ZeroPadding1D(padding=((2, 2),))),
        ("ZeroPadding1D", "1.2.2", {"padding": {"left_pad": 2}}, ZeroPadding1D(padding=((2, 0),))),
        ("ZeroPadding1D", "2.3.1", {"padding": [1, 2]}, ZeroPadding1D(padding=((1, 2),))),
        ("ZeroPadding2D", "1.2.2", {"padding": [1, 2], **TF}, ZeroPadding2D(padding=((1, 1), (2, 2)))),
        ("ZeroPadding2D", "1.2.2", {"padding": [1, 2, 3, 4], **TF}, ZeroPadding2D(padding=((1, 2), (3, 4)))),
        (
            "ZeroPadding2D",
            "1.2.2",
            {"padding": {"bottom_pad": 1, "left_pad": 3}, "dim_ordering": "th"},
            ZeroPadding2D(padding=((0, 1), (3, 0)), data_format="channels_first"),
        ),
        ("ZeroPadding2D", "2.3.1", {"padding": [[0, 1], [2, 3]]}, ZeroPadding2D(padding=((0, 1), (2, 3)))),
        ("ZeroPadding2D", "3.0.0", {"padding": 3}, ZeroPadding2D(padding=((3, 3), (3, 3)))),
        ("ZeroPadding3D", "1.2.2", {"padding": [1, 2, 3], **TF}, ZeroPadding3D(padding=((1, 1), (2, 2), (3, 3)))),
        ("Cropping1D", "1.2.2", {"cropping": [0, 2]}, Cropping1D(cropping=((0, 2),))),
        ("Cropping2D", "2.3.1", {"cropping": [[0, 1], [2, 3]]}, Cropping2D(cropping=((0, 1), (2, 3)))),
        ("Cropping3D", "3.0.0", {"cropping": [[0, 1], 2, [3, 4]]}, Cropping3D(cropping=((0, 1), (2, 2), (3, 4)))),
        ("Cropping2D", "3.0.0", {}, Cropping2D()),
    ],
)
def test_settings_of_every_keras(class_name: str, version: str, config: dict[str, Any], expected: Layer) -> None:
    assert read_layer(class_name, config, version) == expected


@pytest.mark.parametrize("amounts", [-1, [1], [1, 2, 3], {"north_pad": 1}, [[1, 2, 3], [4, 5, 6]], "1", [True, 1], 1.5])
def test_other_amounts_are_refused(amounts: Any) -> None:
    with pytest.raises(UnknownLayerError, match=r"amounts|number of elements"):
        read_layer("ZeroPadding2D", {"padding": amounts}, "2.3.1")


def test_keras_1_left_the_axis_order_out() -> None:
    with pytest.raises(UnknownLayerError, match="dim_ordering"):
        read_layer("ZeroPadding2D", {"padding": [1, 1]}, "1.2.2")


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (ZeroPadding2D(padding=((0, 1), (2, 3))), "F.pad(%0, (2, 3, 0, 1))"),
        (ZeroPadding2D(padding=((0, 0), (0, 0))), "%0"),
        (Cropping2D(), "%0"),
        (Cropping2D(cropping=((1, 2), (3, 0))), "%0[:, :, 1:-2, 3:]"),
        (Cropping2D(cropping=((0, 2), (0, 0))), "%0[:, :, :-2]"),
        (Cropping2D(cropping=((0, 0), (0, 2))), "%0[:, :, :, :-2]"),
    ],
)
def test_how_it_is_written(layer: Layer, text: str) -> None:
    order = AxisOrder.channels_first(4)
    assert layer.torch(Site("p", ((None, 9, 9, 3),), (None,), (order,), (order,), (False,), {})).outputs == (text,)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (ZeroPadding2D(padding=((0, 1), (2, 3))), (None, 5, None, 3), (None, 6, None, 3)),
        (ZeroPadding2D(data_format="channels_first"), (2, 3, 5, 6), (2, 3, 7, 8)),
        (Cropping1D(cropping=((1, 2),)), (None, 5, 3), (None, 2, 3)),
        (Cropping3D(), None, (None,) * 5),
    ],
)
def test_shapes(layer: Layer, shape: Any, expected: Any) -> None:
    assert layer.shape((shape,)) == expected


def test_cutting_off_everything_raises() -> None:
    with pytest.raises(ValueError, match="too small"):
        Cropping1D(cropping=((3, 2),)).shape(((None, 5, 3),))


@pytest.mark.oracle
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize(
    ("size", "amounts"),
    [
        ((9, 3), [2, (1, 2), (0, 3)]),
        ((9, 8, 3), [2, (1, 2), ((0, 1), (2, 3)), ((2, 0), (0, 0)), ((0, 0), (0, 3))]),
        ((9, 8, 7, 3), [2, (0, 1, 2), ((1, 2), (0, 0), (1, 0))]),
    ],
    ids=["1d", "2d", "3d"],
)
def test_they_compute_what_keras_computes(size: Any, amounts: list[Any], known: bool, tmp_path: Path) -> None:
    import keras

    rank = len(size) - 1
    kinds = [getattr(keras.layers, f"{kind}{rank}D") for kind in ("ZeroPadding", "Cropping")]
    shape = size if known else (*(None,) * rank, 3)
    agree(branches(keras, shape, [kind(a) for kind in kinds for a in amounts]), [noise(2, *size)], tmp_path)


@pytest.mark.oracle
def test_our_config_is_read_by_keras_3_and_keras_2() -> None:
    import keras
    import tf_keras

    for ours in (
        ZeroPadding1D(padding=((1, 2),)),
        ZeroPadding2D(padding=((0, 1), (2, 3)), data_format="channels_first"),
        Cropping1D(cropping=((0, 2),)),
        Cropping3D(cropping=((0, 1), (2, 3), (4, 5))),
    ):
        name = type(ours).__name__
        for library, version in ((keras, KerasVersion(3, 15)), (tf_keras, KerasVersion(2, 15))):
            again = getattr(library.layers, name).from_config(ours.to_keras(version)).get_config()
            assert read_layer(name, again, str(version)) == ours


@pytest.mark.parametrize(
    ("layer", "major", "said"),
    [
        (ZeroPadding1D(data_format="channels_first"), 2, True),
        (ZeroPadding1D(data_format="channels_first"), 3, False),
        (Cropping1D(data_format="channels_first"), 3, True),
        (ZeroPadding1D(), 2, False),
        (ZeroPadding2D(data_format="channels_first"), 2, False),
    ],
)
def test_a_data_format_that_a_keras_lacks_is_said(layer: Layer, major: int, said: bool) -> None:
    assert any("channels last only" in text for text in layer.caveats(KerasVersion(major))) == said
