"""The emitted code in colours: spans around what Pygments recognises, with few classes, so that the page stays small."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape

from regraft.report.html.bounds import MOST_CODE, MOST_COLOURED
from regraft.report.printable import printable


@dataclass(frozen=True)
class Code:
    """
    Code for the page.

    Attributes:
        html: The text with spans.
        numbers: Line numbers, one a line.
        lines: Number of lines of the whole.
        cut: Whether the end is left out.
    """

    html: Markup
    numbers: Markup
    lines: int
    cut: bool = False


def coloured(source: str) -> Code:
    """Code with spans; a very long one is plain, and cut."""
    cut = len(source) > MOST_CODE
    shown = source[: source.rfind("\n", 0, MOST_CODE) + 1] if cut else source
    lines = shown.count("\n") + (not shown.endswith("\n"))
    html = spans(shown) if len(shown) <= MOST_COLOURED else escape(safe(shown))
    return Code(
        html,
        Markup("\n".join(map(str, range(1, lines + 1)))),
        source.count("\n") + (not source.endswith("\n")),
        cut,
    )


def spans(source: str) -> Markup:
    """The text, what has a colour in a span of one letter."""
    from pygments.lexers.python import PythonLexer

    pieces: list[str] = []
    tokens = ((class_of(kind), text) for kind, text in PythonLexer(ensurenl=False, stripnl=False).get_tokens(source))
    for letter, run in groupby(tokens, lambda token: token[0]):
        text = escape(safe("".join(part for _, part in run)))
        pieces.append(f'<i class="{letter}">{text}</i>' if letter and text.strip() else text)
    return Markup("".join(pieces))


def class_of(kind: Any) -> str:
    """The class of a token: comment, string, number, keyword, the name that a ``def`` or ``class`` declares."""
    from pygments.token import Comment, Keyword, Literal, Name, Operator, String

    table = (
        (Comment, "c"), (String, "s"), (Literal, "n"), (Keyword, "k"), (Operator.Word, "k"),
        (Name.Function, "d"), (Name.Class, "d"), (Name.Decorator, "d"), (Name.Builtin.Pseudo, "b"),
    )  # fmt: skip
    return next((letter for parent, letter in table if kind in parent), "")


def safe(text: str) -> str:
    """Lines of code, anything that could hide or turn text as an escape."""
    return "\n".join(line if line.isprintable() else printable(line, MOST_CODE) for line in text.split("\n"))
