from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree

from regraft.errors import UnknownLayerError
from regraft.layers import AxisOrder, KerasVersion, Site

RNG = np.random.default_rng(0)
KERAS, FIRST = AxisOrder.keras, AxisOrder.channels_first


def images(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


@pytest.mark.oracle
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_nothing_happens_at_inference(tmp_path: Path, library: str) -> None:
    import importlib

    keras = importlib.import_module(library)
    layers = keras.layers
    image, sequence, signal, solid = (keras.Input(shape) for shape in ((4, 5, 3), (6, 5), (7, 2), (2, 3, 4, 3)))
    held, steps, filled = layers.Conv2D(6, 2)(image), layers.Conv1D(4, 2)(signal), layers.Conv3D(3, 2)(solid)
    anywhere = [
        layers.Dropout(0.3),
        layers.Dropout(0.0),
        layers.Dropout(0.4, noise_shape=(None, 1, 1, 6)),
        layers.AlphaDropout(0.2),
    ]
    anywhere += [
        layers.GaussianDropout(0.2),
        layers.GaussianNoise(0.5),
        layers.ActivityRegularization(0.1, 0.2),
        layers.SpatialDropout2D(0.5),
    ]
    outputs = [f(held) for f in anywhere]
    outputs += [layers.SpatialDropout1D(0.2)(x) for x in (sequence, steps)] + [
        layers.SpatialDropout3D(0.2)(x) for x in (solid, filled)
    ]
    inputs = [images(2, 4, 5, 3), images(2, 6, 5), images(2, 7, 2), images(2, 2, 3, 4, 3)]
    suffix = ".keras" if library == "keras" else ".h5"
    module = agree(
        keras.Model([image, sequence, signal, solid], outputs), inputs, tmp_path, suffix=suffix, tolerance=1e-12
    )
    for text in (
        "nn.Dropout(0.3)",
        "nn.Dropout2d(0.5)",
        "nn.Dropout1d(0.2)",
        "SpatialDropout(0.2, dim=2)",
        "nn.AlphaDropout(0.2)",
    ):
        assert text in module.source
    assert "nn.Dropout(0.4)" not in module.source, "PyTorch has no noise_shape: only the inference is kept"


@pytest.mark.oracle
def test_masks_pass(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    sequence = keras.Input((6, 5))
    x = layers.Masking()(sequence)
    for function in (layers.Dropout(0.2), layers.SpatialDropout1D(0.2), layers.AlphaDropout(0.1), layers.GaussianDropout(0.1),
                     layers.GaussianNoise(0.1), layers.ActivityRegularization(0.1)):  # fmt: skip
        x = function(x)
    inputs = images(3, 6, 5)
    inputs[0, 2:] = inputs[1, :3] = 0.0
    agree(keras.Model(sequence, layers.GlobalAveragePooling1D()(x)), [inputs], tmp_path)


def trained(name: str, config: dict[str, Any], shape: tuple[int, ...], order: AxisOrder) -> Any:
    """The output of a layer in training, for ones in Keras order, back in Keras order."""
    import torch

    from regraft.emit.snippet import needed

    site = Site("x", (shape,), (shape,), (order,), (order,), (False,), {})
    form = layer(name, config).torch(site)
    space: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "Tensor": torch.Tensor, "nn": torch.nn}
    for text in needed(form.snippets).values():
        exec(text, space)  # noqa: S102 - our own text
    module = eval(form.module, space).train()  # noqa: S307 - our own text
    torch.manual_seed(0)
    x = torch.ones(tuple(shape[axis] for axis in order.axes))
    out = module(x)
    assert torch.equal(module.eval()(x), x)
    return out.numpy().transpose(np.argsort(order.axes))


@pytest.mark.parametrize(
    ("name", "shape", "order", "config"),
    [
        ("SpatialDropout1D", (40, 6, 50), KERAS(3), {}),
        ("SpatialDropout1D", (40, 6, 50), FIRST(3), {}),
        ("SpatialDropout2D", (40, 3, 4, 50), KERAS(4), {}),
        ("SpatialDropout2D", (40, 3, 4, 50), FIRST(4), {}),
        ("SpatialDropout2D", (40, 50, 3, 4), KERAS(4), {"data_format": "channels_first"}),
        ("SpatialDropout3D", (40, 2, 3, 2, 50), FIRST(5), {}),
    ],
)
def test_whole_channels_are_dropped_in_training(
    name: str, shape: tuple[int, ...], order: AxisOrder, config: dict[str, Any]
) -> None:
    found = trained(name, {"rate": 0.25, **config}, shape, order)
    channel = 1 if config else len(shape) - 1
    places = tuple(axis for axis in range(1, len(shape)) if axis != channel)
    assert np.array_equal(found.min(places), found.max(places)), "one decision for a channel of an image"
    assert set(np.unique(found)) == {0.0, np.float32(1 / 0.75)}
    assert abs((found == 0).mean() - 0.25) < 0.05


def test_noise_in_training() -> None:
    dropped = trained("Dropout", {"rate": 0.25}, (200, 50), KERAS(2))
    assert abs((dropped == 0).mean() - 0.25) < 0.02
    times = trained("GaussianDropout", {"rate": 0.2}, (200, 50), KERAS(2))
    assert abs(times.mean() - 1) < 0.02
    assert abs(times.std() - 0.5) < 0.02  # sqrt(0.2 / 0.8)
    plus = trained("GaussianNoise", {"stddev": 0.3}, (200, 50), KERAS(2))
    assert abs(plus.mean() - 1) < 0.02
    assert abs(plus.std() - 0.3) < 0.02


@pytest.mark.parametrize(
    ("name", "version", "config", "expected"),
    [
        ("Dropout", "1.2.2", {"p": 0.5}, {"rate": 0.5, "noise_shape": None}),
        ("Dropout", "2.3.1", {"rate": 0.5, "noise_shape": [None, 1, 8], "seed": 3}, {"noise_shape": (None, 1, 8)}),
        ("SpatialDropout2D", "1.2.2", {"p": 0.5, "dim_ordering": "th"}, {"rate": 0.5, "data_format": "channels_first"}),
        ("GaussianNoise", "1.2.2", {"sigma": 0.1}, {"stddev": 0.1}),
        ("GaussianDropout", "1.2.2", {"p": 0.1}, {"rate": 0.1}),
        ("AlphaDropout", "2.1.0", {"rate": 0.1}, {"rate": 0.1}),
        ("ActivityRegularization", "1.2.2", {"l1": 0.0, "l2": 0.1}, {"l2": 0.1}),
    ],
)
def test_configs_of_all_versions(name: str, version: str, config: dict[str, Any], expected: dict[str, Any]) -> None:
    found = layer(name, config, version).config
    assert {key: found[key] for key in expected} == expected


def test_a_rate_that_is_no_number_is_refused() -> None:
    with pytest.raises(UnknownLayerError, match="expected a number"):
        layer("Dropout", {"rate": "half"})


def test_keras_3_takes_no_data_format_in_one_dimension() -> None:
    assert layer("SpatialDropout1D", {"rate": 0.1}).to_keras(KerasVersion(3, 15)) == {"rate": 0.1}
    assert "data_format" in layer("SpatialDropout2D", {"rate": 0.1}).to_keras(KerasVersion(3, 15))
