from __future__ import annotations

import json
from typing import Any

import pytest

from regraft.blueprint import Blueprint, Call, TensorRef
from regraft.errors import ConfigError
from regraft.keras_config import parse


def dense(name: str, **more: Any) -> dict[str, Any]:
    return {"class_name": "Dense", "config": {"name": name, "units": 3, **more}}


def sequential(layers: list[Any], **config: Any) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "m", "layers": layers, **config}}


def shape(model: Blueprint) -> Any:
    return model.by_name[model.inputs[0].layer].config["batch_shape"]


INPUT_2 = {"class_name": "InputLayer", "config": {"name": "entry", "batch_input_shape": [None, 5]}}
INPUT_3 = {"class_name": "InputLayer", "config": {"name": "entry", "batch_shape": [None, 5]}}
EMBEDDING = {"class_name": "Embedding", "config": {"name": "d1", "input_dim": 99, "output_dim": 4, "input_length": 5}}


@pytest.mark.parametrize(
    ("value", "entry", "expected"),
    [
        (
            {"class_name": "Sequential", "config": [dense("d1", batch_input_shape=[None, 5]), dense("d2")]},
            "d1_input",
            (None, 5),
        ),
        ([dense("d1", batch_input_shape=[None, 5]), dense("d2")], "d1_input", (None, 5)),
        (sequential([INPUT_2, dense("d1"), dense("d2")]), "entry", (None, 5)),
        (sequential([INPUT_3, dense("d1"), dense("d2")]), "entry", (None, 5)),
        (sequential([dense("d1", input_shape=[5]), dense("d2")]), "d1_input", (None, 5)),
        (sequential([dense("d1", input_dim=5), dense("d2")]), "d1_input", (None, 5)),
        (sequential([dense("d1", input_dim=7, input_length=None), dense("d2")]), "d1_input", (None, None, 7)),
        (sequential([EMBEDDING, dense("d2")]), "d1_input", (None, 5)),
        (sequential([dense("d1"), dense("d2")], build_input_shape=[None, 5]), "d1_input", (None, 5)),
        (
            sequential([dense("d1"), dense("d2")], build_input_shape={"class_name": "TensorShape", "items": [None, 5]}),
            "d1_input",
            (None, 5),
        ),
        (sequential([dense("d1"), dense("d2")]) | {"build_config": {"input_shape": [None, 5]}}, "d1_input", (None, 5)),
        (
            sequential([dense("d1") | {"build_config": {"input_shape": [None, 5]}}, dense("d2")]),
            "d1_input",
            (None, 5),
        ),
        (sequential([sequential([INPUT_2, dense("x")], name="d1"), dense("d2")]), "d1_input", (None, 5)),
        (sequential([dense("d1"), dense("d2")]), "d1_input", None),
        ({"name": "m", "layers": [dense("d1"), dense("d2")]}, "d1_input", None),
    ],
)
def test_forms(value: Any, entry: str, expected: Any) -> None:
    model = parse(json.dumps(value))
    assert model.sequential
    assert [layer.name for layer in model.layers] == [entry, "d1", "d2"]
    assert model.layers[0].type == "InputLayer"
    assert model.inputs == (TensorRef(entry),)
    assert model.calls == (Call("d1", (TensorRef(entry),)), Call("d2", (TensorRef("d1"),)))
    assert model.outputs == (TensorRef("d2"),)
    assert shape(model) == expected
    open_choices = [choice for choice in model.choices if choice.label == "open"]
    assert [choice.subject for choice in open_choices] == ([] if expected else [f"{entry}.batch_shape"])


def test_json_within_json() -> None:
    text = json.dumps(sequential([INPUT_2, dense("d1")]))
    assert parse(json.dumps(text)) == parse(text)
    assert parse(json.dumps({"model_config": json.loads(text)})) == parse(text)


def test_embedding_takes_integers() -> None:
    model = parse(json.dumps(sequential([EMBEDDING])))
    assert model.layers[0].config["dtype"] == "int32"


