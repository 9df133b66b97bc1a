from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regraft.errors import ConfigError, FileError
from regraft.weights import Limits, read_architecture
from regraft.weights.json_text import parse_object

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_plain_json_is_read_as_it_is(value: dict[str, object]) -> None:
    assert parse_object(json.dumps(value), "x", Limits()) == value


@given(st.text())
def test_any_text_gives_an_object_or_a_typed_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(parse_object(text, "x", Limits()), dict)


@pytest.mark.parametrize(
    "text",
    [r'{"a": "\\"}', r'{"a": "\"["}', r'{"[{": "]"}', '{"a": "\\ud800"}', '{"a": 1e400}'],
)
def test_brackets_in_texts_are_no_structure(text: str) -> None:
    assert parse_object(text, "x", Limits(json_depth=1))


def test_depth_is_counted_exactly() -> None:
    assert parse_object('{"a": [[[]]]}', "x", Limits(json_depth=4))
    with pytest.raises(ConfigError, match="nested more than 3 deep"):
        parse_object('{"a": [[[]]]}', "x", Limits(json_depth=3))


def test_read_architecture(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(b'\xef\xbb\xbf{"class_name": "Model"}')
    assert read_architecture(path) == '{"class_name": "Model"}'
    path.write_bytes(b'{"class_name": "Model"}')
    assert read_architecture(str(path)) == '{"class_name": "Model"}'


def test_read_architecture_refuses(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    with pytest.raises(FileError, match="there is no such file"):
        read_architecture(path)
    path.write_bytes(b'{"a": "' + b"x" * 100 + b'"}')
    with pytest.raises(ConfigError, match="takes 109 bytes; at most 50"):
        read_architecture(path, limits=Limits(json=50))
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_architecture(path)
    with pytest.raises(FileError, match="not a regular file"):
        read_architecture(tmp_path)


def test_the_place_of_a_mistake_is_named() -> None:
    with pytest.raises(ConfigError, match=r"m\.json: this is not JSON: .* in line 2"):
        parse_object('{"a": 1,\n b}', "m.json", Limits())
