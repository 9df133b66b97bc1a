"""Words become values."""

from __future__ import annotations

import pytest

from regraft.blueprint import LayerSpec, Setting
from regraft.recover.settings.literals import literal

CASES: list[tuple[str, Setting]] = [
    ("2", 2),
    ("-3", -3),
    ("2.5", 2.5),
    (".5", 0.5),
    ("1e-3", 1e-3),
    ("True", True),
    ("off", False),
    ("none", None),
    ("same", "same"),
    (" 2 , 3 ", (2, 3)),
    ("(2,)", (2,)),
    ("[2, [3, 4]]", (2, (3, 4))),
    ("(1, 2), (3, 4)", ((1, 2), (3, 4))),
    ("'none'", "none"),
    ("ReLU(max_value=6, threshold=none)", LayerSpec("relu", "ReLU", {"max_value": 6, "threshold": None})),
    ("", ""),
    ("((", "(("),
    ("9" * 40, float("9" * 40)),
]


@pytest.mark.parametrize(("text", "value"), CASES, ids=[text or "empty" for text, _ in CASES])
def test_literal(text: str, value: Setting) -> None:
    found = literal(text)
    assert found == value
    assert type(found) is type(value)
