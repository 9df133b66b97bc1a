from __future__ import annotations

import pytest

from regraft.errors import ConfigError
from regraft.keras_config.json_text import load
from regraft.keras_config.place import Place


def test_plain_json_is_loaded() -> None:
    assert load('{"a": [1, 2.5, null, true, "x"]}', Place()) == {"a": [1, 2.5, None, True, "x"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ('{"a": 1', "no JSON"),
        ('{"a": {"b": 1, "b": 2}}', "a: key 'b' stands twice"),
        ('{"a": [1, NaN]}', "a[1]: NaN is no JSON number"),
        ('{"a": -Infinity}', "a: -Infinity"),
        ('{"a": 1e999}', "a: the number is too large"),
        ('{"a": ' + "1" * 5000 + "}", "cannot be read"),
        ("[" * 300 + "]" * 300, "deeper than 200"),
        ("[" * 100_000, "deeper than 200"),
        ('{"a":' * 300 + "1" + "}" * 300, "deeper than 200"),
    ],
)
def test_what_json_must_not_hold(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(text, Place("m.json"))
    assert words in str(raised.value)
    assert str(raised.value).startswith("m.json: ")
    assert len(str(raised.value)) < 1000


def test_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regraft.keras_config.json_text.LONGEST", 10)
    assert load("[1, 2, 3]", Place()) == [1, 2, 3]
    with pytest.raises(ConfigError, match="11 characters"):
        load("[1, 2, 300]", Place())
