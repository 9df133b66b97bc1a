from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree

from regraft.errors import BlueprintError, UnknownLayerError
from regraft.layers import AxisOrder, Site
from regraft.layers.constants import constant

RNG = np.random.default_rng(0)


def images(*shape: int) -> np.ndarray:
    return (RNG.random(shape) * 255).astype("float32")


@pytest.mark.oracle
def test_normalization(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, sequence, vector = keras.Input((5, 4, 3)), keras.Input((6, 5)), keras.Input((7,))
    held, steps = layers.Conv2D(3, 1)(image), layers.Conv1D(4, 1)(sequence)
    axes: list[Any] = [-1, 1, 2, (1, 3), (2, -1), (1, 2, 3), None]
    outputs = [
        layers.Normalization(axis=axis, invert=i)(x) for axis in axes for x in (image, held) for i in (False, True)
    ]
    outputs += [layers.Normalization()(x) for x in (sequence, steps, vector)]
    fixed = [{"mean": 3.0, "variance": 4.0}, {"mean": [1.0, 2.0, 3.0], "variance": [0.5, 4.0, 0.0]}]
    outputs += [layers.Normalization(invert=i, **kw)(x) for kw in fixed for x in (image, held) for i in (False, True)]
    table = {"mean": RNG.random((5, 3)), "variance": RNG.random((5, 3))}
    outputs += [layers.Normalization(axis=(1, 3), **table)(x) for x in (image, held)]
    outputs += [
        layers.Normalization(axis=(1, 3), mean=[1.0, 2.0, 3.0], variance=[1.0, 2.0, 3.0])(x) for x in (image, held)
    ]
    model = keras.Model([image, sequence, vector], outputs)
    module = agree(model, [images(2, 5, 4, 3), images(2, 6, 5), images(2, 7)], tmp_path, tolerance=1e-7)
    assert (
        "(inputs - 3.0) / 2.0" in module.source
        or "(image - 3.0) / 2.0" in module.source
        or "- 3.0) / 2.0" in module.source
    )


@pytest.mark.oracle
def test_rescaling(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, vector = keras.Input((5, 4, 3)), keras.Input((7,))
    held = layers.Conv2D(3, 1)(image)
    settings: list[tuple[Any, Any]] = [(1 / 255, 0.0), (2 / 255, -1.0), ([0.1, 0.2, 0.3], 0.5), (0.5, [1.0, 2.0, 3.0])]
    settings += [(np.array([[[0.1, 0.2, 0.4]]]), 0.0), ([0.1, 0.2, 0.3], [1.0, 0.0, -1.0]), (RNG.random((4, 1)), 0.0)]
    outputs = [layers.Rescaling(scale, offset)(x) for scale, offset in settings for x in (image, held)]
    outputs += [layers.Rescaling(0.25, 1.0)(vector)]
    # TensorFlow keeps the constants in float32; the offset of -1 then doubles their rounding.
    agree(keras.Model([image, vector], outputs), [images(2, 5, 4, 3), images(2, 7)], tmp_path, tolerance=2.5e-7)


@pytest.mark.oracle
def test_keras_2(tmp_path: Path) -> None:
    import tf_keras

    layers = tf_keras.layers
    image = tf_keras.Input((5, 4, 3))
    held = layers.Conv2D(3, 1)(image)
    outputs = [
        f(held)
        for f in (
            layers.Rescaling(1 / 127.5, -1.0),
            layers.Normalization(),
            layers.Normalization(mean=2.0, variance=4.0),
        )
    ]
    outputs += [layers.CenterCrop(3, 2)(held), layers.RandomFlip()(held), layers.RandomZoom(0.2)(held)]
    agree(tf_keras.Model(image, outputs), [images(2, 5, 4, 3)], tmp_path, suffix=".h5", tolerance=1e-7)


@pytest.mark.oracle
def test_crop(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, any_size = keras.Input((6, 9, 3)), keras.Input((None, None, 3))
    first = keras.Input((3, 6, 9))
    outputs = [
        layers.CenterCrop(h, w)(x)
        for h, w in ((6, 9), (3, 4), (5, 9), (4, 5))
        for x in (image, layers.Conv2D(2, 1)(any_size))
    ]
    outputs += [layers.CenterCrop(3, 4, data_format="channels_first")(first), layers.RandomCrop(6, 9)(image)]
    agree(
        keras.Model([image, any_size, first], outputs),
        [images(2, 6, 9, 3), images(2, 7, 9, 3), images(2, 3, 6, 9)],
        tmp_path,
    )


@pytest.mark.oracle
def test_augmentation_is_the_identity(tmp_path: Path) -> None:
    import keras

    from regraft.layers.augmentation import CLASSES

    layers = keras.layers
    image = keras.Input((8, 9, 3))
    settings = {
        "RandomBrightness": {"factor": 0.2}, "RandomContrast": {"factor": 0.2}, "RandomRotation": {"factor": 0.1},
        "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1}, "RandomZoom": {"height_factor": 0.1},
        "RandomHue": {"factor": 0.2}, "RandomSaturation": {"factor": 0.2}, "RandomSharpness": {"factor": 0.2},
        "RandomPosterization": {"factor": 4}, "RandomColorDegeneration": {"factor": 0.2},
        "MaxNumBoundingBoxes": {"max_number": 7},
    }  # fmt: skip
    functions = [getattr(layers, name)(**settings.get(name, {})) for name in CLASSES if hasattr(layers, name)]
    x = images(2, 8, 9, 3)
    for function in functions:
        np.testing.assert_array_equal(function(x, training=False), x, err_msg=type(function).__name__)
    outputs = [
        f(image) for f in functions if isinstance(f, layers.RandomFlip | layers.RandomContrast | layers.RandomErasing)
    ]
    outputs += [layers.Pipeline([layers.RandomFlip(), layers.RandomZoom(0.1)])(image)]
    agree(keras.Model(image, outputs), [x], tmp_path, tolerance=0.0)


def test_every_random_layer_of_keras_is_known() -> None:
    import keras

    from regraft.layers import ALIASES

    module = "keras.src.layers.preprocessing.image_preprocessing"
    found = {n for n in dir(keras.layers) if getattr(getattr(keras.layers, n), "__module__", "").startswith(module)}
    assert found <= set(ALIASES)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3.0),
        ([1, 2.5], (1.0, 2.5)),
        ({"class_name": "__numpy__", "config": {"value": [[1.0], [2.0]], "dtype": "float64"}}, ((1.0,), (2.0,))),
        ({"type": "ndarray", "value": 0.5}, 0.5),
    ],
)
def test_constants(value: Any, expected: Any) -> None:
    assert constant(value) == expected


