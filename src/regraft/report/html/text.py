"""Text from a file, made safe for a page: escaped by the templates, in scripts as JSON that cannot end them."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup, escape

from regraft.report.printable import printable

#: Characters of one text on the page.
LONGEST = 1500
NAME = 120


def clean(value: object) -> object:
    """
    What a template shows: control, format and turning characters as escapes, long text cut.

    Every value that a template writes goes through here; the template then escapes HTML.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or (value.isprintable() and len(value) <= LONGEST):
        return value
    return printable(value, LONGEST)


def name(text: str) -> str:
    """A name, short enough for a table."""
    return printable(text, NAME)


def breakable(text: str) -> Markup:
    """
    A name that may be broken behind ``/``, ``.`` and ``_``.

    >>> print(breakable("a<b/c"))
    a&lt;b/<wbr>c
    """
    return Markup(re.sub(r"([/._])(?=.)", r"\1<wbr>", str(escape(text))))


def embedded(data: Any) -> Markup:
    r"""
    JSON for a ``script`` element of type ``application/json``: nothing in it ends the element or a line.

    >>> print(embedded(["</script>", "a\u2028"]))
    ["\u003c/script\u003e","a\u2028"]
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
