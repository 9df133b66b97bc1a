"""The emitted code in colours: spans around what Python's own tokenizer tells apart, with classes of one letter."""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

from regraft.report.html.bounds import MOST_CODE, MOST_COLOURED
from regraft.report.printable import printable

DECLARES = ("def", "class")
SELF = frozenset({"self", "super"})


@dataclass(frozen=True)
class Code:
    """
    Code for the page.

    Attributes:
        html: The text with spans: ``c`` comments, ``s`` strings, ``n`` numbers, ``k`` keywords, ``d`` the name that is
            declared, ``b`` ``self`` and its kin.
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
    count = shown.count("\n") + (not shown.endswith("\n"))
    html = spans(shown) if len(shown) <= MOST_COLOURED else escape(safe(shown))
    numbers = Markup("\n".join(map(str, range(1, count + 1))))
    return Code(html, numbers, source.count("\n") + (not source.endswith("\n")), cut)


def spans(source: str) -> Markup:
    """The text, what has a colour in a span; plain where it is no Python."""
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    pieces: list[str] = []
    done = 0
    for letter, (row, column), (end_row, end_column) in coloured_tokens(source):
        start, stop = starts[row - 1] + column, starts[end_row - 1] + end_column
        pieces += [escape(safe(source[done:start])), f'<i class="{letter}">{escape(safe(source[start:stop]))}</i>']
        done = stop
    pieces.append(escape(safe(source[done:])))
    return Markup("".join(pieces))


def coloured_tokens(source: str) -> Iterator[tuple[str, tuple[int, int], tuple[int, int]]]:
    """The tokens that have a colour, with where they start and end: row from 1, column from 0."""
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            letter = letter_of(token.type, token.string, before)
            if letter:
                yield letter, token.start, token.end
            before = token.string
    except (tokenize.TokenError, SyntaxError):
        return  # the rest is plain


def letter_of(kind: int, text: str, before: str) -> str:
    """The class of a token; ``before`` is the token in front of it."""
    if kind == tokenize.NAME:
        if before in DECLARES:
            return "d"
        return "k" if keyword.iskeyword(text) else "b" if text in SELF and before != "." else ""
    if kind in (tokenize.COMMENT, tokenize.NUMBER, tokenize.STRING):
        return {tokenize.COMMENT: "c", tokenize.NUMBER: "n"}.get(kind, "s")
    return "s" if tokenize.tok_name[kind].startswith("FSTRING") else ""


def safe(text: str) -> str:
    """Lines of code, anything that could hide or turn text as an escape."""
    return "\n".join(line if line.isprintable() else printable(line, MOST_CODE) for line in text.split("\n"))
