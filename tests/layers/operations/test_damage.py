"""Operations from damaged or hostile files: a placeholder or a clear error, never a crash and never foreign code."""

from __future__ import annotations

import ast
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from regraft.blueprint import Blueprint
from regraft.emit.module import emit
from regraft.errors import RegraftError
from regraft.keras_config import dump, parse
from regraft.layers.binding import Binding
from regraft.verify.allowed import objections

ODD: list[Any] = [None, True, -7, 0, 2**40, 1.5, "x", '")); import os #', [], {}, [[1, 2], [3]], ["a", 0, 0]]
ODD += [{"class_name": "__lambda__"}, {"class_name": "__slice__", "config": 3}]
ARRAY = {"class_name": "__numpy__", "config": {"value": [1.0] * 6, "dtype": "float32"}}
MEAN = {"name": "m", "op": "Mean", "input": ["x", "axes"], "attr": {"keep_dims": {"b": True}}}
KEY = [{"start": 1, "stop": None, "step": None}, 2]


def tensor(name: str, shape: list[int | None]) -> dict[str, Any]:
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": shape, "dtype": "float32", "keras_history": [name, 0, 0]},
    }


def modern(class_name: str, module: str, config: dict[str, Any], args: list[Any], **kwargs: Any) -> dict[str, Any]:
    """A model of one operation of Keras 3, between its inputs ``x``, ``y`` (batch, 4, 5, 6) and its output."""
    inputs = [
        {"class_name": "InputLayer", "module": "keras.layers", "name": n, "inbound_nodes": [],
         "config": {"name": n, "batch_shape": [None, 4, 5, 6], "dtype": "float32"}}
        for n in "xy"
    ]  # fmt: skip
    operation = {
        "class_name": class_name, "module": f"keras.src.ops.{module}", "name": "op", "registered_name": class_name,
        "config": {"name": "op", **config}, "inbound_nodes": [{"args": args, "kwargs": kwargs}],
    }  # fmt: skip
    config = {
        "name": "m", "layers": [*inputs, operation],
        "input_layers": [["x", 0, 0], ["y", 0, 0]], "output_layers": [["op", 0, 0]],
    }  # fmt: skip
    return {"class_name": "Functional", "module": "keras", "config": config}


def legacy(class_name: str, config: dict[str, Any], node: Any) -> dict[str, Any]:
    """The same for tf.keras."""
    inputs = [
        {"class_name": "InputLayer", "name": n, "inbound_nodes": [],
         "config": {"name": n, "batch_input_shape": [None, 4, 5, 6], "dtype": "float32"}}
        for n in "xy"
    ]  # fmt: skip
    operation = {"class_name": class_name, "name": "op", "config": {"name": "op", **config}, "inbound_nodes": [node]}
    config = {
        "name": "m", "layers": [*inputs, operation],
        "input_layers": [["x", 0, 0], ["y", 0, 0]], "output_layers": [["op", 0, 0]],
    }  # fmt: skip
    return {"class_name": "Functional", "config": config, "keras_version": "2.11.0"}


