from __future__ import annotations

import json
from typing import Any

import pytest

from regraft.blueprint import Blueprint, Call, TensorRef
from regraft.errors import ConfigError
from regraft.keras_config import parse

T = TensorRef


def entry(name: str, width: int = 4) -> dict[str, Any]:
    return {
        "class_name": "InputLayer",
        "name": name,
        "config": {"name": name, "batch_input_shape": [None, width]},
        "inbound_nodes": [],
    }


def layer(name: str, *nodes: Any, class_name: str = "Dense", **config: Any) -> dict[str, Any]:
    settings = {"name": name, "trainable": True, **({"units": 3} if class_name == "Dense" else {})}
    return {"class_name": class_name, "name": name, "config": {**settings, **config}, "inbound_nodes": list(nodes)}


def functional(
    layers: list[Any], inputs: Any, outputs: Any, name: str = "m", class_name: str = "Model"
) -> dict[str, Any]:
    config = {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": class_name, "config": config}


def read(layers: list[Any], inputs: Any, outputs: Any) -> Blueprint:
    return parse(json.dumps(functional(layers, inputs, outputs)))


def keras_tensor(name: str, call: int = 0, index: int = 0) -> dict[str, Any]:
    config = {"shape": [None, 4], "dtype": "float32", "keras_history": [name, call, index]}
    return {"class_name": "__keras_tensor__", "config": config}


def test_shared_layer_in_both_forms() -> None:
    ends = [["a", 0, 0], ["b", 0, 0]], [["sum", 0, 0]]
    old = [
        entry("a"),
        entry("b"),
        layer("d", [["a", 0, 0]], [["b", 0, 0]]),
        layer("sum", [["d", 1, 0], ["d", 0, 0]], class_name="Add"),
    ]
    middle = [
        entry("a"),
        entry("b"),
        layer("d", [["a", 0, 0, {}]], [["b", 0, 0, {}]]),
        layer("sum", [["d", 1, 0, {}], ["d", 0, 0, {}]], class_name="Add"),
    ]
    new = [
        entry("a"),
        entry("b"),
        layer("d", *({"args": [keras_tensor(n)], "kwargs": {}} for n in "ab")),
        layer("sum", {"args": [[keras_tensor("d", 1), keras_tensor("d")]], "kwargs": {}}, class_name="Add"),
    ]
    models = [read(layers, *ends) for layers in (old, middle, new)]
    for model in models:
        assert [spec.name for spec in model.layers] == ["a", "b", "d", "sum"]
        assert model.calls == (
            Call("d", (T("a"),), 0),
            Call("d", (T("b"),), 1),
            Call("sum", (T("d", 1), T("d", 0))),
        )
        assert (model.inputs, model.outputs) == ((T("a"), T("b")), (T("sum"),))
    assert [model.keras_version for model in models] == ["2.3.1", "2.3.1", "3.0.0"]


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (["d", 0, 0], ["d"]),
        ([["d", 0, 0]], ["d"]),
        ([["d", 0, 0], ["e", 0, 0]], ["d", "e"]),
        ([[["e", 0, 0]], ["d", 0, 0]], ["e", "d"]),
        ([["d", 0, 0], [["e", 0, 0], [["d", 0, 0]]]], ["d", "e", "d"]),
        ({"z": ["d", 0, 0], "y": ["e", 0, 0]}, ["e", "d"]),
        ({"z": [["d", 0, 0]], "y": {"x": ["e", 0, 0]}}, ["e", "d"]),
    ],
)
def test_outputs_are_flattened(outputs: Any, expected: list[str]) -> None:
    layers = [entry("a"), layer("d", [["a", 0, 0, {}]]), layer("e", [["a", 0, 0, {}]])]
    assert [ref.layer for ref in read(layers, [["a", 0, 0]], outputs).outputs] == expected


INNER = functional([entry("ni"), layer("nd", [["ni", 0, 0, {}]])], [["ni", 0, 0]], [["nd", 0, 0]], name="n")


