"""JSON text from a stranger: nesting, numbers and double keys are checked before anything is read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from regraft.keras_config.place import Place

DEEPEST = 200
LONGEST = 1 << 26


@dataclass(frozen=True)
class _Refused:
    """Stands in the loaded tree where something must not be, until its place is known."""

    reason: str


def _pairs(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        return _Refused(f"key {ascii(twice)[:200]} stands twice in one object")
    return found


def _constant(name: str) -> _Refused:
    return _Refused(f"{name} is no JSON number")


def load(text: str, place: Place) -> Any:
    """
    The value of a JSON text.

    Raises:
        ConfigError: If the text is no JSON, nests deeper than 200 levels, repeats a key, or holds NaN or infinity.
    """
    if len(text) > LONGEST:
        raise place.error(f"the JSON has {len(text)} characters; more than {LONGEST} are not read")
    try:
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise place.error(f"this is no JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise place.error(f"the JSON nests deeper than {DEEPEST} levels") from None
    except (ValueError, MemoryError) as error:
        raise place.error(f"this JSON cannot be read: {ascii(str(error))[:200]}") from None
    _check(value, place)
    return value


def _check(value: Any, place: Place) -> None:
    """Walk without recursion: depth, finite numbers, and what the hooks refused."""
    todo: list[tuple[Any, Place]] = [(value, place)]
    while todo:
        item, here = todo.pop()
        if isinstance(item, _Refused):
            raise here.error(item.reason)
        if isinstance(item, float) and not math.isfinite(item):
            raise here.error("the number is too large")
        if isinstance(item, dict | list):
            if len(here.steps) - len(place.steps) >= DEEPEST:
                raise place.error(f"the JSON nests deeper than {DEEPEST} levels")
            inner = item.items() if isinstance(item, dict) else enumerate(item)
            todo += [(v, here / k) for k, v in inner if isinstance(v, dict | list | float | _Refused)]
