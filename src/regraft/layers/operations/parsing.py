"""Settings of operations, checked while they are read: what they are goes into code."""

from __future__ import annotations

import math
import re
from typing import Any

from regraft.errors import UnknownLayerError, quote

#: Names of dtypes that PyTorch has too.
DTYPES = frozenset("bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split())
#: So many tensors may come of one call.
MOST_PARTS = 4096
WORD = re.compile(r"[A-Za-z_0-9]{1,40}")


def integer(value: Any, _: object = None) -> int:
    """A whole number; JSON may hold ``2.0``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or abs(value) >= 2**31:
        raise UnknownLayerError(f"expected a whole number, found {quote(value)}")
    return int(value)


def real(value: Any, _: object = None) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnknownLayerError(f"expected a number, found {quote(value)}")
    return value


def optional_number(value: Any, _: object = None) -> float | None:
    """A finite number or nothing."""
    return None if value is None else real(value)


def optional_integer(value: Any, _: object = None) -> int | None:
    """A whole number or nothing."""
    return None if value is None else integer(value)


def integers(value: Any, _: object = None) -> tuple[int, ...]:
    """Whole numbers; one stands for a list of one."""
    items = value if isinstance(value, list | tuple) else (value,)
    return tuple(integer(item) for item in items)  # type: ignore[reportUnknownVariableType]


def count(value: Any, _: object = None) -> int:
    """A whole number from 1 on."""
    found = integer(value)
    if found < 1:
        raise UnknownLayerError(f"expected a positive number, found {quote(value)}")
    return found


def counts(value: Any, _: object = None) -> int | tuple[int, ...]:
    """A whole number from 1 on, or several."""
    return tuple(map(count, integers(value))) if isinstance(value, list | tuple) else count(value)


def some_axes(value: Any, _: object = None) -> int | tuple[int, ...]:
    """An axis, or several, each once."""
    found = integers(value)
    if not found or len(set(found)) != len(found):
        raise UnknownLayerError(f"the axes {quote(value)}")
    return found if isinstance(value, list | tuple) else found[0]


def parts(value: Any, _: object = None) -> int:
    """A number of tensors that one call makes."""
    found = count(value)
    if found > MOST_PARTS:
        raise UnknownLayerError(f"{found} parts")
    return found


def optional_parts(value: Any, _: object = None) -> int | None:
    """The same, or nothing."""
    return None if value is None else parts(value)


def partition(value: Any, _: object = None) -> int | tuple[int, ...]:
    """A number of parts, or the places between them."""
    return integers(value) if isinstance(value, list | tuple) else parts(value)


def axes(value: Any, _: object = None) -> int | tuple[int, ...] | None:
    """An axis, several, or None."""
    if value is None:
        return None
    return integers(value) if isinstance(value, list | tuple) else integer(value)


def numbers(value: Any, _: object = None) -> Any:
    """A number, or nested lists of numbers, as tuples."""
    return tuple(numbers(item) for item in value) if isinstance(value, list | tuple) else real(value)  # type: ignore[reportUnknownVariableType]


def word(value: Any, _: object = None) -> str:
    """A word of letters and digits: a mode, a side."""
    if not isinstance(value, str) or not WORD.fullmatch(value):
        raise UnknownLayerError(f"expected a word, found {quote(value)}")
    return value


def dtype(value: Any, _: object = None) -> str:
    """The name of a dtype."""
    name = value.removeprefix("<dtype: '").removesuffix("'>") if isinstance(value, str) else value
    if not isinstance(name, str) or name not in DTYPES:
        raise UnknownLayerError(f"dtype {quote(value)}")
    return name


def optional_dtype(value: Any, _: object = None) -> str | None:
    """The name of a dtype, or nothing."""
    return None if value is None else dtype(value)


def float_dtype(value: Any, _: object = None) -> str | None:
    """
    A dtype of floats, or nothing: the model computes in one dtype of floats.

    Raises:
        UnknownLayerError: For another dtype.
    """
    if value is not None and "float" not in dtype(value):
        raise UnknownLayerError(f"the result in {quote(value)}")
    return value


def subscripts(value: Any, _: object = None) -> str:
    """The equation of an einsum."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z., ]{1,200}(->[A-Za-z. ]{0,100})?", value):
        raise UnknownLayerError(f"the equation {quote(value)}")
    return value
