"""A form against shapes: the lengths of its axes, if they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import prod

from regraft.blueprint import LayerSpec, Setting
from regraft.layers.naming import snake_case
from regraft.recover.grouping.forms import Form, Value

Shapes = Sequence[tuple[int, ...]]
Sizes = dict[str, int]


@cache
def factors(axis: str) -> tuple[int, tuple[str, ...]]:
    """``4*u`` is 4 and u, ``cin*mult`` is 1 and both names, ``3`` is 3 alone."""
    words = axis.split("*")
    return prod(int(w) for w in words if w.isdigit()), tuple(w for w in words if not w.isdigit())


def value(axis: str, sizes: Mapping[str, int]) -> int:
    """The length of an axis once its names are known."""
    number, names = factors(axis)
    return number * prod(sizes[name] for name in names)


def fit(form: Form, shapes: Shapes) -> Sizes | None:
    """
    The lengths of a form's axes, or None where the shapes contradict it.

    Args:
        form: What is tried.
        shapes: As many as it has arrays.
    """
    sizes: Sizes = {}
    for axes, shape in zip(form.axes, shapes, strict=True):
        if len(axes) != len(shape):
            return None
        for axis, length in zip(axes, shape, strict=True):
            number, names = factors(axis)
            open_names = [name for name in names if name not in sizes]
            known = number * prod(sizes[name] for name in names if name in sizes)
            if not open_names:
                if known != length:
                    return None
            elif length % known if known else True:
                return None
            else:
                sizes[open_names[0]] = length // known
                if not sizes[open_names[0]]:
                    return None
    return sizes


def settings_of(form: Form, sizes: Mapping[str, int]) -> dict[str, Setting]:
    """The settings that the lengths fix."""
    found = {key: _setting(text, sizes) for key, text in form.settings.items()}
    if not form.wraps:
        return found
    return {"layer": LayerSpec(snake_case(form.wraps), form.wraps, found), "merge_mode": "concat"}


def _setting(text: Value, sizes: Mapping[str, int]) -> Setting:
    if isinstance(text, tuple):
        return tuple(_number(item, sizes) for item in text)
    return value(text, sizes) if isinstance(text, str) else text


def _number(item: str | int, sizes: Mapping[str, int]) -> int:
    return value(item, sizes) if isinstance(item, str) else item
