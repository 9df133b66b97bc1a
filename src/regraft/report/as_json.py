"""How a report becomes JSON: ASCII, keys as the attributes, the schema first, and no number that JSON does not have."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any


def as_json(report: Any, **computed: object) -> str:
    """
    A report as JSON text.

    Args:
        report: A dataclass with an attribute ``schema``.
        computed: What is said beside its attributes, such as the exit code.
    """
    data: dict[str, Any] = {**dataclasses.asdict(report), **computed}
    ordered = {"schema": data.pop("schema"), **data}
    return json.dumps(finite(ordered), indent=1, ensure_ascii=True, allow_nan=False, default=str) + "\n"


def finite(value: Any) -> Any:
    """The same with None for every NaN and infinity: JSON has neither."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value