SAMPLE = 3
X, Y = tensor("x", [None, 4, 5, 6]), tensor("y", [None, 4, 5, 6])
SLICE = {"class_name": "__slice__", "config": {"start": 1, "stop": None, "step": None}}
MODELS: dict[str, dict[str, Any]] = {
    "add": modern("Add", "numpy", {}, [X, Y]),
    "add an array": modern("Add", "numpy", {}, [X, ARRAY]),
    "mean": modern("Mean", "numpy", {"axis": [1, 2], "keepdims": True}, [X]),
    "argmax": modern("Argmax", "numpy", {"axis": 1, "keepdims": False}, [X]),
    "quantile": modern("Quantile", "numpy", {"axis": 1, "method": "linear"}, [X, 0.5]),
    "cumsum": modern("Cumsum", "numpy", {"axis": 1, "dtype": None}, [X]),
    "normalize": modern("Normalize", "nn", {"axis": -1, "order": 2, "epsilon": None}, [X]),
    "one_hot": modern("OneHot", "nn", {"num_classes": 6, "axis": -1, "dtype": "float32", "sparse": False}, [X]),
    "top_k": modern("TopK", "math", {"k": 2, "sorted": True}, [X]),
    "cast": modern("Cast", "core", {"dtype": "int32"}, [X]),
    "clip": modern("Clip", "numpy", {"x_min": 0, "x_max": 6.0}, [X]),
    "where": modern("Where", "numpy", {}, [X, Y, 2.0]),
    "reshape": modern("Reshape", "numpy", {"newshape": [-1, 20, 6]}, [X]),
    "transpose": modern("Transpose", "numpy", {"axes": [0, 2, 1, 3]}, [X]),
    "moveaxis": modern("Moveaxis", "numpy", {"source": 1, "destination": 3}, [X]),
    "expand_dims": modern("ExpandDims", "numpy", {"axis": 1}, [X]),
    "squeeze": modern("Squeeze", "numpy", {"axis": None}, [X]),
    "pad": modern("Pad", "numpy", {"pad_width": [[0, 0], [1, 2], [0, 0], [0, 0]], "mode": "reflect"}, [X]),
    "tile": modern("Tile", "numpy", {"repeats": [1, 2, 1, 1]}, [X]),
    "repeat": modern("Repeat", "numpy", {"repeats": 2, "axis": 1}, [X]),
    "split": modern("Split", "numpy", {"indices_or_sections": [1, 3], "axis": 1}, [X]),
    "unstack": modern("Unstack", "core", {"num": None, "axis": 1}, [X]),
    "concatenate": modern("Concatenate", "numpy", {"axis": -1}, [[X, Y]]),
    "stack": modern("Stack", "numpy", {"axis": 1}, [[X, Y]]),
    "get_item": modern("GetItem", "numpy", {}, [X, [SLICE, 1, None]]),
    "slice": modern("Slice", "core", {"shape": [2, 2, 2, 2]}, [X, [0, 0, 1, 1]]),
    "take": modern("Take", "numpy", {"axis": 1}, [X, [0, 2]]),
    "take_along_axis": modern("TakeAlongAxis", "numpy", {"axis": 1}, [X, Y]),
    "matmul": modern("Matmul", "numpy", {}, [X, [[1.0, 2.0]] * 6]),
    "tensordot": modern("Tensordot", "numpy", {"axes": [[1, 3], [1, 3]]}, [X, Y]),
    "einsum": modern("Einsum", "numpy", {"subscripts": "bhwc,bhwd->bcd"}, [X, Y]),
    "rearrange": modern("Rearrange", "einops", {}, [X, "a b c d -> a (c b) d"]),
    "digitize": modern("Digitize", "numpy", {}, [X, [0.0, 1.0]]),
    "resize": modern("Resize", "image", {"size": [3, 4], "interpolation": "bilinear"}, [X]),
    "conv": modern("Conv", "nn", {"strides": 2, "padding": "same"}, [X, [[[[1.0]] * 6] * 2] * 3]),
    "attention": modern("DotProductAttention", "nn", {"is_causal": False}, [X, Y, Y], mask=None, scale=0.5),
    "TFOpLambda": legacy("TFOpLambda", {"function": "math.reduce_mean"}, ["x", 0, 0, {"axis": [1], "keepdims": True}]),
    "TFOpLambda concat": legacy("TFOpLambda", {"function": "concat"}, [["x", 0, 0, {"axis": 1}], ["y", 0, 0, {"axis": 1}]]),
    "TFOpLambda sub": legacy("TFOpLambda", {"function": "math.subtract"}, ["_CONSTANT_VALUE", -1, 1.0, {"y": ["x", 0, 0]}]),
    "SlicingOpLambda": legacy(
        "SlicingOpLambda", {"function": "__operators__.getitem"}, ["x", 0, 0, {"slice_spec": KEY}]
    ),
    "TensorFlowOpLayer": legacy(
        "TensorFlowOpLayer",
        {"node_def": MEAN, "constants": {"1": [1, 2]}},
        [["x", 0, 0, {}]],
    ),
}  # fmt: skip


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value in a structure, the structure itself included."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*place, key))


def changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value at one place."""
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = changed(value[place[0]], place[1:], new)
    return copy


def converts(text: str) -> Blueprint | None:
    """The blueprint of a JSON whose module was written; None if it was refused."""
    try:
        blueprint = parse(text)
        module = emit(blueprint, Binding({}, {}, ()), "a test")
        dump(blueprint, partial=True)
    except RegraftError:
        return None
    names = {
        alias.name
        for node in ast.walk(ast.parse(module.source))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert names <= {"torch", "torch.nn.functional", "math"}, module.source
    return blueprint


@pytest.mark.parametrize("name", MODELS)
def test_the_whole_model_converts(name: str) -> None:
    blueprint = converts(json.dumps(MODELS[name]))
    assert blueprint is not None
    assert not blueprint.by_name["op"].unknown


@pytest.mark.parametrize("name", MODELS)
def test_damaged_operations_are_refused_or_placeholders(name: str) -> None:
    model = MODELS[name]
    operation = model["config"]["layers"][2]
    rng = random.Random(name)
    for place in leaves(operation):
        for new in rng.sample(ODD, SAMPLE):
            damaged = changed(model, ("config", "layers", 2, *place), new)
            converts(json.dumps(damaged))


@pytest.mark.parametrize(
    "function", ["io.write_file", "py_function", "__class__", "keras.utils.get_file", "raw_ops.PyFunc"]
)
def test_functions_that_are_no_arithmetic_never_reach_tensorflow(function: str) -> None:
    model = legacy("TFOpLambda", {"function": function}, ["x", 0, 0, {}])
    blueprint = converts(json.dumps(model))
    assert blueprint is not None
    assert function in blueprint.by_name["op"].unknown
    assert objections(model) == [f"TensorFlow function '{function}'"]


def test_code_in_strings_stays_out() -> None:
    hostile = '",x)); import os #'
    for name, setting in (("einsum", "subscripts"), ("pad", "mode"), ("resize", "interpolation"), ("cast", "dtype")):
        model = changed(MODELS[name], ("config", "layers", 2, "config", setting), hostile)
        blueprint = converts(json.dumps(model))
        assert blueprint is not None
        assert blueprint.by_name["op"].unknown
