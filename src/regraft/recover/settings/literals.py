"""Values of settings as a person writes them, the inverse of ``regraft.blueprint.words``."""

from __future__ import annotations

import re

from regraft.blueprint import LayerSpec, Setting

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def literal(text: str) -> Setting:
    """
    A value from words: numbers, ``true``, ``none``, ``2, 2`` or ``(2, 2)``, ``LeakyReLU(negative_slope=0.2)``, else a word.

    >>> literal("2"), literal("(1, 2), (3, 4)"), literal("none"), literal("same"), literal("1e-5")
    (2, ((1, 2), (3, 4)), None, 'same', 1e-05)
    """
    text = text.strip()
    if (text[:1], text[-1:]) in {("'", "'"), ('"', '"')} and len(text) > 1:
        return text[1:-1]
    call = re.fullmatch(r"([A-Z]\w*)\((.*)\)", text)
    if call:
        pairs = [part.partition("=") for part in pieces(call[2])]
        name = call[1]
        return LayerSpec(name.lower(), name, {key.strip(): literal(value) for key, _, value in pairs})
    if text.startswith(("(", "[")) and text.endswith((")", "]")) and closes(text):
        return tuple(literal(part) for part in pieces(text[1:-1]))
    parts = pieces(text)
    if len(parts) > 1 or text.endswith(","):
        return tuple(literal(part) for part in parts)
    if text.lower() in TRUTHS:
        return TRUTHS[text.lower()]
    if text.lower() in ("none", "null"):
        return None
    if NUMBER.fullmatch(text):
        return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else float(text)
    return text


def closes(text: str) -> bool:
    """Whether the bracket that opens a text is closed by its last character."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if depth == 0:
            return i == len(text) - 1
    return False


def pieces(text: str) -> list[str]:
    """The parts of a text between commas that stand in no brackets; empty ones left out."""
    found, depth, start = [], 0, 0
    for i, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            found.append(text[start:i])
            start = i + 1
    return [part.strip() for part in (*found, text[start:]) if part.strip()]
