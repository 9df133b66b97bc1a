from __future__ import annotations

from typing import Any

import pytest

from regraft.glance import glance, model_name, stated_types


def layer(kind: str, name: str, **settings: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **settings}}


def sequential(*layers: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "net", "layers": list(layers), **settings}}


FUNCTIONAL = {
    "class_name": "Functional",
    "config": {
        "name": "two",
        "layers": [
            layer("InputLayer", "left", batch_shape=[None, 3]),
            layer("InputLayer", "right", batch_input_shape=[None, None, 5]),
            {"class_name": "Add", "name": "sum", "config": {}},
        ],
        "input_layers": [["left", 0, 0], ["right", 0, 0]],
        "output_layers": [["sum", 0, 0]],
    },
}


@pytest.mark.parametrize(
    ("config", "inputs"),
    [
        pytest.param(sequential(layer("Dense", "d", batch_input_shape=[None, 3])), [("d", (None, 3))], id="Keras 2"),
        pytest.param(sequential(layer("Dense", "d", input_dim=3)), [("d", (None, 3))], id="input_dim"),
        pytest.param(sequential(layer("Embedding", "e", input_dim=30, output_dim=7)), [("e", None)], id="vocabulary"),
        pytest.param(
            {"class_name": "Sequential", "config": [layer("Dense", "d", input_shape=[7, 3])]},
            [("d", (None, 7, 3))],
            id="a bare list",
        ),
        pytest.param(sequential(layer("Dense", "d"), build_input_shape=[None, 3]), [("d", (None, 3))], id="built"),
        pytest.param(FUNCTIONAL, [("left", (None, 3)), ("right", (None, None, 5))], id="functional"),
        pytest.param(
            {"class_name": "Model", "config": {"layers": [layer("Add", "a")], "output_layers": []}}, [], id="none"
        ),
        pytest.param(sequential(layer("Dense", "d")), [("d", None)], id="not stated"),
        pytest.param(sequential(layer("Dense", "d", batch_input_shape="x")), [("d", None)], id="no list"),
        pytest.param(sequential(layer("Dense", "d", batch_shape=[None, True])), [("d", None)], id="no number"),
    ],
)
def test_inputs_that_the_architecture_states(
    config: dict[str, Any], inputs: list[tuple[str, tuple[int | None, ...] | None]]
) -> None:
    assert [(i.name, i.shape) for i in glance(config).inputs] == inputs


def test_names_and_classes() -> None:
    assert model_name(FUNCTIONAL) == "two"
    assert stated_types(FUNCTIONAL) == {"left": "InputLayer", "right": "InputLayer", "sum": "Add"}


def test_layers_that_are_code() -> None:
    inner = sequential(layer("Own", "o"), layer("Conv2D", "c"))
    wrapper = layer("TimeDistributed", "td", layer=layer("Mine", "m"))
    found = glance(sequential(layer("Dense", "d"), layer("Lambda", "fn"), inner, wrapper))

    assert found.layers == 4
    assert found.custom == (("fn", "Lambda"), ("o", "Own"), ("m", "Mine"))


@pytest.mark.parametrize(
    "config",
    [{}, {"class_name": "Mine", "config": {"name": "x"}}, {"class_name": 3, "config": None}, sequential()],
    ids=["empty", "subclassed", "nonsense", "no layers"],
)
def test_what_lists_no_layers(config: dict[str, Any]) -> None:
    found = glance(config)
    assert (found.layers, found.inputs, found.custom) == (0, (), ())
    assert found.problem == "it is Python code of the author's own, which is not in the file"
