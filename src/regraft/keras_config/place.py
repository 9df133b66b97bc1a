"""A place in the JSON, for messages, with the type checks of everything that is read there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from regraft.errors import ConfigError, quote

LONGEST_NAME = 2000


@dataclass(frozen=True)
class Place:
    """Where in which JSON: ``model.json: config.layers[3].config``."""

    source: str = ""
    steps: tuple[str | int, ...] = ()

    def __truediv__(self, step: str | int) -> Place:
        return replace(self, steps=(*self.steps, step))

    def __str__(self) -> str:
        text = ""
        for step in self.steps[:12]:
            text += f"[{step}]" if isinstance(step, int) else f".{quote(step)[1:-1]}"
        text += "..." if len(self.steps) > 12 else ""
        return text.removeprefix(".")

    def error(self, reason: str) -> ConfigError:
        """The error to raise here."""
        return ConfigError(": ".join(part for part in (self.source or "architecture JSON", str(self), reason) if part))

    def wrong(self, expected: str, found: Any) -> ConfigError:
        """The error for a value of the wrong kind."""
        shown = f"{type(found).__name__} of {len(found)}" if isinstance(found, dict | list) else quote(found)
        return self.error(f"expected {expected}, found {shown}")

    def mapping(self, value: Any) -> dict[str, Any]:
        """The value as a JSON object."""
        if not isinstance(value, dict):
            raise self.wrong("an object", value)
        return value

    def items(self, value: Any) -> list[Any]:
        """The value as a JSON array."""
        if not isinstance(value, list):
            raise self.wrong("an array", value)
        return value

    def name(self, value: Any) -> str:
        """The value as a name: text that is not empty, has at most 2000 characters, and can be written as UTF-8."""
        if not isinstance(value, str):
            raise self.wrong("a name", value)
        if not value or len(value) > LONGEST_NAME or "\0" in value or not encodable(value):
            raise self.wrong(f"a name of 1 to {LONGEST_NAME} readable characters", value)
        return value

    def index(self, value: Any) -> int:
        """The value as a count from 0."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            raise self.wrong("an index", value)
        return value

    def shape(self, value: Any) -> tuple[int | None, ...]:
        """The value as a shape with its batch axis; TensorFlow may wrap it as a ``TensorShape``."""
        if isinstance(value, dict) and value.get("class_name") == "TensorShape":
            value = value.get("items")
        axes = self.items(value)
        if len(axes) > 16:
            raise self.wrong("a shape of at most 16 axes", value)
        return tuple(None if axis is None or axis == -1 else self.size(axis) for axis in axes)

    def size(self, value: Any) -> int:
        """The value as an axis length."""
        if type(value) not in (int, float) or value != int(value) or not 0 <= value < 2**31:
            raise self.wrong("an axis length or null", value)
        return int(value)


def encodable(text: str) -> bool:
    """Whether the text is free of lone surrogates, so that it can be written to a file."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
