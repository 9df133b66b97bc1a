from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.layers.reading import layer, reading
from tests.twin import agree, relative_error

from regraft.blueprint import LayerSpec
from regraft.errors import UnknownLayerError
from regraft.layers import AxisOrder, KerasVersion
from regraft.layers.activations import EXPRESSIONS, activated, activation, activation_caveats, keras_name

#: TensorFlow keeps these constants in float32 even in a float64 model; ours are exact.
FLOAT32_CONSTANTS = {"leaky_relu", "gelu"}
#: What Keras 3 has by that name, but needs arguments that a name cannot give.
NOT_BY_NAME = {"threshold"}


def keras_names() -> list[str]:
    import keras

    ours = {"get", "serialize", "deserialize"}
    return sorted(name for name in dir(keras.activations) if not name.startswith("_") and name not in ours)


@pytest.mark.oracle
def test_all_activations_of_keras_3(tmp_path: Path) -> None:
    import keras

    names = [name for name in keras_names() if name not in NOT_BY_NAME]
    assert len(names) == 31
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((5, 8)).astype("float32") * 4
    images = rng.standard_normal((2, 5, 7, 6)).astype("float32") * 3
    for exact, tolerance in ((set(names) - FLOAT32_CONSTANTS, 1e-12), (FLOAT32_CONSTANTS, 1e-7)):
        vector, image = keras.Input((8,)), keras.Input((5, 7, 6))
        held = keras.layers.Conv2D(4, 1, use_bias=False)(image)
        outputs = [keras.layers.Activation(name)(x) for name in sorted(exact) for x in (vector, held)]
        agree(keras.Model([vector, image], outputs), [vectors, images], tmp_path, tolerance=tolerance)


@pytest.mark.oracle
def test_activations_of_keras_2(tmp_path: Path) -> None:
    import tf_keras

    names = [
        "hard_sigmoid",
        "swish",
        "elu",
        "selu",
        "softplus",
        "softsign",
        "exponential",
        "mish",
        "relu",
        "tanh",
        "softmax",
    ]
    vector = tf_keras.Input((9,))
    model = tf_keras.Model(vector, [tf_keras.layers.Activation(name)(vector) for name in names])
    inputs = np.random.default_rng(1).standard_normal((4, 9)).astype("float32") * 4
    agree(model, [inputs], tmp_path, suffix=".h5")


@pytest.mark.oracle
def test_layers_as_activation(tmp_path: Path) -> None:
    import keras

    image = keras.Input((6, 5, 3))
    layers = keras.layers
    functions = [
        layers.ReLU(max_value=1.5, negative_slope=0.25, threshold=0.5),
        layers.LeakyReLU(0.125),
        layers.ELU(0.7),
    ]
    outputs = [layers.Conv2D(4, 3, activation=f, name=f"fused{i}")(image) for i, f in enumerate(functions)]
    module = agree(
        keras.Model(image, outputs), [np.random.default_rng(2).random((2, 6, 5, 3), "float32") * 4 - 2], tmp_path
    )
    assert module.source.count("self.fused0(") == 1, "a fused activation must not run the layer twice"


def test_traps_are_far_off() -> None:
    import torch

    from regraft.emit.snippet import needed

    space = {"torch": torch, "F": torch.nn.functional, "Tensor": torch.Tensor, "nn": torch.nn}
    for text in needed(["sparsemax", "hard_sigmoid"]).values():
        exec(text, space)  # noqa: S102 - our own text
    x = torch.linspace(-4, 4, 33, dtype=torch.float64)
    keras_2 = np.clip(0.2 * x.numpy() + 0.5, 0, 1)
    assert relative_error(space["hard_sigmoid"](x).numpy(), keras_2) <= 1e-12
    assert relative_error(torch.nn.functional.hardsigmoid(x).numpy(), keras_2) > 0.05
    # keras.activations.sparsemax([1, 0.5]); the paper's sparsemax is (0.75, 0.25)
    found = space["sparsemax"](torch.tensor([[1.0, 0.5]]), dim=-1)
    assert found.tolist() == [[0.25, 0.0]]


