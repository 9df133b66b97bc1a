from __future__ import annotations

import pytest

from regraft.blueprint import Blueprint, Call, Choice, LayerSpec, TensorRef
from regraft.report.graph import graph_rows, labels_of


def dense(name: str, units: int) -> LayerSpec:
    return LayerSpec(name, "Dense", {"units": units, "activation": "relu"})


def entry(name: str, width: int) -> LayerSpec:
    return LayerSpec(name, "InputLayer", {"batch_shape": (None, width)})


def encoder() -> Blueprint:
    calls = (Call("a", (TensorRef("x"),)), Call("b", (TensorRef("a"),)))
    layers = (entry("x", 7), dense("a", 5), dense("b", 3))
    return Blueprint("encoder", layers, calls, (TensorRef("x"),), (TensorRef("b"),))


def siamese() -> Blueprint:
    """Two inputs through one encoder, then joined."""
    shared = LayerSpec("enc", "Functional", {"blueprint": encoder()})
    calls = (
        Call("enc", (TensorRef("left"),), 0),
        Call("enc", (TensorRef("right"),), 1),
        Call("join", (TensorRef("enc", 0), TensorRef("enc", 1))),
    )
    layers = (entry("left", 7), entry("right", 7), shared, LayerSpec("join", "Concatenate", {"axis": -1}))
    return Blueprint("twin", layers, calls, (TensorRef("left"), TensorRef("right")), (TensorRef("join"),))


def test_every_call_is_a_node_and_the_nested_model_stands_open_in_its_first() -> None:
    rows = graph_rows(siamese(), {"enc/a": "assumed"})

    assert [(row.layer, row.call, row.output_shape, row.inputs, row.inside, row.outputs) for row in rows] == [
        ("left", 0, (None, 7), (), None, ()),
        ("right", 0, (None, 7), (), None, ()),
        ("enc", 0, (None, 3), ((0, 0),), None, ((5, 0),)),
        ("enc/x", 0, (None, 7), ((0, 0),), 2, ()),
        ("enc/a", 0, (None, 5), ((3, 0),), 2, ()),
        ("enc/b", 0, (None, 3), ((4, 0),), 2, ()),
        ("enc", 1, (None, 3), ((1, 0),), None, ()),
        ("join", 0, (None, 6), ((2, 0), (6, 0)), None, ()),
    ]
    assert [row.label for row in rows if row.label != "proved"] == ["assumed"]
    assert rows[4].settings == (("units", "5"), ("activation", "relu"))
    assert rows[6].settings == ()


def test_inputs_name_only_nodes_that_come_before() -> None:
    for place, row in enumerate(graph_rows(siamese(), {})):
        assert all(source < place for source, _ in row.inputs)


def test_a_placeholder_stays_closed_and_says_why() -> None:
    layers = (entry("x", 7), LayerSpec("fn", "Lambda", unknown="its code is not data"), dense("b", 3))
    calls = (Call("fn", (TensorRef("x"),)), Call("b", (TensorRef("fn"),)))
    rows = graph_rows(Blueprint("m", layers, calls, (TensorRef("x"),), (TensorRef("b"),)), {})

    assert [(row.placeholder, row.output_shape) for row in rows[1:]] == [("its code is not data", None), ("", None)]


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        ({"a.strides": "assumed"}, {"a": "assumed"}),
        ({"a.strides": "supported", "a.padding": "open", "a.x": "assumed"}, {"a": "open"}),
        ({"a.b.strides": "assumed"}, {"a.b": "assumed"}),
        ({"a.layer.activation": "assumed"}, {"a": "assumed"}),
        ({"edges": "open", "other.strides": "open"}, {}),
    ],
)
def test_the_weakest_choice_labels_a_layer(subjects: dict[str, str], expected: dict[str, str]) -> None:
    choices = [Choice(subject, "2", (), label, "") for subject, label in subjects.items()]  # type: ignore[arg-type]
    assert labels_of(["a", "a.b"], choices) == expected
