"""Plain data as TOML text: our own small writer, since Python only reads TOML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from regraft.errors import BlueprintError, quote

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
LONGEST_LINE = 110


class Table(dict[str, Any]):
    """A mapping that gets a header of its own: ``[layer.cell]``."""


class Tables(list[Table]):
    """A list whose items get a header each: ``[[layer]]``."""


def write(data: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """The lines of one table: its values, then its tables."""
    for name, value in data.items():
        if not isinstance(value, Table | Tables):
            yield f"{key(name)} = {inline(value, len(name) + 3)}"
    for name, value in data.items():
        here = (*path, name)
        header = ".".join(map(key, here))
        if isinstance(value, Table):
            yield from ("", f"[{header}]")
            yield from write(value, here)
        elif isinstance(value, Tables):
            for item in value:
                yield from ("", f"[[{header}]]")
                yield from write(item, here)


def inline(value: Any, used: int = 0) -> str:
    """One value; a list that would make the line too long is broken after its items."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        items = ", ".join(f"{key(k)} = {inline(v, -(10**9))}" for k, v in value.items())
        return f"{{ {items} }}" if items else "{}"
    if isinstance(value, list | tuple):
        parts = [inline(item, -(10**9)) for item in value]
        line = f"[{', '.join(parts)}]"
        return line if used + len(line) <= LONGEST_LINE else "[\n" + "".join(f"    {part},\n" for part in parts) + "]"
    raise BlueprintError(f"a value of type {type(value).__name__} cannot be written to TOML: {quote(value)}")


def key(name: object) -> str:
    """A key, quoted if TOML asks for it."""
    if not isinstance(name, str):
        raise BlueprintError(f"a key must be text, found {quote(name)}")
    return name if BARE_KEY.fullmatch(name) else text(name)


def text(value: str) -> str:
    """
    A basic string. Everything that cannot be seen is escaped, so that no name can hide what a line says.

    Raises:
        BlueprintError: For lone surrogates, which no text file can hold.
    """
    return f'"{"".join(map(escaped, value))}"'


def escaped(character: str) -> str:
    """One character of a basic string."""
    if character in SHORT_ESCAPES:
        return SHORT_ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        raise BlueprintError(f"text with the lone surrogate {code:#x} cannot be written to a file")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
