from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.layers.reading import layer
from tests.twin import agree, relative_error

from regraft.errors import UnknownLayerError
from regraft.layers import AxisOrder, Form, KerasVersion, Site, Stored
from regraft.layers.form import Arrival
from regraft.layout import apply

RNG = np.random.default_rng(0)


def images(*shape: int) -> np.ndarray:
    return (RNG.standard_normal(shape) * 2 + 1).astype("float32")


@pytest.mark.oracle
def test_batch_normalization(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    shapes = [(6,), (5, 6), (5, 4, 6), (3, 5, 4, 6), (2, 3, 5, 4, 6)]
    inputs = [keras.Input(shape) for shape in shapes]
    image = inputs[2]
    held = layers.Conv2D(7, 1)(image)
    outputs = [layers.BatchNormalization()(x) for x in inputs]
    outputs += [
        layers.BatchNormalization(scale=s, center=c)(x)
        for s, c in itertools.product((True, False), repeat=2)
        for x in (image, held)
    ]
    outputs += [
        layers.BatchNormalization(axis=axis, epsilon=1e-4, momentum=0.7)(x)
        for axis in (1, 2, -2)
        for x in (image, held)
    ]
    outputs += [layers.BatchNormalization(axis=1)(inputs[1]), layers.BatchNormalization(renorm=True)(held)]
    module = agree(keras.Model(inputs, outputs), [images(4, *shape) for shape in shapes], tmp_path, tolerance=1e-12)
    for kind in ("nn.BatchNorm1d(6", "nn.BatchNorm2d(7", "nn.BatchNorm3d(6"):
        assert kind in module.source


@pytest.mark.oracle
def test_batch_normalization_between_flatten_and_dense(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    stack = [
        keras.Input((4, 5, 3)),
        layers.Conv2D(7, 2),
        layers.Flatten(),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(),
        layers.Dense(6),
    ]
    module = agree(keras.Sequential(stack), [images(2, 4, 5, 3)], tmp_path, tolerance=1e-12)
    assert "permute" not in module.source
    moved = [t for t in module.transfers if t.layer == "norm" and t.variables]
    assert {t.words for t in moved} == {"(map_h map_w map_c) -> (map_c map_h map_w)"}, "all four vectors follow the map"


@pytest.mark.oracle
def test_keras_2(tmp_path: Path) -> None:
    import tf_keras

    layers = tf_keras.layers
    image = tf_keras.Input((5, 4, 6))
    held = layers.Conv2D(7, 1)(image)
    outputs = [
        layers.BatchNormalization(axis=[3])(held),
        layers.BatchNormalization(renorm=True, renorm_clipping={"rmax": 3.0})(held),
    ]
    outputs += [
        layers.experimental.SyncBatchNormalization()(held),
        layers.UnitNormalization()(held),
        layers.GroupNormalization(7)(held),
    ]
    outputs += [
        layers.LayerNormalization()(held),
        layers.LayerNormalization(axis=[1, 2])(held),
        layers.LayerNormalization(axis=[1, 2, 3])(image),
    ]
    model = tf_keras.Model(image, outputs)
    for suffix in (".h5", ".keras"):
        agree(model, [images(3, 5, 4, 6)], tmp_path, suffix=suffix)


@pytest.mark.oracle
def test_layer_normalization(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, sequence, vector = keras.Input((5, 4, 6)), keras.Input((7, 8)), keras.Input((9,))
    held, steps = layers.Conv2D(7, 1)(image), layers.Conv1D(5, 1)(sequence)
    axes: list[Any] = [-1, 1, 2, (1, 2), (-1, -2), (2, 3), (1, 3), (1, 2, 3), [-3, -1]]
    outputs = [layers.LayerNormalization(axis=axis)(x) for axis in axes for x in (image, held)]
    outputs += [layers.LayerNormalization(axis=axis)(x) for axis in (-1, 1, (1, 2)) for x in (sequence, steps)]
    choices = [{"scale": s, "center": c} for s, c in itertools.product((True, False), repeat=2)]
    choices += [{"rms_scaling": True}, {"rms_scaling": True, "scale": False}]
    with pytest.warns(UserWarning, match="rms_scaling"):
        outputs += [
            layers.LayerNormalization(epsilon=1e-5, axis=a, **kw)(held) for kw in choices for a in (-1, (1, 2, 3), 2)
        ]
    outputs += [layers.LayerNormalization()(vector)]
    with pytest.warns(UserWarning, match="rms_scaling"):
        agree(
            keras.Model([image, sequence, vector], outputs),
            [images(3, 5, 4, 6), images(3, 7, 8), images(4, 9)],
            tmp_path,
        )


@pytest.mark.oracle
def test_layer_normalization_of_sizes_that_vary_and_of_flattened_maps(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image = keras.Input((None, 4, 6))
    outputs = [
        layers.LayerNormalization(axis=axis, scale=False, center=False)(layers.Conv2D(3, 1)(image))
        for axis in ((1, 2), -1, (1, 2, 3))
    ]
    agree(keras.Model(image, outputs), [images(3, 5, 4, 6)], tmp_path)
    stack = [
        keras.Input((4, 5, 3)),
        layers.Conv2D(7, 2),
        layers.Flatten(),
        layers.LayerNormalization(),
        layers.UnitNormalization(),
    ]
    module = agree(
        keras.Sequential([*stack, layers.RMSNormalization(), layers.Dense(6)]), [images(2, 4, 5, 3)], tmp_path
    )
    assert "permute" not in module.source


@pytest.mark.oracle
def test_other_normalizations(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image, sequence, vector = keras.Input((5, 4, 6)), keras.Input((7, 8)), keras.Input((12,))
    held, steps = layers.Conv2D(8, 1)(image), layers.Conv1D(6, 1)(sequence)
    choices = [{"scale": s, "center": c} for s, c in itertools.product((True, False), repeat=2)]
    outputs = [layers.GroupNormalization(groups=2, epsilon=1e-4, **kw)(held) for kw in choices]
    outputs += [
        layers.GroupNormalization(groups=g, axis=a)(x)
        for g, a, x in ((-1, -1, held), (3, 3, image), (5, 1, image), (2, 2, held))
    ]
    outputs += [
        layers.GroupNormalization(groups=2)(sequence),
        layers.GroupNormalization(groups=3)(steps),
        layers.GroupNormalization(4)(vector),
    ]
    outputs += [layers.UnitNormalization(axis=axis)(x) for axis in (-1, 1, (1, 2), [1, -1]) for x in (image, held)]
    outputs += [
        layers.RMSNormalization(axis=axis)(x) for axis in (-1, [-1], (-2, -1), (1, 2, 3)) for x in (image, held)
    ]
    outputs += [layers.RMSNormalization(axis=2, epsilon=1e-3)(steps)]
    agree(
        keras.Model([image, sequence, vector], outputs), [images(3, 5, 4, 6), images(3, 7, 8), images(4, 12)], tmp_path
    )


@pytest.mark.oracle
def test_rms_normalization_over_axes_that_are_not_the_last(tmp_path: Path) -> None:
    """Keras lays the scale along the last axes all the same; where they are of other lengths, there is no such layer."""
    import keras
    from keras import layers

    cube = keras.Input((4, 4, 4))
    outputs = [layers.RMSNormalization(axis=axis)(cube) for axis in (1, -2, (1, 2), (1, 3))]
    module = agree(keras.Model(cube, outputs), [images(3, 4, 4, 4)], tmp_path)
    assert "RMSNormAxes((4, 4), (1, 3), eps=1e-06)" in module.source
    order = AxisOrder.keras(3)
    site = Site("n", ((None, 5, 4),), ((None, 5, 4),), (order,), (order,), (False,), {"scale": (5,)})
    with pytest.raises(UnknownLayerError, match=r"its scale .5,. does not fit the last axes .4,."):
        layer("RMSNormalization", {"axis": 1}).torch(site)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:.*RMSNormalization.*masking:UserWarning")
def test_a_masked_sequence_passes_through(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    sequence = keras.Input((6, 5))
    masked = layers.Masking()(sequence)
    norms = [
        layers.BatchNormalization(),
        layers.LayerNormalization(),
        layers.GroupNormalization(5),
        layers.UnitNormalization(),
        layers.RMSNormalization(),
    ]
    inputs = images(3, 6, 5)
    inputs[0, 2:] = inputs[1, :3] = 0.0
    outputs = [layers.GlobalAveragePooling1D()(norm(masked)) for norm in norms]
    agree(keras.Model(sequence, outputs), [inputs], tmp_path)


def test_keras_1_names_its_variance_running_std() -> None:
    stored = Stored(((5,),) * 4, KerasVersion(1, 2, 2))
    found = layer("BatchNormalization", {"epsilon": 1e-3, "mode": 0, "axis": 1, "momentum": 0.99}, "1.2.2").stored(
        stored
    )
    assert {name: origin.places for name, origin in found.items()} == {
        "gamma": (0,), "beta": (1,), "moving_mean": (2,), "moving_variance": (3,)
    }  # fmt: skip


def vectors(channels: int) -> dict[str, np.ndarray]:
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return {name: RNG.uniform(0.5, 1.5, channels) for name in names}


def run(form: Form, variables: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The output of a form that is one module, with its variables."""
    import torch

    from regraft.emit.snippet import needed

    space: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "Tensor": torch.Tensor, "nn": torch.nn}
    for text in needed(form.snippets).values():
        exec(text, space)  # noqa: S102 - our own text
    module = eval(form.module, space).double()  # noqa: S307 - our own text
    state = {}
    for carry in form.carries or ():
        arrays = apply(carry.moves, tuple(variables[name] for name in carry.variables))
        state.update(zip(carry.parameters, map(torch.from_numpy, map(np.array, arrays)), strict=True))
    module.load_state_dict(state, strict=True)
    code = form.outputs[0].replace("%self", "module").replace("%0", "x")
    with torch.no_grad():
        return eval(code, {"module": module.eval(), "x": torch.from_numpy(x)}).numpy()  # noqa: S307 - our own text


def keras_1(version: str, config: dict[str, Any], shape: tuple[int, ...], channels: int) -> Form:
    found = layer("BatchNormalization", config, version)
    arranged = found.arrange(Arrival((shape,), (AxisOrder.keras(len(shape)),)))
    site = Site(
        "bn", (shape,), (shape,), arranged.inputs, arranged.outputs, (False,), dict.fromkeys(vectors(1), (channels,))
    )
    return found.torch(site)


def test_modes_of_keras_1() -> None:
    x = RNG.standard_normal((4, 5)) * 2 + 1
    v = vectors(5)
    config = {"epsilon": 1e-2, "axis": -1, "momentum": 0.99}

    def scaled(normal: np.ndarray) -> np.ndarray:
        return v["gamma"] * normal + v["beta"]

    expected = {
        ("1.2.2", 0): (x - v["moving_mean"]) / np.sqrt(v["moving_variance"] + 1e-2),
        ("1.2.2", 1): (x - x.mean(1, keepdims=True)) / (np.sqrt(x.var(1, keepdims=True) + 1e-2) + 1e-2),
        ("1.2.2", 2): (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-2),
        ("1.0.5", 0): (x - v["moving_mean"]) / (v["moving_variance"] + 1e-2),
        ("1", 0): (x - v["moving_mean"]) / np.sqrt(v["moving_variance"] + 1e-2),
    }
    for (version, mode), normal in expected.items():
        found = run(keras_1(version, {**config, "mode": mode}, (None, 5), 5), v, x)
        assert relative_error(found, scaled(normal)) <= 1e-12, (version, mode)
    with pytest.raises(UnknownLayerError, match=r"mode 2 of Keras 1\.0\.4"):
        layer("BatchNormalization", {**config, "mode": 2}, "1.0.4")


def test_deviations_of_keras_1_on_maps() -> None:
    x = RNG.standard_normal((2, 5, 3, 4))
    v = vectors(5)
    form = keras_1("1.0.3", {"epsilon": 1e-6, "axis": 1, "mode": 0}, (None, 5, 3, 4), 5)
    at = {name: vector[:, None, None] for name, vector in v.items()}
    expected = at["gamma"] * (x - at["moving_mean"]) / (at["moving_variance"] + 1e-6) + at["beta"]
    assert relative_error(run(form, v, x), expected) <= 1e-12
    assert "standard deviations" in layer("BatchNormalization", {"axis": 1}, "1.0.3").caveats(KerasVersion(3, 15))[0]


def test_more_axes_than_pytorch_knows() -> None:
    shape = (None, 2, 3, 2, 3, 5)
    x, v = RNG.standard_normal((2, 5, 2, 3, 2, 3)), vectors(5)
    form = keras_1("2.3.1", {"axis": -1}, shape, 5)
    at = {name: vector[:, None, None, None, None] for name, vector in v.items()}
    expected = at["gamma"] * (x - at["moving_mean"]) / np.sqrt(at["moving_variance"] + 1e-3) + at["beta"]
    assert relative_error(run(form, v, x), expected) <= 1e-12


def test_traps() -> None:
    """The cost of what a hurried translation does: BatchNorm with PyTorch's epsilon, gamma and beta swapped."""
    x, v = RNG.standard_normal((4, 5)), vectors(5)
    v["moving_variance"] *= 0.05
    form = keras_1("2.3.1", {"axis": -1}, (None, 5), 5)
    expected = v["gamma"] * (x - v["moving_mean"]) / np.sqrt(v["moving_variance"] + 1e-3) + v["beta"]
    assert relative_error(run(form, v, x), expected) <= 1e-12
    naive = v["gamma"] * (x - v["moving_mean"]) / np.sqrt(v["moving_variance"] + 1e-5) + v["beta"]
    swapped = v["beta"] * (x - v["moving_mean"]) / np.sqrt(v["moving_variance"] + 1e-3) + v["gamma"]
    assert relative_error(naive, expected) > 1e-3
    assert relative_error(swapped, expected) > 0.05


@pytest.mark.parametrize(
    ("name", "version", "config", "expected"),
    [
        ("BatchNormalization", "1.0.2", {}, {"epsilon": 1e-6, "momentum": 0.9, "deviation": True}),
        ("BatchNormalization", "1.0.6", {}, {"epsilon": 1e-6, "momentum": 0.9, "deviation": False}),
        ("BatchNormalization", "1.1.0", {}, {"epsilon": 1e-5, "momentum": 0.99}),
        ("BatchNormalization", "2.0.0", {"axis": [3]}, {"epsilon": 1e-3, "axis": 3}),
        ("BatchNormalizationV1", "2.2.4-tf", {"axis": [1], "virtual_batch_size": None}, {"axis": 1, "renorm": False}),
        ("LayerNormalization", "2.4.0", {"axis": [1, 2]}, {"axis": (1, 2), "epsilon": 1e-3}),
        ("LayerNormalization", "3.0.0", {"axis": -1, "rms_scaling": True}, {"axis": (-1,), "rms_scaling": True}),
        ("LayerNormalization", "3.0.0", {"axis": [-1, -2]}, {"axis": (-2, -1)}),
        ("UnitNormalization", "2.12.0", {"axis": -1}, {"shortest": 1e-6}),
        ("UnitNormalization", "3.0.0", {"axis": [1, 2]}, {"shortest": 1e-12, "axis": (1, 2)}),
        ("GroupNormalization", "3.0.0", {"groups": -1}, {"groups": -1, "axis": -1, "epsilon": 1e-3}),
    ],
)
def test_configs_of_all_versions(name: str, version: str, config: dict[str, Any], expected: dict[str, Any]) -> None:
    found = layer(name, config, version).config
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("name", "version", "config", "reason"),
    [
        ("BatchNormalization", "1.2.2", {"mode": 3}, "mode 3"),
        ("BatchNormalization", "2.4.0", {"axis": [1, 2]}, "over axis"),
        ("BatchNormalization", "2.4.0", {"axis": 0}, "over axis 0"),
        ("BatchNormalization", "2.4.0", {"virtual_batch_size": 8}, "virtual batches of 8"),
        ("LayerNormalization", "3.0.0", {"axis": [1, -1]}, "in this order"),
        ("LayerNormalization", "2.4.0", {"axis": [2, 1]}, "in this order"),
        ("LayerNormalization", "3.0.0", {"axis": []}, "over axis"),
        ("GroupNormalization", "3.0.0", {"groups": 0}, "0 groups"),
    ],
)
def test_configs_that_are_refused(name: str, version: str, config: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnknownLayerError, match=reason):
        layer(name, config, version)


def test_the_count_of_batches_is_filled() -> None:
    form = keras_1("2.3.1", {"axis": -1, "scale": False}, (None, 5), 5)
    assert {p for carry in form.carries or () for p in carry.parameters} == {
        "weight", "bias", "running_mean", "running_var", "num_batches_tracked"
    }  # fmt: skip
