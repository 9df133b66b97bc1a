"""How the text of an option becomes a value, and the options that several commands have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, Token


def shapes_of(_: object, tokens: Sequence[Token]) -> list[tuple[int | None, ...]]:
    """One shape for each time the option is given."""
    return [shape_of(token.value) for token in tokens]


def shape_of(text: str) -> tuple[int | None, ...]:
    """
    ``64,64,1`` as axis lengths; ``?`` and ``none`` stand for an axis that varies.

    Raises:
        ValueError: If it is no list of such words.
    """
    words = [word.strip() for word in text.strip("() ").removesuffix(",").split(",")]
    axes: list[int | None] = []
    for word in words:
        if word.lower() in ("?", "none"):
            axes.append(None)
        elif word.isascii() and word.isdigit() and 0 < int(word[:20]) < 1 << 31:
            axes.append(int(word))
        else:
            raise ValueError("expected axis lengths without the batch axis, such as 64,64,1; ? is an axis that varies")
    return tuple(axes)


def answers_of(_: object, tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """
    ``conv2d_3.strides=2`` as subject and value, one for each time the option is given.

    Raises:
        ValueError: If it is something else.
    """
    answers: list[tuple[str, str]] = []
    for token in tokens:
        subject, equals, value = token.value.partition("=")
        if not equals or "." not in subject:
            raise ValueError("expected <layer>.<setting>=<value>, such as conv2d_3.strides=2")
        answers.append((subject.strip(), value.strip()))
    return answers


Shapes = Annotated[
    list[tuple[int | None, ...]] | None,
    Parameter(converter=shapes_of, n_tokens=1, accepts_keys=False, negative="", metavar="SHAPE"),
]
Answers = Annotated[
    list[tuple[str, str]] | None,
    Parameter(
        name="--set", converter=answers_of, n_tokens=1, accepts_keys=False, negative="", metavar="LAYER.SETTING=VALUE"
    ),
]
#: A Python file of the user that declares layers.
Custom = Annotated[Path | None, Parameter(metavar="PY")]
Out = Annotated[Path | None, Parameter(alias="-o")]
Switch = Annotated[bool, Parameter(negative="", show_default=False)]
