from __future__ import annotations

from typing import Any

import pytest

from regraft.blueprint import TensorRef
from regraft.errors import UnknownLayerError
from regraft.layers import AxisOrder
from regraft.layers.operations.operands import (
    LONGEST_ARRAY,
    Operand,
    aligned,
    array_of,
    bound,
    broadcast,
    number,
    promoted,
    tensor_text,
)

CF = AxisOrder.channels_first(4)


def test_tensors_find_their_arguments() -> None:
    a, b = (None, 3), (None, 4)
    refs = {"x1": 2.0, "x2": TensorRef("b")}
    assert bound(("x1", "x2"), {"x2": TensorRef("b")}, (a, b)) == {"x1": Operand(0, a), "x2": Operand(1, b)}
    assert bound(("x1", "x2"), refs, (b,)) == {"x1": 2.0, "x2": Operand(0, b)}
    assert bound(("xs",), {}, (a, b), listed=True) == {"xs": (Operand(0, a), Operand(1, b))}
    assert bound(("x",), {"y": (1, TensorRef("c"))}, (a, b)) == {"x": Operand(0, a), "y": (1, Operand(1, b))}


@pytest.mark.parametrize(
    ("order", "target", "text"),
    [
        (AxisOrder.keras(1), CF, "t[:, None, None]"),
        (AxisOrder.keras(2), CF, "t.transpose(0, 1)[:, None]"),
        (AxisOrder.keras(3), CF, "t.permute(2, 0, 1)"),
        (AxisOrder.keras(1), AxisOrder.keras(3), "t"),
        (AxisOrder.keras(2), AxisOrder((0, 2, 1)), "t.transpose(0, 1)"),
    ],
)
def test_lower_ranks_are_aligned_at_the_last_axis(order: AxisOrder, target: AxisOrder, text: str) -> None:
    assert aligned("t", order, target) == text


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(None, 4, 5), (5,)], (None, 4, 5)),
        ([(None, 1, 5), (None, 4, 1)], (None, 4, 5)),
        ([(None, 4), None], None),
        ([(), (3,)], (3,)),
    ],
)
def test_broadcast(shapes: list[Any], expected: Any) -> None:
    assert broadcast(shapes) == expected


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"lengths \[3, 4\]"):
        broadcast([(None, 3), (None, 4)])


@pytest.mark.parametrize(
    "value", ["x", (1, (2, 3)), {"array": "x", "dtype": "float32"}, ("a",), None, (0,) * (LONGEST_ARRAY + 1)]
)
def test_what_is_no_constant(value: Any) -> None:
    with pytest.raises(UnknownLayerError):
        array_of(value)


def test_numbers_and_arrays_as_code() -> None:
    x = Operand(0, (None, 2), AxisOrder.keras(2), "float")
    assert [number(n) for n in (2, -0.5, True)] == ["2", "(-0.5)", "True"]
    assert tensor_text((1, 2.5), x) == "%0.new_tensor([1.0, 2.5])"
    assert tensor_text((1, 2), Operand(0, kind="int")) == "torch.tensor([1, 2], device=%0.device)"
    with pytest.raises(UnknownLayerError):
        number("__import__('os')")


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["int", "float"], "float"),
        (["bool", "int"], "int"),
        (["bool", "bool"], "bool"),
        (["", "float"], "float"),
        (["", "int"], ""),
    ],
)
def test_what_comes_of_two(kinds: list[Any], expected: str) -> None:
    assert promoted(kinds) == expected