@pytest.mark.parametrize("base", [0, 1])
def test_calls_of_a_nested_model_count_from_its_creation(base: int) -> None:
    nested = INNER | {"name": "n", "inbound_nodes": [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]}
    total = layer("sum", [["n", base + 1, 0, {}], ["n", base, 0, {}]], class_name="Add")
    model = read(
        [entry("a"), entry("b"), nested, total], [["a", 0, 0], ["b", 0, 0]], [["sum", 0, 0], ["n", base + 1, 0]]
    )
    assert model.calls == (
        Call("n", (T("a"),), 0),
        Call("n", (T("b"),), 1),
        Call("sum", (T("n", 1), T("n", 0))),
    )
    assert model.outputs == (T("sum"), T("n", 1))


@pytest.mark.parametrize(("class_name", "base"), [("Functional", 1), ("Sequential", 0)])
def test_only_the_outputs_of_keras_3_count_the_creation(class_name: str, base: int) -> None:
    nested: dict[str, Any] = INNER
    if class_name == "Sequential":
        nested = {"class_name": "Sequential", "config": {"name": "n", "layers": [entry("ni"), layer("nd")]}}
    calls = [{"args": [keras_tensor(n)], "kwargs": {}} for n in ("a", "b", "d")]
    inside = layer("d", {"args": [keras_tensor("n", 1)], "kwargs": {}})
    layers = [entry("a"), entry("b"), {**nested, "name": "n", "inbound_nodes": calls}, inside]
    model = read(layers, [["a", 0, 0], ["b", 0, 0]], [["n", base + 1, 0], ["n", base + 2, 0], ["n", base, 0]])
    assert model.outputs == (T("n", 1), T("n", 2), T("n", 0))
    assert model.calls[-1] == Call("d", (T("n", 1),))


def test_nested_model_with_several_inputs_and_outputs() -> None:
    inside = [entry("i", 4), entry("j", 5), layer("x", [["i", 0, 0, {}]]), layer("y", [["j", 0, 0, {}]])]
    inner = functional(inside, [["i", 0, 0], ["j", 0, 0]], [["x", 0, 0], ["y", 0, 0]], name="n")
    for args in ([["a", 0, 0, {}], ["b", 0, 0, {}]], {"j": ["b", 0, 0, {}], "i": ["a", 0, 0, {}]}):
        nested = inner | {"name": "n", "inbound_nodes": [args]}
        model = read(
            [entry("a", 4), entry("b", 5), nested, layer("z", [["n", 1, 1, {}]])],
            [["a", 0, 0], ["b", 0, 0]],
            [["z", 0, 0], ["n", 1, 0]],
        )
        assert model.calls == (Call("n", (T("a"), T("b"))), Call("z", (T("n", 0, 1),)))
        assert model.outputs == (T("z"), T("n", 0, 0))


