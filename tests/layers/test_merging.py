from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree

from regraft.errors import BlueprintError, UnknownLayerError
from regraft.layers import Arrival, AxisOrder, Layer, Site

RNG = np.random.default_rng(0)
BINARY = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")


def images(*shape: int) -> np.ndarray:
    return (RNG.standard_normal(shape) * 2).astype("float32")


def masked_sequences(*shape: int) -> np.ndarray:
    """Sequences with steps of zeros at the start, in the middle and at the end."""
    found = images(*shape)
    found[0, :2] = found[1, 2] = found[2, -1] = 0.0
    return found


@pytest.mark.oracle
def test_elementwise_of_all_ranks(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, sequence, vector, gate = (keras.Input(shape) for shape in ((5, 4, 6), (4, 6), (6,), (1, 1, 6)))
    held, other = layers.Conv2D(6, 1)(image), layers.Conv2D(6, 1)(image)
    steps = layers.Conv1D(6, 1)(sequence)
    pairs = [(held, other), (held, image), (image, held), (held, gate), (held, vector), (vector, held), (image, vector)]
    pairs += [(held, sequence), (held, steps), (steps, image), (steps, vector), (sequence, vector), (steps, sequence)]
    outputs = [getattr(layers, name)()([a, b]) for name in BINARY for a, b in pairs]
    several = [held, image, vector, steps]
    outputs += [getattr(layers, name)()(several) for name in BINARY if name != "Subtract"]
    inputs = [images(2, 5, 4, 6), images(2, 4, 6), images(2, 6), images(2, 1, 1, 6)]
    agree(keras.Model([image, sequence, vector, gate], outputs), inputs, tmp_path)


@pytest.mark.oracle
def test_axes_of_length_1(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image = keras.Input((5, 4, 6))
    held = layers.Conv2D(6, 1)(image)
    rows = layers.Conv2D(6, (5, 1), name="rows")(image)
    single = layers.Conv2D(1, 1)(image)
    gate = layers.Conv2D(6, 1)(layers.GlobalAveragePooling2D(keepdims=True)(held))
    outputs = [
        layers.Multiply()([held, gate]),
        layers.Add()([rows, held]),
        layers.Maximum()([single, held]),
        layers.Add()([rows, single]),
    ]
    agree(keras.Model(image, outputs), [images(2, 5, 4, 6)], tmp_path)


@pytest.mark.oracle
def test_squeeze_and_excitation_is_one_line(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image = keras.Input((5, 4, 3))
    held = layers.Conv2D(8, 3)(image)
    gate = layers.Dense(8, activation="sigmoid")(
        layers.Dense(2, activation="relu")(layers.GlobalAveragePooling2D()(held))
    )
    module = agree(keras.Model(image, layers.Multiply()([held, gate])), [images(2, 5, 4, 3)], tmp_path)
    assert "* x[:, :, None, None]" in module.source
    assert "permute" not in module.source


@pytest.mark.oracle
def test_concatenate(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, sequence = keras.Input((5, 4, 6)), keras.Input((None, 6))
    held, steps = layers.Conv2D(6, 1)(image), layers.Conv1D(6, 1)(sequence)
    outputs = [
        layers.Concatenate(axis=axis)(pair)
        for axis in (-1, 1, 2, 3, -2)
        for pair in ([held, image], [image, held, held])
    ]
    outputs += [
        layers.Concatenate(axis=axis)(pair) for axis in (1, 2, -1) for pair in ([steps, sequence], [sequence, steps])
    ]
    agree(keras.Model([image, sequence], outputs), [images(2, 5, 4, 6), images(2, 7, 6)], tmp_path)


@pytest.mark.oracle
def test_dot(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    shapes = [(5, 6), (6, 4), (6,), (5, 4, 6)]
    inputs = [keras.Input(shape) for shape in shapes]
    one, two, vector, image = inputs
    steps, held = layers.Conv1D(6, 1)(one), layers.Conv2D(6, 1)(image)
    calls = [((2, 1), one, two), ((2, 1), steps, two), ((1, 2), two, steps), (-1, one, steps), (1, steps, steps)]
    calls += [
        (1, vector, vector),
        ((1, 2), vector, steps),
        ((2, 1), steps, vector),
        ((3, 2), held, steps),
        ((-1, 1), image, two),
    ]
    calls += [((2, 2), held, two), (3, held, image), ((1, -1), vector, held)]
    outputs = [layers.Dot(axes=axes, normalize=n)([a, b]) for axes, a, b in calls for n in (False, True)]
    agree(keras.Model(inputs, outputs), [images(3, *shape) for shape in shapes], tmp_path, tolerance=1e-7)


@pytest.mark.oracle
@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_masks(tmp_path: Path, library: str) -> None:
    """Keras 2 keeps a step that all inputs have; Keras 3.4 and later one that any has, and changes what lies under the mask."""
    import importlib

    keras = importlib.import_module(library)
    layers = keras.layers
    one, two, plain = keras.Input((5, 3)), keras.Input((5, 3)), keras.Input((5, 3))
    masked = [layers.Masking()(one), layers.Masking()(two)]
    shifted = [layers.Activation("sigmoid")(x) for x in masked]  # no longer zero under the mask

    def seen(x: Any) -> Any:
        return layers.GlobalAveragePooling1D()(x)

    outputs = []
    for name in BINARY:
        outputs += [seen(getattr(layers, name)()(shifted)), getattr(layers, name)()(shifted)]
        outputs += [getattr(layers, name)()([shifted[0], plain]), getattr(layers, name)()([plain, shifted[1]])]
    for name in ("Maximum", "Minimum", "Multiply", "Add"):
        outputs += [
            seen(getattr(layers, name)()([*shifted, shifted[0]])),
            getattr(layers, name)()([shifted[0], plain, shifted[1]]),
        ]
    outputs += [seen(layers.Dot((2, 2))(shifted))]
    if library == "tf_keras":
        outputs += [seen(layers.Concatenate(axis=axis)(shifted)) for axis in (-1, 1, 2)]
        outputs += [seen(layers.Add()([shifted[0], plain])), seen(layers.Concatenate()([plain, shifted[1]]))]
    inputs = [masked_sequences(4, 5, 3), masked_sequences(4, 5, 3)[::-1].copy(), images(4, 5, 3)]
    agree(keras.Model([one, two, plain], outputs), inputs, tmp_path, suffix=".keras" if library == "keras" else ".h5")


def site(*shapes: tuple[int | None, ...], order: Any = AxisOrder.keras, masks: tuple[bool, ...] = ()) -> Site:
    orders = tuple(order(len(shape)) for shape in shapes)
    return Site(
        "merge", shapes, (None,), orders, (max(orders, key=lambda o: len(o.axes)),), masks or (False,) * len(shapes), {}
    )


def test_keras_1_and_2_and_3_join_masks_differently() -> None:
    two = site((None, 5, 3), (None, 5, 3), masks=(True, True))
    assert layer("Add", {}, "3.3.3").torch(two).mask == "%m0 & %m1"
    assert layer("Add", {}, "3.4.0").torch(two).mask == "%m0 | %m1"
    half = site((None, 5, 3), (None, 5, 3), masks=(False, True))
    assert layer("Add", {}, "2.15.0").torch(half).mask == "%m1"
    assert layer("Add", {}, "3.4.0").torch(half).mask == ""


def test_masks_joined_with_the_tensors() -> None:
    half = site((None, 5, 3), (None, 7, 3), order=AxisOrder.channels_first, masks=(True, False))
    form = layer("Concatenate", {"axis": 1}).torch(half)
    assert form.outputs == ("torch.cat([%0, %1], dim=2)",)
    assert form.mask == "torch.cat([%m0, torch.ones_like(%1.select(1, 0), dtype=torch.bool)], dim=1)"
    assert layer("Concatenate", {}, "3.4.0").torch(half).mask == "", "without a mask every step counts"
    assert layer("Concatenate", {}, "2.4.0").torch(half).mask == "%m0"


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(None, 5, 4, 6), (None, 6)], (None, 5, 4, 6)),
        ([(None, None, 4, 6), (None, 1, 1, 6)], (None, None, 4, 6)),
        ([(None, None, 4), (None, 7, 4)], (None, 7, 4)),
        ([(8, 3), (None, 3)], (8, 3)),
        ([(None, 3), None], None),
    ],
)
def test_shape(shapes: list[Any], expected: Any) -> None:
    assert layer("Add", {}).shape(tuple(shapes)) == expected


def test_shapes_that_do_not_merge() -> None:
    with pytest.raises(BlueprintError, match=r"lengths \[3, 4\]"):
        layer("Add", {}).shape(((None, 3), (None, 4)))
    with pytest.raises(BlueprintError, match="differ on an axis that is not joined"):
        layer("Concatenate", {"axis": -1}).shape(((None, 3, 2), (None, 4, 2)))
    with pytest.raises(BlueprintError, match="lengths 3 and 4"):
        layer("Dot", {"axes": 1}).shape(((None, 3), (None, 4)))


@pytest.mark.parametrize(("axis", "expected"), [(-1, (None, 5, None)), (1, (None, 12, 3)), (2, (None, 5, None))])
def test_concatenated_shape(axis: int, expected: Any) -> None:
    shapes = ((None, 5, 3), (None, 7 if axis == 1 else 5, None))
    assert layer("Concatenate", {"axis": axis}).shape(shapes) == expected


def test_operands_are_brought_to_the_order_of_the_map() -> None:
    found = layer("Multiply", {})
    arrival = Arrival(((None, 6), (None, 5, 4, 6)), (AxisOrder.keras(2), AxisOrder.channels_first(4)))
    assert found.arrange(arrival).outputs == (AxisOrder.channels_first(4),)


@pytest.mark.parametrize(
    ("name", "version", "config", "expected"),
    [
        ("Concatenate", "2.3.1", {"axis": 1}, {"axis": 1, "either_mask": False}),
        ("Concatenate", "3.9.0", {}, {"axis": -1, "either_mask": True}),
        ("Dot", "2.3.1", {"axes": [1, 2], "normalize": True}, {"axes": (1, 2), "normalize": True, "shortest": 1e-6}),
        ("Dot", "1.2.2", {"axes": [[1], [2]]}, {"axes": (1, 2)}),
        ("Dot", "3.0.0", {"axes": -1}, {"axes": -1, "normalize": False, "shortest": 1e-7}),
    ],
)
def test_configs_of_all_versions(name: str, version: str, config: dict[str, Any], expected: dict[str, Any]) -> None:
    found: Layer = layer(name, config, version)
    assert {key: found.config[key] for key in expected} == expected


@pytest.mark.parametrize("axes", [0, [1, 2, 3], [[1, 2], [1, 2]], None, [0, 1], True])
def test_dot_axes_that_are_refused(axes: Any) -> None:
    with pytest.raises(UnknownLayerError, match="Dot over the axes"):
        layer("Dot", {"axes": axes})
