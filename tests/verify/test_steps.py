"""The running order of layers, nested models opened."""

from __future__ import annotations

import pytest
from tests.verify.subjects import chain, graph, layer

from regraft.verify.steps import split_path, steps

INNER = chain(layer("first"), layer("second"))


def test_a_chain_runs_in_order_and_names_its_parents() -> None:
    found = list(steps(INNER))
    assert [step.path for step in found] == [("first",), ("second",)]
    assert [step.parents for step in found] == [frozenset(), {("first",)}]


def test_layers_of_a_nested_model_come_before_it_and_know_what_enters() -> None:
    outer = chain(layer("stem"), layer("block", "Functional", blueprint=INNER), layer("head"))
    found = {step.path: step.parents for step in steps(outer)}
    assert list(found) == [("stem",), ("block", "first"), ("block", "second"), ("block",), ("head",)]
    assert found["block", "first"] == {("stem",)}
    assert ("block", "second") in found["block",]
    assert found["head",] == {("block",)}


def test_a_shared_layer_has_a_step_for_each_call() -> None:
    shared = graph(
        [layer("a", "InputLayer"), layer("b", "InputLayer"), layer("twin"), layer("sum", "Add")],
        [("twin", "a"), ("twin", "b"), ("sum", "twin", "twin#1")],
    )
    assert [(s.path, s.calls) for s in steps(shared)] == [(("twin",), (0,)), (("twin",), (1,)), (("sum",), (0,))]


def test_calls_are_counted_from_the_outside_in() -> None:
    outer = graph(
        [layer("a", "InputLayer"), layer("block", "Functional", blueprint=INNER)], [("block", "a"), ("block", "block")]
    )
    found = [(s.path[-1], s.calls) for s in steps(outer)]
    assert found == [
        ("first", (0, 0)), ("second", (0, 0)), ("block", (0,)), ("first", (1, 0)), ("second", (1, 0)), ("block", (1,)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("joined", "expected"),
    [
        ("stem", ("stem",)),
        ("block/first", ("block", "first")),
        ("scope/conv", ("scope/conv",)),  # Keras 2 allows a slash in a layer name
        ("block/missing", ()),
    ],
)
def test_a_joined_name_is_split_as_the_graph_says(joined: str, expected: tuple[str, ...]) -> None:
    outer = chain(layer("stem"), layer("block", "Functional", blueprint=INNER), layer("scope/conv"))
    assert split_path(outer, joined) == expected
