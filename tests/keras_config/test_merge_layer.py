from __future__ import annotations

from typing import Any

import pytest

from regraft.errors import UnknownLayerError
from regraft.keras_config.merge_layer import modern_merge


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"mode": "sum"}, ("Add", {})),
        ({"mode": "mul", "name": "m"}, ("Multiply", {"name": "m"})),
        ({"mode": "ave", "mode_type": "raw"}, ("Average", {})),
        ({"mode": "max"}, ("Maximum", {})),
        ({"mode": "min"}, ("Minimum", {})),
        ({"mode": "concat", "concat_axis": 1}, ("Concatenate", {"axis": 1})),
        ({"mode": "concat"}, ("Concatenate", {"axis": -1})),
        ({"mode": "dot", "dot_axes": [1, 2]}, ("Dot", {"axes": [1, 2], "normalize": False})),
        ({"mode": "cos", "dot_axes": 1}, ("Cosine", {})),
        ({}, ("Add", {})),
    ],
)
def test_modes(settings: dict[str, Any], expected: tuple[str, dict[str, Any]]) -> None:
    assert modern_merge(settings) == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"mode": "cos", "dot_axes": [2, 1]},
        {"mode": "x", "mode_type": "lambda"},
        {"mode": "sum", "mode_type": "function"},
        {"mode": []},
    ],
)
def test_modes_without_an_equal(settings: dict[str, Any]) -> None:
    with pytest.raises(UnknownLayerError, match="Merge"):
        modern_merge(settings)
