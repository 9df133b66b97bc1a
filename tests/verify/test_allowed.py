"""Nothing but known names may reach the real Keras."""

from __future__ import annotations

import json
from typing import Any

import pytest

from regraft.verify.allowed import objections, stripped, with_dtype

DENSE = {"class_name": "Dense", "config": {"name": "d", "units": 3, "activation": "relu"}}


def model(*layers: Any, **more: Any) -> dict[str, Any]:
    """A Sequential configuration."""
    return {"class_name": "Sequential", "config": {"name": "m", "layers": list(layers)}, **more}


@pytest.mark.parametrize(
    "config",
    [
        model(DENSE),
        model({**DENSE, "module": "keras.layers", "registered_name": None}, module="keras.src.models.sequential"),
        model({"class_name": "Activation", "config": {"activation": {"class_name": "function", "config": "relu"}}}),
        model(
            {"class_name": "Dense", "config": {"dtype": {"class_name": "DTypePolicy", "config": {"name": "float32"}}}}
        ),
        model(
            {"class_name": "TimeDistributed", "config": {"layer": DENSE}}, module="keras", registered_name="Sequential"
        ),
    ],
)
def test_configurations_of_known_names_pass(config: dict[str, Any]) -> None:
    assert objections(stripped(config)) == []


@pytest.mark.parametrize(
    ("config", "word"),
    [
        (model({"class_name": "Lambda", "config": {"function": ["4wEAAAA=", None, None]}}), "Lambda"),
        (model({"class_name": "TFSMLayer", "config": {"filepath": "/etc"}}), "TFSMLayer"),
        (model({**DENSE, "module": "os"}), "module 'os'"),
        (model({**DENSE, "module": "keras.layers.os"}, module="keras.utils"), "module 'keras.utils'"),
        (model({**DENSE, "module": "keras.src.saving"}), "keras.src.saving"),
        (model({**DENSE, "module": ["keras"]}), "module"),
        (model({**DENSE, "registered_name": "package>Dense"}), "package>Dense"),
        (model({"class_name": "system", "config": {}}), "system"),
        (model({"class_name": ["Dense"], "config": {}}), "class"),
        (model({"class_name": "Dense", "config": {"activation": "evil"}}), "activation 'evil'"),
        (model({"class_name": "Dense", "config": {"recurrent_activation": "os.system"}}), "os.system"),
        (
            model({"class_name": "Activation", "config": {"activation": {"class_name": "function", "config": "exec"}}}),
            "function 'exec'",
        ),
        (model({"class_name": "Dense", "config": {"deep": [{"deeper": {"class_name": "__lambda__"}}]}}), "__lambda__"),
    ],
)
def test_everything_else_is_refused_by_name(config: dict[str, Any], word: str) -> None:
    found = objections(stripped(config))
    assert found
    assert word in "; ".join(found)


def test_a_configuration_without_end_is_refused() -> None:
    deep: Any = 0
    for _ in range(300):
        deep = [deep]
    assert objections({"config": deep}) == ["it is nested too deeply"]


def test_what_inference_does_not_need_is_stripped_before_the_look() -> None:
    settings = {
        "name": "d",
        "kernel_initializer": {"class_name": "Evil", "module": "os"},
        "bias_regularizer": {"class_name": "Evil"},
        "kernel_constraint": {"class_name": "Evil"},
    }
    config = model({"class_name": "Dense", "config": settings}, compile_config={"loss": {"class_name": "Evil"}})
    assert objections(config)
    found = stripped(config)
    assert objections(found) == []
    assert "Evil" not in json.dumps(found)
    assert found["config"]["layers"][0]["config"] == {
        "name": "d",
        "kernel_initializer": "zeros",
        "bias_regularizer": None,
        "kernel_constraint": None,
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("float32", "float64"),
        ("mixed_float16", "float64"),
        ({"class_name": "DTypePolicy", "config": {"name": "float32"}}, "float64"),
        ("int32", "int32"),
        ("bool", "bool"),
        (None, None),
    ],
)
def test_dtypes_are_widened_but_integers_stay(value: Any, expected: Any) -> None:
    config = model({"class_name": "Dense", "config": {"dtype": value}})
    assert with_dtype(config, "float64")["config"]["layers"][0]["config"] == {"dtype": expected}
