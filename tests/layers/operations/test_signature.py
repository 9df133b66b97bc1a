from __future__ import annotations

from typing import Any

import pytest

from regraft.layers.operations.signature import Signature

MEAN = "math.reduce_mean(input_tensor=x, axis, keepdims)"
ARGMAX = "math.argmax(input=x, axis=(axis, 0), output_type='int64'/'int32')"


@pytest.mark.parametrize(
    ("text", "positional", "named", "expected"),
    [
        (MEAN, ["t"], {"axis": 1}, {"x": "t", "axis": 1}),
        (MEAN, [], {"input_tensor": "t", "axis": None}, {"x": "t"}),
        (MEAN, ["t"], {"axes": 1}, None),
        (MEAN, ["t", 1, True, 4], {}, None),
        (ARGMAX, ["t"], {}, {"x": "t", "axis": 0}),
        (ARGMAX, ["t"], {"axis": 2, "output_type": "int32"}, {"x": "t", "axis": 2}),
        (ARGMAX, ["t"], {"output_type": "uint16"}, None),
        ("ConcatV2(*xs, axis)", ["a", "b", 3], {}, {"xs": ("a", "b"), "axis": 3}),
        ("Pack(*x, axis)", ["a", "b"], {"axis": 1}, {"x": ("a", "b"), "axis": 1}),
        ("Split(axis, x, num_split=n)", [1, "t"], {"num_split": 2}, {"axis": 1, "x": "t", "n": 2}),
    ],
)
def test_arguments_fit(
    text: str, positional: list[Any], named: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    assert Signature.parse(text).fitted(positional, named) == expected


def test_arguments_go_back() -> None:
    assert Signature.parse(ARGMAX).arguments({"x": "t", "axis": 2}) == {"input": "t", "axis": 2}
    assert Signature.parse(MEAN).arguments({"x": "t", "axis": None, "keepdims": True}) == {
        "input_tensor": "t",
        "keepdims": True,
    }
