"""Operations of tf.keras in the JSON: what becomes of them, and what is said of those that stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.layers.operations.test_damage import legacy

from regraft.blueprint import Blueprint, TensorRef
from regraft.keras_config import caveats, dump, parse


def read(class_name: str, config: dict[str, Any], node: Any) -> Blueprint:
    return parse(json.dumps(legacy(class_name, config, node)))


@pytest.mark.parametrize(
    ("function", "node", "type_name", "config", "arguments"),
    [
        ("math.reduce_mean", ["x", 0, 0, {"axis": [1]}], "Mean", {"axis": (1,), "keepdims": False}, {}),
        ("__operators__.add", ["x", 0, 0, {"y": ["y", 0, 0], "name": None}], "Add", {}, {"x2": TensorRef("y")}),
        (
            "math.subtract",
            ["_CONSTANT_VALUE", -1, 1.0, {"y": ["x", 0, 0]}],
            "Subtract",
            {},
            {"x1": 1.0, "x2": TensorRef("x")},
        ),
        ("math.argmax", ["x", 0, 0, {}], "Argmax", {"axis": 0, "keepdims": False}, {}),
        (
            "split",
            ["x", 0, 0, {"num_or_size_splits": [1, 3], "axis": 1}],
            "Split",
            {"indices_or_sections": (1,), "axis": 1},
            {},
        ),
        ("linalg.matmul", ["x", 0, 0, {"b": ["y", 0, 0], "transpose_b": False}], "Matmul", {}, {"x2": TensorRef("y")}),
        (
            "linalg.matmul",
            ["x", 0, 0, {"b": ["y", 0, 0], "transpose_b": True}],
            "TransposedMatmul",
            {"transpose_a": False, "transpose_b": True},
            {"x2": TensorRef("y")},
        ),
        ("reshape", ["x", 0, 0, {"shape": [["y", 0, 0], 5]}], "ComputedReshape", {}, {"shape": (TensorRef("y"), 5)}),
    ],
)
def test_a_function_is_an_operation_of_keras(
    function: str, node: Any, type_name: str, config: dict[str, Any], arguments: dict[str, Any]
) -> None:
    model = read("TFOpLambda", {"function": function}, node)
    spec = model.by_name["op"]
    assert (spec.type, spec.config, spec.unknown) == (f"{type_name}Operation", config, "")
    (call,) = model.calls
    assert call.arguments == arguments


@pytest.mark.parametrize(
    ("class_name", "config", "node", "words"),
    [
        ("TFOpLambda", {"function": "einsum"}, ["_CONSTANT_VALUE", -1, "ab,bc->ac", {}], "holds its equation and not its tensors"),
        ("TFOpLambda", {"function": "io.write_file"}, ["x", 0, 0, {}], "'io.write_file': it is not in the catalogue"),
        ("TFOpLambda", {"function": ["a"]}, ["x", 0, 0, {}], "not in the catalogue"),
        ("TFOpLambda", {"function": "math.reduce_mean"}, ["x", 0, 0, {"axis": ["y", 0, 0]}], "axis is computed by the model"),
        ("TFOpLambda", {"function": "math.cumsum"}, ["x", 0, 0, {"axis": 1, "sideways": True}], "sideways = True"),
        ("SlicingOpLambda", {"function": "__operators__.getitem"}, ["x", 0, 0, {"slice_spec": ["y", 0, 0]}], "a tensor or a list"),
        ("TensorFlowOpLayer", {"node_def": "CgNtdWw="}, [["x", 0, 0, {}]], "not written as JSON"),
        ("TensorFlowOpLayer", {"node_def": {"op": "PyFunc", "input": ["x"]}}, [["x", 0, 0, {}]], "'PyFunc'"),
    ],
)  # fmt: skip
def test_what_stays_says_why(class_name: str, config: dict[str, Any], node: Any, words: str) -> None:
    spec = read(class_name, config, node).by_name["op"]
    assert words in spec.unknown


def test_a_layer_called_with_other_settings_each_time_stays() -> None:
    model = legacy("TFOpLambda", {"function": "math.reduce_mean"}, ["x", 0, 0, {"axis": 1}])
    model["config"]["layers"][2]["inbound_nodes"].append(["y", 0, 0, {"axis": 2}])
    assert "other settings each time" in parse(json.dumps(model)).by_name["op"].unknown


def test_keras_3_is_told_what_it_lacks() -> None:
    model = read("TFOpLambda", {"function": "math.squared_difference"}, ["x", 0, 0, {"y": 1.0}])
    assert not model.by_name["op"].unknown
    reason = "Keras 3 has no operation like TensorFlow's math.squared_difference"
    assert caveats(model) == (f"layer 'op': {reason}",)
    assert not caveats(model, 2)
    written = json.loads(dump(model, partial=True))["config"]["layers"][2]
    assert written["class_name"] == "TFOpLambda"
    assert written["config"]["placeholder"] == reason
    again = json.loads(dump(model, version=2))["config"]["layers"][2]
    assert again["config"]["function"] == "math.squared_difference"
    assert again["inbound_nodes"] == [["x", 0, 0, {"y": 1.0}]]