@pytest.mark.parametrize(
    ("value", "version", "expected"),
    [
        ("relu", "3.15.1", "relu"),
        (None, "2.3.1", "linear"),
        ("swish", "2.8.0", "silu"),
        ("hard_swish", "3.2.0", "hard_silu"),
        ("hard_sigmoid", "1.2.2", "hard_sigmoid_keras2"),
        ("hard_sigmoid", "2.15.0", "hard_sigmoid_keras2"),
        ("hard_sigmoid", "3.0.0", "hard_sigmoid"),
        (
            {"module": "builtins", "class_name": "function", "config": "relu6", "registered_name": "function"},
            "3.1.0",
            "relu6",
        ),
        ("LeakyReLU", "2.9.0", LayerSpec("LeakyReLU", "LeakyReLU", {"negative_slope": 0.3})),
        ({"class_name": "ELU", "config": {"name": "e", "alpha": 0.5}}, "2.2.4", LayerSpec("e", "ELU", {"alpha": 0.5})),
    ],
)
def test_activation_is_read(value: object, version: str, expected: object) -> None:
    assert activation(value, reading({}, version)) == expected


@pytest.mark.parametrize(
    ("value", "version", "reason"),
    [
        ("my_activation", "3.15.1", "'my_activation' is not known"),
        ("threshold", "3.15.1", "'threshold' is not known"),
        ("gelu", "2.2.4", "may be either form"),
        (["relu"], "3.15.1", "is not known"),
        ({"class_name": "function", "config": {"code": "x"}}, "2.13.0", "no layer 'function'"),
        ({"class_name": "PReLU", "config": {"name": "p"}}, "2.13.0", "its variables have no place"),
    ],
)
def test_activation_that_is_refused(value: object, version: str, reason: str) -> None:
    with pytest.raises(UnknownLayerError, match=reason):
        activation(value, reading({}, version))


def test_softmax_follows_the_axis_order() -> None:
    assert activated("x", "softmax", AxisOrder.channels_first(4)) == ("F.softmax(x, dim=1)", ())
    assert activated("x", "softmax", AxisOrder.keras(3)) == ("F.softmax(x, dim=2)", ())
    assert activated("f(x)", "sparsemax", AxisOrder.keras(2)) == ("sparsemax(f(x), dim=1)", ("sparsemax",))


def test_glu_halves_the_last_axis_and_takes_no_flattened_map_in_pytorch_order() -> None:
    from regraft.layers import Arrival

    glu = layer("Activation", {"activation": "glu"})
    assert glu.shape(((None, 5, 6),)) == (None, 5, 3)
    flat = AxisOrder((0, 1), flat=(2, 3, 4))
    assert glu.arrange(Arrival(((None, 24),), (flat,))).inputs == (AxisOrder.keras(2),)
    relu = layer("Activation", {"activation": "relu"})
    assert relu.arrange(Arrival(((None, 24),), (flat,))).inputs == (flat,)


@pytest.mark.parametrize("name", sorted(EXPRESSIONS))
@pytest.mark.parametrize("version", [KerasVersion(2, 15, tf=True), KerasVersion(3, 15)])
def test_name_round_trip_or_caveat(name: str, version: KerasVersion) -> None:
    again = activation(keras_name(name, version), reading({}, str(version)))
    assert again == name or activation_caveats(name, version)


def test_keras_2_has_what_is_said_of_it() -> None:
    from regraft.layers.activations import IN_KERAS_2

    assert not activation_caveats("gelu", KerasVersion(2, 15))
    assert activation_caveats("sparsemax", KerasVersion(2, 15)) == ("Keras 2 has no activation 'sparsemax'",)
    assert set(EXPRESSIONS) > IN_KERAS_2


def test_activation_layer_of_keras_1() -> None:
    assert layer("Activation", {"activation": "hard_sigmoid", "name": "a"}, "1.2.2").activation == "hard_sigmoid_keras2"
