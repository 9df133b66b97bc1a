"""JSON of unknown origin: bounded in size and depth, no duplicate keys, no numbers that JSON does not have."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from regraft.errors import ConfigError, quote
from regraft.weights.limits import Limits
from regraft.weights.window import Window, open_regular

# Possessive, so that a long string costs no memory for going back.
_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)


def read_architecture(path: str | os.PathLike[str], *, limits: Limits = Limits()) -> str:
    """
    Text of a JSON architecture file, known to be well-formed JSON of bounded size and depth.

    Args:
        path: A file such as ``model.json``, written by ``model.to_json()``.
        limits: Bounds on size and depth.

    Raises:
        FileError: If the file cannot be opened.
        ConfigError: If it is too large, or not UTF-8, or not one JSON object.
    """
    window = Window(open_regular(Path(path)))
    try:
        if window.size > limits.json:
            raise ConfigError(f"{path}: the architecture takes {window.size} bytes; at most {limits.json} are read.")
        raw = window.read_at(0, window.size)
    finally:
        window.close()
    text = decode(raw, str(path))
    parse_object(text, str(path), limits)
    return text


def decode(raw: bytes, where: str) -> str:
    """UTF-8 bytes, with or without a byte-order mark, as text."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where}: this is not UTF-8 text (byte {error.start}).") from None


def parse_object(text: str, where: str, limits: Limits) -> dict[str, Any]:
    """
    Parse one JSON object.

    Raises:
        ConfigError: Named after ``where``, for anything that is not plain, bounded JSON.
    """
    _check_structure(text, where, limits)
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{where}: this is not JSON: {error.msg} in line {error.lineno}.") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"{where}: this JSON is refused: {quote(str(error))[1:-1]}.") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected a JSON object, found {type(value).__name__}.")
    return value


def _check_structure(text: str, where: str, limits: Limits) -> None:
    """Depth and number of values, before the parser builds anything: ``[],`` takes 3 bytes here and 64 there."""
    depth, many = 0, text.count(",") > limits.json_values
    for count, match in enumerate(_TOKENS.finditer(text)):
        first = text[match.start()]
        depth += (first in "[{") - (first in "]}")
        if depth > limits.json_depth:
            raise ConfigError(f"{where}: this JSON is nested more than {limits.json_depth} deep.")
        if many or count > limits.json_values:
            raise ConfigError(f"{where}: this JSON has more than {limits.json_values} values.")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {quote(twice)} stands twice in one object")
    return found