@pytest.mark.parametrize(
    ("node", "inputs", "arguments"),
    [
        # Keras 1 and 2: tensors as entries, everything else in the kwargs of each entry.
        ([["a", 0, 0]], "a", {}),
        ([["a", 0, 0, {}], ["b", 0, 0, {}]], "ab", {}),
        ([["a", 0, 0, {"training": True}]], "a", {"training": True}),
        ([["a", 0, 0, {"training": False, "mask": None}]], "a", {}),
        ([["a", 0, 0, {"initial_state": [["b", 0, 0], ["a", 0, 0]]}]], "a", {"initial_state": (T("b"), T("a"))}),
        ([["a", 0, 0, {"y": ["b", 0, 0], "name": None}]], "a", {"y": T("b")}),
        ([["a", 0, 0, {"shape": ["z", 0, 0]}]], "a", {"shape": ("z", 0, 0)}),
        (["a", 0, 0, {"y": 2.5}], "a", {"y": 2.5}),
        ([["_CONSTANT_VALUE", -1, 1.5, {"y": ["a", 0, 0]}]], "", {"0": 1.5, "y": T("a")}),
        (
            [["a", 0, 0, {"axis": 1}], ["_CONSTANT_VALUE", -1, [2.0], {"axis": 1}]],
            "",
            {"0": (T("a"), (2.0,)), "axis": 1},
        ),
        ({"q": ["b", 0, 0, {}], "k": ["a", 0, 0, {}]}, "ab", {}),
        ([[["a", 0, 0, {}]], ["b", 0, 0, {}]], "ab", {}),
        # Keras 3: positional and named arguments with tensors anywhere.
        ({"args": [keras_tensor("a")], "kwargs": {}}, "a", {}),
        ({"args": [[keras_tensor("b"), keras_tensor("a")]], "kwargs": {"mask": [None, None]}}, "ba", {}),
        ({"args": [keras_tensor("a"), keras_tensor("b")], "kwargs": {}}, "a", {"1": T("b")}),
        ({"args": [1, keras_tensor("a")], "kwargs": {}}, "", {"0": 1, "1": T("a")}),
        ({"args": [keras_tensor("a"), 2.0], "kwargs": {"axis": [1, 2]}}, "a", {"1": 2.0, "axis": (1, 2)}),
        ({"args": [{"y": keras_tensor("b"), "x": keras_tensor("a")}], "kwargs": {}}, "ab", {}),
        (
            {"args": [keras_tensor("a")], "kwargs": {"mask": keras_tensor("b"), "training": False}},
            "a",
            {"mask": T("b")},
        ),
        (
            {
                "args": [keras_tensor("a"), {"class_name": "__slice__", "config": {"start": None, "stop": 2}}],
                "kwargs": {},
            },
            "a",
            {"1": {"class_name": "__slice__", "config": {"start": None, "stop": 2}}},
        ),
    ],
)
def test_arguments(node: Any, inputs: str, arguments: dict[str, Any]) -> None:
    layers = [entry("a"), entry("b"), layer("op", node, class_name="TFOpLambda")]
    (call,) = read(layers, [["a", 0, 0], ["b", 0, 0]], [["op", 0, 0]]).calls
    assert call == Call("op", tuple(map(T, inputs)), 0, arguments)


def test_arguments_take_the_names_of_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regraft.layers.dense.Dense.call_arguments", ("inputs", "state"), raising=False)
    for node in (
        {"args": [keras_tensor("a"), keras_tensor("b")]},
        {"args": [], "kwargs": {"inputs": keras_tensor("a"), "state": keras_tensor("b")}},
    ):
        layers = [entry("a"), entry("b"), layer("d", node)]
        (call,) = read(layers, [["a", 0, 0], ["b", 0, 0]], [["d", 0, 0]]).calls
        assert call == Call("d", (T("a"),), 0, {"state": T("b")})


@pytest.mark.parametrize(
    ("more", "args", "expected"),
    [
        # An operation without its module, as in the HDF5 files of Keras 3.
        ({}, ["a", "b"], Call("add", (T("a"),), 0, {"x2": T("b")})),
        ({}, ["a", 2.0], Call("add", (T("a"),), 0, {"x2": 2.0})),
        ({}, [1.0, "a"], Call("add", (), 0, {"x1": 1.0, "x2": T("a")})),
        ({"dtype": "float32"}, [["a", "b"]], Call("add", (T("a"), T("b")))),
        ({"trainable": True}, [["a", "b"]], Call("add", (T("a"), T("b")))),
    ],
)
def test_operations_and_layers_of_one_name(more: dict[str, Any], args: Any, expected: Call) -> None:
    def tensors(value: Any) -> Any:
        return (
            keras_tensor(value)
            if isinstance(value, str)
            else [*map(tensors, value)]
            if isinstance(value, list)
            else value
        )

    node = {"args": tensors(args), "kwargs": {}}
    add = {"class_name": "Add", "name": "add", "config": {"name": "add", **more}, "inbound_nodes": [node]}
    modules = [None] if more else [None, "keras.src.ops.numpy"]
    for module in modules:
        model = read([entry("a"), entry("b"), add | {"module": module}], [["a", 0, 0], ["b", 0, 0]], [["add", 0, 0]])
        assert model.by_name["add"].type == ("Add" if more else "AddOperation")
        assert model.calls == (expected,)


def test_layer_that_receives_nothing() -> None:
    layers = [
        entry("a"),
        layer("constant", class_name="Embedding"),
        layer("s", [["a", 0, 0, {}], ["constant", 0, 0, {}]], class_name="Add"),
    ]
    model = read(layers, [["a", 0, 0]], [["s", 0, 0]])
    assert model.calls == (Call("constant", ()), Call("s", (T("a"), T("constant"))))