@pytest.mark.parametrize(
    ("stated", "given", "expected"),
    [
        ([None, None, None, 3], (8, 6, 3), (None, 8, 6, 3)),
        ([2, None, 3], (8, 3), (2, 8, 3)),
        ([None, None, 3], (None, 3), (None, None, 3)),
        (None, (8, 6, 3), (None, 8, 6, 3)),
    ],
)
def test_input_shape_fills_open_axes(stated: Any, given: tuple[int | None, ...], expected: Any) -> None:
    text = json.dumps(sequential([dense("d1", batch_input_shape=stated)]))
    assert shape(parse(text, input_shape=given)) == expected


@pytest.mark.parametrize("given", [(8,), (8, 6, 4), (8, 6, 3, 1)])
def test_input_shape_that_contradicts(given: tuple[int, ...]) -> None:
    text = json.dumps(sequential([dense("d1", batch_input_shape=[None, None, None, 3])]))
    with pytest.raises(ConfigError, match="the given input shape is"):
        parse(text, input_shape=given)


def test_old_nested_models_have_no_name() -> None:
    inner = {"class_name": "Sequential", "config": [dense("x", batch_input_shape=[None, 5])]}
    model = parse(json.dumps([inner, inner, dense("d")]))
    assert [layer.name for layer in model.layers] == ["sequential_1_input", "sequential_1", "sequential_2", "d"]
    nested = model.layers[1].config["blueprint"]
    assert isinstance(nested, Blueprint)
    assert nested.name == "sequential_1"
    assert nested.inputs == (TensorRef("x_input"),)


def test_keras_0_layers() -> None:
    value = {"name": "Sequential", "layers": [{"name": "Dense", "output_dim": 3, "input_dim": 5}]}
    model = parse(json.dumps(value), keras_version="0.3.3")
    assert model.layers[1].type == "Dense"
    assert model.layers[1].config["units"] == 3
    assert shape(model) == (None, 5)


def branch(name: str, width: int) -> dict[str, Any]:
    layer = {"class_name": "Dense", "config": {"name": name, "output_dim": 3, "batch_input_shape": [None, width]}}
    return {"class_name": "Sequential", "config": [layer]}


def merge(*branches: Any, **config: Any) -> dict[str, Any]:
    return {"class_name": "Merge", "config": {"name": "merge_1", "mode": "concat", "layers": list(branches), **config}}


def test_leading_merge_of_keras_1() -> None:
    value = {"class_name": "Sequential", "config": [merge(branch("a", 4), branch("b", 5)), dense("d")]}
    model = parse(json.dumps(value), keras_version="1.2.2")
    assert [layer.name for layer in model.layers] == ["a_input", "a", "b_input", "b", "merge_1", "d"]
    assert model.by_name["merge_1"].type == "Concatenate"
    assert model.inputs == (TensorRef("a_input"), TensorRef("b_input"))
    assert model.calls == (
        Call("a", (TensorRef("a_input"),)),
        Call("b", (TensorRef("b_input"),)),
        Call("merge_1", (TensorRef("a"), TensorRef("b"))),
        Call("d", (TensorRef("merge_1"),)),
    )
    assert model.outputs == (TensorRef("d"),)


def test_branch_given_twice_is_shared() -> None:
    value = {"class_name": "Sequential", "config": [merge(branch("a", 4), branch("a", 4), mode="sum"), dense("d")]}
    model = parse(json.dumps(value), keras_version="1.2.2")
    assert model.inputs == (TensorRef("a_input"),)
    assert model.calls[1] == Call("merge_1", (TensorRef("a"), TensorRef("a")))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (sequential([]), "without layers"),
        ({"class_name": "Sequential", "config": {"name": "m"}}, "config.layers: expected an array"),
        ({"class_name": "Sequential", "config": 3}, "config: expected an object, found 3"),
        (sequential([dense("d", batch_input_shape=[None, True])]), "expected an axis length"),
        (sequential([dense("d", batch_input_shape=[None, -3])]), "expected an axis length"),
        (sequential([dense("d", batch_input_shape="wide")]), "batch_input_shape: expected an array"),
        (sequential([dense("d"), dense("d")]), "two layers are named 'd'"),
        ({"class_name": "Sequential", "config": [merge(branch("a", 4), branch("a", 5))]}, "two different layers"),
        ({"class_name": "Sequential", "config": [{"class_name": "Merge", "config": {}}]}, "layers: expected an array"),
    ],
)
def test_what_is_no_sequential_model(value: Any, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(json.dumps(value), source="m.json")
    assert words in str(raised.value)
    assert str(raised.value).startswith("m.json: config")
