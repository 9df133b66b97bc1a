"""What the emitted code of operations looks like: one line each, as a person would type it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.layers.operations.test_damage import SLICE, X, Y, changed, legacy, modern

from regraft.emit.module import emit
from regraft.keras_config import parse
from regraft.layers.binding import Binding

ROW = {"class_name": "__numpy__", "config": {"value": [0.5, 1.0, 2.0], "dtype": "float32"}}
BACKWARDS = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": -1}}
ALL = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}

#: Operation, module, settings, arguments, and the expression.
CODE: list[tuple[str, str, dict[str, Any], list[Any], str]] = [
    ("Add", "numpy", {}, [X, Y], "x + y"),
    ("Subtract", "numpy", {}, [1, X], "1 - x"),
    ("Subtract", "numpy", {}, [X, -1.5], "x - (-1.5)"),
    ("Maximum", "numpy", {}, [X, -1.5], "x.clamp(min=-1.5)"),
    ("Minimum", "numpy", {}, [X, Y], "torch.minimum(x, y)"),
    ("Power", "numpy", {}, [X, 2], "torch.pow(x, 2)"),
    ("Clip", "numpy", {"x_min": 0, "x_max": 6.0}, [X], "x.clamp(0, 6.0)"),
    ("Mean", "numpy", {"axis": [1, 2], "keepdims": False}, [X], "x.mean(dim=(1, 2))"),
    ("Sum", "numpy", {"axis": -1, "keepdims": True}, [X], "x.sum(dim=3, keepdim=True)"),
    ("Max", "numpy", {"axis": None, "keepdims": False, "initial": None}, [X], "x.amax()"),
    ("Var", "numpy", {"axis": 1, "keepdims": False}, [X], "x.var(dim=1, unbiased=False)"),
    ("Argmax", "numpy", {"axis": -1, "keepdims": False}, [X], "x.argmax(dim=3)"),
    ("Softmax", "nn", {"axis": -1}, [X], "F.softmax(x, dim=3)"),
    ("Gelu", "nn", {"approximate": True}, [X], 'F.gelu(x, approximate="tanh")'),
    ("Concatenate", "numpy", {"axis": -1}, [[X, Y]], "torch.cat([x, y], dim=3)"),
    ("Stack", "numpy", {"axis": 1}, [[X, Y]], "torch.stack([x, y], dim=1)"),
    ("Reshape", "numpy", {"newshape": [-1, 20, 6]}, [X], "x.flatten(1, -2)"),
    ("ExpandDims", "numpy", {"axis": -1}, [X], "x.unsqueeze(-1)"),
    ("Pad", "numpy", {"pad_width": [[0, 0], [1, 2], [0, 0], [0, 0]], "mode": "constant"}, [X], "F.pad(x, (0, 0, 0, 0, 1, 2))"),
    ("GetItem", "numpy", {}, [X, [ALL, SLICE, 2]], "x[:, 1:, 2]"),
    ("GetItem", "numpy", {}, [X, [ALL, BACKWARDS]], "x.flip(1)"),
    ("Take", "numpy", {"axis": 1}, [X, [0, 2]], "x[:, [0, 2]]"),
    ("Einsum", "numpy", {"subscripts": "bhwc,bhwd->bcd"}, [X, Y], 'torch.einsum("bhwc,bhwd->bcd", x, y)'),
    ("Where", "numpy", {}, [X, Y, 0.0], "torch.where(x.bool(), y, 0.0)"),
    ("Cast", "core", {"dtype": "int32"}, [X], "x.int()"),
    ("Cast", "core", {"dtype": "bool"}, [X], "x.bool()"),
]  # fmt: skip


def line(model: dict[str, Any]) -> str:
    """The expression of the operation in a model of one."""
    source = emit(parse(json.dumps(model)), Binding({}), "a test").source
    forward = source[source.index("def forward") :].splitlines()
    return forward[1].partition(" = ")[2].partition("  #")[0]


@pytest.mark.parametrize(("name", "module", "config", "args", "code"), CODE, ids=[row[-1] for row in CODE])
def test_code(name: str, module: str, config: dict[str, Any], args: list[Any], code: str) -> None:
    found = line(modern(name, module, config, args)).replace("x_", "x")
    assert found == code


def through_pooling(name: str, config: dict[str, Any], *args: Any) -> str:
    """The expression of an operation on a map that PyTorch holds channels first."""
    model = modern(name, "numpy", config, [])
    pool = {
        "class_name": "MaxPooling2D", "module": "keras.layers", "name": "pool",
        "config": {"name": "pool", "pool_size": [1, 1], "strides": [1, 1], "padding": "valid", "data_format": "channels_last"},
        "inbound_nodes": [{"args": [X], "kwargs": {}}],
    }  # fmt: skip
    held = {**X, "config": {**X["config"], "keras_history": ["pool", 0, 0]}}
    layers = [*model["config"]["layers"], pool]
    layers[2] = {**layers[2], "inbound_nodes": [{"args": [held, *args], "kwargs": {}}]}
    source = emit(parse(json.dumps(changed(model, ("config", "layers"), layers))), Binding({}), "a test").source
    forward = [text.strip() for text in source[source.index("def forward") :].splitlines()]
    return next(text for text in forward if not text.startswith("x = self.pool") and " = " in text).partition(" = ")[2]


@pytest.mark.parametrize(
    ("name", "config", "args", "code"),
    [
        ("Mean", {"axis": [1, 2], "keepdims": True}, [], "x.mean(dim=(2, 3), keepdim=True)"),
        ("Argmax", {"axis": -1, "keepdims": False}, [], "x.argmax(dim=1)"),
        ("GetItem", {}, [[{"class_name": "__ellipsis__", "config": {}}, 0]], "x[:, 0]"),
        ("Add", {}, [{"class_name": "__numpy__", "config": {"value": [0.5] * 6, "dtype": "float32"}}],
         "x + x.new_tensor([0.5, 0.5, 0.5, 0.5, 0.5, 0.5])[:, None, None]"),
        ("Transpose", {"axes": [0, 3, 1, 2]}, [], ""),
    ],
)  # fmt: skip
def test_axes_follow_the_order_of_pytorch(name: str, config: dict[str, Any], args: list[Any], code: str) -> None:
    if not code:  # what Keras transposes lies so already, and no line is needed
        with pytest.raises(StopIteration):
            through_pooling(name, config, *args)
        return
    assert through_pooling(name, config, *args).partition("  #")[0] == code


def test_a_function_of_tensorflow_is_the_same_code() -> None:
    model = legacy("TFOpLambda", {"function": "math.reduce_mean"}, ["x", 0, 0, {"axis": [1, 2], "keepdims": True}])
    assert line(model).replace("x_", "x") == "x.mean(dim=(1, 2), keepdim=True)"


def test_a_helper_is_not_hidden_by_a_tensor_of_its_name() -> None:
    model = modern("SparsePlus", "nn", {}, [X])
    renamed = json.loads(json.dumps(model).replace('"op"', '"sparse_plus"'))
    source = emit(parse(json.dumps(renamed)), Binding({}), "a test").source
    assert "sparse_plus = sparse_plus(" not in source
