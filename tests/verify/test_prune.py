"""What remains to be checked beside placeholders."""

from __future__ import annotations

from tests.verify.subjects import chain, graph, layer

from regraft.blueprint import TensorRef
from regraft.verify import prunable

LOST = layer("lost", "Lambda", unknown="Python code")


def test_nothing_is_cut_off_a_whole_blueprint() -> None:
    whole = chain(layer("a"), layer("b"))
    assert prunable(whole) is whole


def test_what_comes_before_a_placeholder_remains() -> None:
    rest = prunable(chain(layer("a"), layer("b"), LOST, layer("c")))
    assert rest is not None
    assert [spec.name for spec in rest.layers] == ["entry", "a", "b"]
    assert rest.outputs == (TensorRef("b"),)
    rest.check()


def test_a_branch_beside_the_placeholder_keeps_its_own_output() -> None:
    fork = graph(
        [layer("x", "InputLayer"), layer("stem"), LOST, layer("sum", "Add"), layer("side"), layer("end")],
        [("stem", "x"), ("lost", "stem"), ("side", "stem"), ("sum", "side", "lost"), ("end", "side")],
        outputs=("sum", "end"),
    )
    rest = prunable(fork)
    assert rest is not None
    assert [call.layer for call in rest.calls] == ["stem", "side", "end"]
    assert rest.outputs == (TensorRef("end"),)


def test_an_input_that_only_the_placeholder_takes_goes() -> None:
    two = graph(
        [layer("x", "InputLayer"), layer("y", "InputLayer"), layer("left"), LOST, layer("sum", "Add")],
        [("left", "x"), ("lost", "y"), ("sum", "left", "lost")],
    )
    rest = prunable(two)
    assert rest is not None
    assert rest.inputs == (TensorRef("x"),)
    assert "y" not in rest.by_name


def test_a_nested_model_keeps_what_comes_before_its_placeholder() -> None:
    inner = chain(layer("one"), LOST, layer("two"))
    rest = prunable(chain(layer("stem"), layer("block", "Functional", blueprint=inner), layer("head")))
    assert rest is not None
    assert [spec.name for spec in rest.layers] == ["entry", "stem", "block"]
    left = rest.by_name["block"].config["blueprint"]
    assert [spec.name for spec in left.layers] == ["entry", "one"]  # type: ignore[union-attr]
    assert rest.outputs == (TensorRef("block"),)


def test_nothing_remains_where_the_placeholder_comes_first() -> None:
    assert prunable(chain(LOST, layer("a"))) is None
