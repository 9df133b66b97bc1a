from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from regraft.blueprint import Blueprint, LayerSpec
from regraft.errors import ConfigError
from regraft.keras_config import parse

CODE = "4wEAAAAAAAAA" * 20


def read(*layers: dict[str, Any], **more: Any) -> Blueprint:
    entry = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [None, 4]}}
    model = {"class_name": "Sequential", "config": {"name": "m", "layers": [entry, *layers]}, "keras_version": "2.3.1"}
    return parse(json.dumps(model | more))


def one(layer: dict[str, Any]) -> LayerSpec:
    return read(layer).layers[1]


def test_settings_and_notes() -> None:
    config = {"name": "d", "units": 3.0, "use_bias": False, "activation": "relu", "trainable": False, "oddity": 7}
    model = read({"class_name": "Dense", "config": {**config, "kernel_initializer": {"class_name": "Zeros"}}})
    assert model.layers[1] == LayerSpec("d", "Dense", {"units": 3, "use_bias": False, "activation": "relu"}, False)
    assert model.notes == ("Dense: setting 'oddity' = 7 is not used (layer 'd')",)


def test_equal_notes_are_one() -> None:
    layers = [{"class_name": "Dense", "config": {"name": f"d{i}", "units": 3, "oddity": i // 2}} for i in range(4)]
    assert read(*layers).notes == ("Dense: setting 'oddity' = 1 is not used (layer 'd2' and 1 more)",)


@pytest.mark.parametrize(("orders", "unknown"), [("th tf", True), ("th th", False), ("tf", False), ("", True)])
def test_order_that_keras_1_does_not_state(orders: str, unknown: bool) -> None:
    pools = [
        {"class_name": "MaxPooling2D", "config": {"name": f"p{i}", "pool_size": [2, 2], "dim_ordering": order}}
        for i, order in enumerate(orders.split())
    ]
    model = read(*pools, {"class_name": "UpSampling2D", "config": {"name": "u", "size": [2, 2]}}, keras_version="1.2.2")
    spec = model.by_name["u"]
    assert bool(spec.unknown) is unknown
    if not unknown:
        assert spec.config["data_format"] == {"th": "channels_first", "tf": "channels_last"}[orders[:2]]
        assert [choice.subject for choice in model.choices] == ["u.data_format"]


@pytest.mark.parametrize(
    ("function", "more", "words"),
    [
        ([CODE, None, None], {"function_type": "lambda"}, f"{len(CODE)} characters"),
        (
            {"class_name": "__lambda__", "config": {"code": CODE, "defaults": None}},
            {},
            hashlib.sha256(CODE.encode()).hexdigest(),
        ),
        ("my_function", {"function_type": "function"}, "named 'my_function'"),
        (["\ud800", None, None], {}, "1 characters"),
        (None, {}, "never run"),
    ],
)
def test_lambda_is_described_and_left_alone(function: Any, more: dict[str, Any], words: str) -> None:
    spec = one({"class_name": "Lambda", "config": {"name": "f", "function": function, **more}})
    assert spec.type == "Lambda"
    assert spec.config == {}
    assert words in spec.unknown
    assert CODE not in spec.unknown


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"class_name": "Wavelet"}, "no layer 'Wavelet'"),
        ({"class_name": "Dense", "module": "my_code.layers"}, "module 'my_code.layers'"),
        ({"class_name": "Dense", "module": None, "registered_name": "Custom>Dense"}, "registered as 'Custom>Dense'"),
        ({"class_name": "Kron", "module": "keras.src.ops.numpy", "registered_name": "Kron"}, "operation 'Kron'"),
        (
            {"class_name": "Unique", "module": "keras.src.ops.numpy", "registered_name": "Unique"},
            "depends on the values",
        ),
        ({"class_name": "TFOpLambda", "config": {"name": "x", "function": "math.multiply"}}, "'math.multiply'"),
        ({"class_name": "TensorFlowOpLayer", "config": {"name": "x", "node_def": {"op": "Mul"}}}, "'Mul'"),
        ({"class_name": "Dense", "config": {"name": "x"}}, "'units'"),
        ({"class_name": "Dense", "config": {"name": "x", "units": "many"}}, "'many'"),
        ({"class_name": "Dense", "config": {"name": "x", "units": 10**12}}, "positive integer"),
        ({"class_name": "Dense", "config": {"name": "x", "units": 3, "activation": "softplus2"}}, "'softplus2'"),
        ({"class_name": "Activation", "config": {"name": "x", "activation": "\ud800"}}, "Unicode"),
    ],
)
def test_placeholders(entry: dict[str, Any], words: str) -> None:
    spec = one({"config": {"name": "x", "units": 3}, **entry})
    assert spec.type == entry["class_name"]
    assert spec.config == {}
    assert words in spec.unknown


@pytest.mark.parametrize("error", [TypeError("x"), ValueError("x"), KeyError("x"), RecursionError("x")])
def test_layer_that_fails_on_its_settings(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> Any:
        raise error

    monkeypatch.setattr("regraft.layers.dense.Dense.from_keras", fail)
    spec = one({"class_name": "Dense", "config": {"name": "x", "units": 3}})
    assert spec.config == {}
    assert "settings of this Dense cannot be read" in spec.unknown


@pytest.mark.parametrize(
    "module", ["keras.layers", "keras.src.layers.core.dense", "tf_keras.src.layers", "tensorflow.keras.layers", None]
)
def test_modules_of_keras(module: str | None) -> None:
    entry = {"class_name": "Dense", "module": module, "registered_name": None, "config": {"name": "d", "units": 3}}
    assert not one(entry).unknown


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"class_name": 3, "config": {}}, "class_name: expected a name, found 3"),
        ({"class_name": "Dense", "config": [1]}, "config: expected an object"),
        ({"class_name": "Dense", "config": {"name": ""}}, "name"),
        ({"class_name": "Dense", "config": {"name": "x" * 5000}}, "name"),
        ({"class_name": "Dense", "config": {"name": "\ud800"}}, "name"),
        ({"class_name": "Dense", "config": {"name": ["x"]}}, "name"),
        ({"class_name": "Dense", "config": {"name": "in", "units": 3}}, "two layers are named 'in'"),
        (3, "expected an object, found 3"),
        ({"class_name": "InputLayer", "config": {"name": "i2"}}, "only come first"),
        ({"class_name": "InputLayer", "config": {"name": "i2", "batch_shape": [None, "x"]}}, "expected an axis length"),
        ({"class_name": "InputLayer", "config": {"name": "i2", "dtype": "\ud800"}}, "'i2' cannot be read"),
    ],
)
def test_what_is_no_layer(entry: Any, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(entry)
    assert words in str(raised.value)
    assert "config.layers" in str(raised.value)


def test_nesting_is_limited() -> None:
    inner: dict[str, Any] = {"class_name": "Dense", "config": {"name": "d", "units": 3}}
    for i in range(40):
        inner = {"class_name": "Sequential", "config": {"name": f"s{i}", "layers": [inner]}}
    with pytest.raises(ConfigError, match="nest deeper than 30 levels"):
        parse(json.dumps(inner))


def test_number_of_layers_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regraft.keras_config.scope.MOST_LAYERS", 10)
    layers = [{"class_name": "Dense", "config": {"name": f"d{i}", "units": 3}} for i in range(10)]
    assert len(read(*layers[:9]).layers) == 10
    with pytest.raises(ConfigError, match="more than 10 layers"):
        read(*layers)