@pytest.mark.parametrize("value", ["three", [1, [2, 3]], None, {"class_name": "__numpy__"}, [float("nan")]])
def test_constants_that_are_refused(value: Any) -> None:
    with pytest.raises(UnknownLayerError, match="expected numbers"):
        constant(value)


@pytest.mark.parametrize(
    ("name", "config", "reason"),
    [
        ("Normalization", {"axis": [0]}, "along axis"),
        ("Normalization", {"axis": -1, "mean": "x", "variance": 1.0}, "expected numbers"),
        ("CenterCrop", {"height": 0, "width": 3}, "positive integer"),
        ("Pipeline", {"layers": [{"class_name": "Rescaling", "config": {}}]}, "acts at inference"),
    ],
)
def test_configs_that_are_refused(name: str, config: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnknownLayerError, match=reason):
        layer(name, config)


def test_sizes_that_keras_would_resize_are_refused() -> None:
    with pytest.raises(BlueprintError, match="Keras would enlarge it"):
        layer("CenterCrop", {"height": 8, "width": 3}).shape(((None, 6, 9, 3),))
    with pytest.raises(BlueprintError, match="resizes images"):
        layer("RandomCrop", {"height": 4, "width": 3}).shape(((None, 6, 9, 3),))


def test_constants_are_exact() -> None:
    order = AxisOrder.keras(2)
    site = Site("r", ((None, 3),), ((None, 3),), (order,), (order,), (False,), {})
    assert layer("Rescaling", {"scale": 1 / 255}).torch(site).outputs == (f"%0 * {1 / 255!r}",)
    assert layer("Rescaling", {"scale": 2.0, "offset": -1.0}).torch(site).outputs == ("%0 * 2.0 - 1.0",)


@pytest.mark.oracle
def test_statistics_of_one_number_in_the_config(tmp_path: Path) -> None:
    import keras
    from keras import layers

    entry = keras.Input((1,))
    agree(
        keras.Model(entry, layers.Normalization(mean=[0.5], variance=[2.0])(entry)),
        [images(4, 1)],
        tmp_path,
        tolerance=1e-7,
    )


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["keras", "tf_keras"])
@pytest.mark.parametrize("kind", ["Rescaling", "Identity"])
def test_a_mask_passes_since_keras_3(kind: str, name: str, tmp_path: Path) -> None:
    library = pytest.importorskip(name)
    x = images(3, 5, 4)
    x[1, 2:] = 0
    entry = library.Input((5, 4))
    made = {"Rescaling": {"scale": 0.5, "offset": 1.0}, "Identity": {}}[kind]
    held = getattr(library.layers, kind)(**made)(library.layers.Masking()(entry))
    model = library.Model(entry, library.layers.GlobalAveragePooling1D()(held))
    module = agree(model, [x], tmp_path, suffix=".keras" if name == "keras" else ".h5")
    assert ("torch.where(kept" in module.source) == (name == "keras")


@pytest.mark.oracle
def test_keras_loads_the_pipeline_that_is_written() -> None:
    import keras

    from regraft.keras_config.dump import layer as written_layer
    from regraft.keras_config.dump_nodes import Dialect
    from regraft.layers import spec_of

    pipeline = layer("Pipeline", keras.layers.Pipeline([keras.layers.RandomFlip(name="flip")], name="p").get_config())
    again = keras.saving.deserialize_keras_object(written_layer(spec_of("p", pipeline), Dialect(modern=True)))
    assert [type(step).__name__ for step in again.layers] == ["RandomFlip"]