def test_model_class_of_the_author() -> None:
    value = functional([entry("a"), layer("d", [["a", 0, 0]])], [["a", 0, 0]], [["d", 0, 0]], class_name="MyModel")
    model = parse(json.dumps(value))
    assert model.calls == (Call("d", (T("a"),)),)
    assert [choice.subject for choice in model.choices if choice.label == "assumed"] == ["class_name"]


@pytest.mark.parametrize(
    ("layers", "inputs", "outputs", "words"),
    [
        (
            [entry("a"), layer("d", [["b", 0, 0]])],
            [["a", 0, 0]],
            [["d", 0, 0]],
            "layers[1].inbound_nodes[0][0]: a tensor of layer 'b'",
        ),
        ([entry("a"), layer("d", [["a", 1, 0]])], [["a", 0, 0]], [["d", 0, 0]], "call 1 of layer 'a'"),
        ([entry("a"), layer("d", [["a", 0, 0]])], [["a", 0, 0]], [["d", 2, 0]], "call 2 of layer 'd'"),
        (
            [entry("a"), layer("d", [["a", 0, 0]])],
            [["a", 0, 0]],
            [["x", 0, 0]],
            "output_layers[0]: a tensor of layer 'x'",
        ),
        ([entry("a"), layer("d", [["a", 0, 0]])], [["d", 0, 0]], [["d", 0, 0]], "'d' is no InputLayer"),
        ([entry("a"), layer("d", [["a", 0, 0]])], [["a", 0, 0]], [], "no outputs"),
        ([entry("a"), layer("d", [["a", 0, 0]])], [["a", 0, 0]], None, "output_layers: expected an array"),
        ([entry("a"), layer("d", [["a", 0]])], [["a", 0, 0]], [["d", 0, 0]], "expected an array, found 'a'"),
        ([entry("a"), layer("d", [["a", "0", 0]])], [["a", 0, 0]], [["d", 0, 0]], "expected an array, found 'a'"),
        ([entry("a"), layer("d", "a")], [["a", 0, 0]], [["d", 0, 0]], "inbound_nodes[0]: expected an array"),
        ([entry("a"), layer("d", [["a", -1, 0]])], [["a", 0, 0]], [["d", 0, 0]], "expected an index, found -1"),
        ([entry("a"), layer("a", [["a", 0, 0]])], [["a", 0, 0]], [["a", 0, 0]], "two layers are named 'a'"),
        ([entry("a"), layer("d", [["e", 0, 0]]), layer("e", [["d", 0, 0]])], [["a", 0, 0]], [["d", 0, 0]], "cycle"),
        ([entry("a"), layer("d", [["d", 0, 0]])], [["a", 0, 0]], [["d", 0, 0]], "cycle"),
        (
            [entry("a"), entry("b") | {"inbound_nodes": [[["a", 0, 0]]]}],
            [["a", 0, 0]],
            [["b", 0, 0]],
            "receives a tensor",
        ),
        ([entry("a"), entry("b"), layer("d", [["b", 0, 0]])], [["a", 0, 0]], [["d", 0, 0]], "which nothing produces"),
        ([3], [], [["a", 0, 0]], "layers[0]: expected an object"),
        ({}, [], [["a", 0, 0]], "layers: expected an array"),
        (
            [entry("a"), layer("d", {"args": [{"class_name": "__keras_tensor__", "config": {}}]})],
            [["a", 0, 0]],
            [["d", 0, 0]],
            "keras_history: expected a layer name and two indices",
        ),
    ],
)
def test_what_is_no_functional_model(layers: Any, inputs: Any, outputs: Any, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(layers, inputs, outputs)
    assert words in str(raised.value)


def test_input_shape_needs_one_input() -> None:
    layers = [entry("a"), entry("b"), layer("s", [["a", 0, 0], ["b", 0, 0]], class_name="Add")]
    text = json.dumps(functional(layers, [["a", 0, 0], ["b", 0, 0]], [["s", 0, 0]]))
    with pytest.raises(ConfigError, match="2 inputs"):
        parse(text, input_shape=(4,))
