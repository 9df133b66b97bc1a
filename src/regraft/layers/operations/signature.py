"""
Signatures of TensorFlow's functions and nodes, as the tables of operations write them.

``math.argmax(input=x, axis=(axis, 0), output_type='int64'/'int32')``: the function's ``input`` is Keras' ``x``, its
``axis`` is 0 where nothing is said, and its ``output_type`` may be one of two. ``ConcatV2(*xs, axis)`` takes any number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAME = re.compile(r"[A-Za-z_]\w*")
MISSING = object()


@dataclass(frozen=True)
class Parameter:
    """
    One parameter.

    Attributes:
        name: In TensorFlow.
        target: In Keras; empty for one that must have a known value.
        default: Where nothing is said.
        allowed: Values that change nothing; any other makes the signature unfit.
        many: Whether it takes all that is left.
    """

    name: str
    target: str = ""
    default: Any = MISSING
    allowed: tuple[Any, ...] = ()
    many: bool = False


@dataclass(frozen=True)
class Signature:
    """A function or node, and its parameters in order."""

    function: str
    parameters: tuple[Parameter, ...]

    @classmethod
    def parse(cls, text: str) -> Signature:
        """
        The signature that a text describes.

        >>> Signature.parse("math.add(x=x1, y=x2)").parameters[1]
        Parameter(name='y', target='x2', default=<object object ...>, allowed=(), many=False)
        """
        function, _, rest = text.partition("(")
        return cls(function, tuple(parameter(cell.strip()) for cell in split(rest.rstrip(")") + cut_bracket(rest))))

    def fitted(self, positional: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any] | None:
        """The arguments under Keras' names; None if they do not fit. None means that nothing is said."""
        given = {name: value for name, value in named.items() if value is not None}
        places = [p for p in self.parameters if p.name not in given]
        rest = list(positional)
        for i, p in enumerate(places):
            if not rest:
                break
            if p.many:
                after = sum(1 for q in places[i + 1 :] if not q.allowed)
                given[p.name] = tuple(rest[: len(rest) - after])
                del rest[: len(rest) - after]
            else:
                given[p.name] = rest.pop(0)
        if rest or given.keys() - {p.name for p in self.parameters}:
            return None
        found: dict[str, Any] = {}
        for p in self.parameters:
            value = given.get(p.name, p.default)
            if p.allowed:
                if value is not MISSING and value not in p.allowed:
                    return None
            elif value is not MISSING and value is not None:
                found[p.target] = value
        return found

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The inverse: Keras' arguments under TensorFlow's names, in order."""
        known = {p.name: values[p.target] for p in self.parameters if p.target in values}
        return {name: value for name, value in known.items() if value is not None}


def cut_bracket(text: str) -> str:
    """The closing brackets that belong to the last parameter: all but the signature's own."""
    return ")" * (len(text) - len(text.rstrip(")")) - 1)


def split(text: str) -> list[str]:
    """Pieces between the commas that stand in no brackets."""
    pieces, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            pieces.append(text[start:i])
            start = i + 1
    return [piece for piece in [*pieces, text[start:]] if piece.strip()]


def parameter(cell: str) -> Parameter:
    """One parameter of a signature."""
    name, _, value = cell.partition("=")
    many, name = name.startswith("*"), name.lstrip("*")
    if not value:
        return Parameter(name, name, many=many)
    if value.startswith("("):
        target, _, default = value[1:-1].partition(", ")
        return Parameter(name, target, literal(default))
    if NAME.fullmatch(value) and value not in ("True", "False"):
        return Parameter(name, value)
    return Parameter(name, allowed=tuple(literal(part.strip()) for part in value.split("/")))


def literal(text: str) -> Any:
    """
    A constant.

    >>> [literal(text) for text in ("True", "'NHWC'", "0", "1e-12")]
    [True, 'NHWC', 0, 1e-12]
    """
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    if text.startswith("'"):
        return text[1:-1]
    return int(text) if text.lstrip("-").isdecimal() else float(text)
