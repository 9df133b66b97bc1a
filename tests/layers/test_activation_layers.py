from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree

from regraft.errors import UnknownLayerError
from regraft.layers import AxisOrder, Form, KerasVersion, Layer, Site

RNG = np.random.default_rng(0)


def images(*shape: int, scale: float = 3.0) -> np.ndarray:
    return (RNG.standard_normal(shape) * scale).astype("float32")


@pytest.mark.oracle
def test_layers_without_variables(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    relus = [
        {}, {"max_value": 6.0}, {"max_value": 2.5}, {"negative_slope": 0.125}, {"threshold": 1.0},
        {"threshold": 0.5, "max_value": 2.0},
        {"threshold": 1.5, "negative_slope": 0.25}, {"max_value": 3.0, "negative_slope": 0.5},
        {"max_value": 2.0, "negative_slope": 0.25, "threshold": 0.75},
    ]  # fmt: skip
    image = keras.Input((5, None, 3))
    held = layers.Conv2D(4, 1)(image)
    functions = [*(layers.ReLU(**kw) for kw in relus), layers.ELU(), layers.ELU(0.3), layers.LeakyReLU(0.25)]
    functions += [layers.Softmax(axis=axis) for axis in (-1, 1, 2, [1], (1, 2), (-1, 1), [1, 2, 3])]
    outputs = [f(x) for f in functions for x in (image, held)]
    agree(keras.Model(image, outputs), [images(2, 5, 7, 3)], tmp_path, tolerance=1e-12)
    vector = keras.Input((6,))
    agree(keras.Model(vector, [layers.LeakyReLU()(vector)]), [images(3, 6)], tmp_path, tolerance=1e-7)


@pytest.mark.oracle
def test_keras_2(tmp_path: Path) -> None:
    import tf_keras

    layers = tf_keras.layers
    image = tf_keras.Input((4, 5, 3))
    held = layers.Conv2D(6, 1)(image)
    functions = [
        layers.ThresholdedReLU(0.5),
        layers.LeakyReLU(0.5),
        layers.ReLU(2.0, 0.25, 0.5),
        layers.Softmax(axis=1),
    ]
    functions += [layers.PReLU(shared_axes=[1, 2]), layers.PReLU()]
    agree(tf_keras.Model(image, [f(held) for f in functions]), [images(2, 4, 5, 3)], tmp_path, suffix=".h5")


@pytest.mark.oracle
def test_prelu_with_every_choice_of_shared_axes(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, sequence, vector = keras.Input((4, 5, 3)), keras.Input((6, 7)), keras.Input((8,))
    held, steps = layers.Conv2D(6, 1)(image), layers.Conv1D(5, 1)(sequence)
    shared = [None, [1], [2], [3], [1, 2], [2, 3], [1, 2, 3]]
    outputs = [layers.PReLU(shared_axes=axes)(x) for axes in shared for x in (image, held)]
    outputs += [layers.PReLU(shared_axes=axes)(x) for axes in (None, [1], [2], [1, 2]) for x in (sequence, steps)]
    outputs += [layers.PReLU(name="by_feature")(vector), layers.PReLU(shared_axes=1, name="one_for_all")(vector)]
    model = keras.Model([image, sequence, vector], outputs)
    module = agree(model, [images(2, 4, 5, 3), images(2, 6, 7), images(3, 8)], tmp_path, tolerance=1e-12)
    assert "self.by_feature = nn.PReLU(8)" in module.source
    assert "self.one_for_all = nn.PReLU()" in module.source


@pytest.mark.oracle
def test_prelu_between_flatten_and_dense(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    stack = [
        keras.Input((4, 5, 3)),
        layers.Conv2D(7, 2),
        layers.Flatten(),
        layers.PReLU(),
        layers.Softmax(),
        layers.Dense(6),
    ]
    module = agree(keras.Sequential(stack), [images(2, 4, 5, 3)], tmp_path, tolerance=1e-12)
    assert "permute" not in module.source


@pytest.mark.oracle
def test_softmax_with_a_mask(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    scores, mask = keras.Input((6,)), keras.Input((6,), dtype="bool")
    maps, places = keras.Input((4, 5, 3)), keras.Input((1, 5, 3), dtype="bool")
    outputs = [layers.Softmax()(scores, mask=mask), layers.Softmax(axis=(1, 3))(maps, mask=places)]
    kept = RNG.random((5, 6)) < 0.6
    kept[0] = False
    inputs = [images(5, 6), kept, images(5, 4, 5, 3), RNG.random((5, 1, 5, 3)) < 0.6]
    agree(keras.Model([scores, mask, maps, places], outputs), inputs, tmp_path, tolerance=1e-12)


def softmax_form(version: str, axis: Any = -1) -> Form:
    masked = Site("s", ((None, 6),), ((None, 6),), (AxisOrder.keras(2),), (AxisOrder.keras(2),), (True,), {})
    return layer("Softmax", {"axis": axis}, version).torch(masked)


def test_softmax_of_nothing_depends_on_the_version() -> None:
    import torch

    assert softmax_form("3.10.0").outputs == ("masked_softmax(%0, %m0, dim=1)",)
    (text,) = softmax_form("3.9.2").outputs
    x = torch.tensor([[1.0, 2.0, 4.0]], dtype=torch.float64)
    code = text.replace("%0", "x").replace("%m0", "mask")
    for mask, expected in (
        ([False] * 3, torch.softmax(x, dim=1)),
        ([True, False, True], torch.softmax(x[:, [0, 2]], dim=1)),
    ):
        kept = torch.tensor([mask])
        found = eval(code, {"torch": torch, "F": torch.nn.functional, "x": x, "mask": kept})  # noqa: S307 - our own text
        np.testing.assert_allclose(found[:, kept[0]] if any(mask) else found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "version", "config", "expected"),
    [
        (
            "ReLU",
            "3.15.1",
            {"max_value": 6, "negative_slope": 0.0, "threshold": None},
            {"max_value": 6.0, "threshold": 0.0},
        ),
        (
            "ReLU",
            "2.4.0",
            {"max_value": None, "negative_slope": {"type": "ndarray", "value": 0.1}},
            {"negative_slope": 0.1},
        ),
        ("ThresholdedReLU", "1.2.2", {"theta": 1.5}, {"threshold": 1.5, "negative_slope": 0.0, "max_value": None}),
        ("LeakyReLU", "1.2.2", {"alpha": 0.1}, {"negative_slope": 0.1}),
        ("LeakyReLU", "2.3.1", {"alpha": {"type": "ndarray", "value": 0.2}}, {"negative_slope": 0.2}),
        ("LeakyReLU", "3.0.0", {"negative_slope": 0.4}, {"negative_slope": 0.4}),
        ("LeakyReLU", "3.0.0", {}, {"negative_slope": 0.3}),
        ("ELU", "1.2.2", {"alpha": 1.0}, {"alpha": 1.0}),
        ("Softmax", "2.4.0", {"axis": -1}, {"axis": -1, "zero_if_masked": False}),
        ("Softmax", "3.12.0", {"axis": [2]}, {"axis": 2, "zero_if_masked": True}),
        ("Softmax", "3.12.0", {"axis": [1, 2]}, {"axis": (1, 2)}),
        ("PReLU", "2.3.1", {"shared_axes": [1, 2]}, {"shared_axes": (1, 2)}),
        ("PReLU", "1.2.2", {"shared_axes": None, "init": "zero"}, {"shared_axes": ()}),
    ],
)
def test_configs_of_all_versions(name: str, version: str, config: dict[str, Any], expected: dict[str, Any]) -> None:
    found = layer(name, config, version).config
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("name", "config"),
    [("ReLU", {"max_value": "6"}), ("LeakyReLU", {"alpha": [0.1, 0.2]}), ("Softmax", {"axis": None}), ("Softmax", {"axis": []}),
     ("PReLU", {"shared_axes": "all"}), ("ELU", {"alpha": True})],
)  # fmt: skip
def test_settings_that_are_refused(name: str, config: dict[str, Any]) -> None:
    with pytest.raises(UnknownLayerError):
        layer(name, config)


@pytest.mark.parametrize(
    ("found", "version", "expected"),
    [
        (layer("LeakyReLU", {"alpha": 0.1}), 2, {"alpha": 0.1}),
        (layer("LeakyReLU", {"alpha": 0.1}), 3, {"negative_slope": 0.1}),
        (layer("PReLU", {"shared_axes": None}), 3, {"shared_axes": None}),
        (layer("Softmax", {"axis": -1}), 3, {"axis": -1}),
    ],
)
def test_to_keras(found: Layer, version: int, expected: dict[str, Any]) -> None:
    assert found.to_keras(KerasVersion(version, 15)) == expected
