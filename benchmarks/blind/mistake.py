"""One mistake of a person, as an edit of a module's text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """
    One mistake of a person.

    Attributes:
        pair: Name of the pair.
        name: What was done.
        layers: Keras layers of which the first divergent one must be one; most mistakes have one.
        words: Pattern that the first cause must hold.
        edits: Old text and new text; every old text stands once in the module.
        training: Whether the module stays in training mode.
    """

    pair: str
    name: str
    layers: tuple[str, ...]
    words: str
    edits: tuple[tuple[str, str], ...]
    training: bool = False


def made(pair: str, rows: list[tuple[str, str, str, str, str]]) -> list[Mistake]:
    """Rows of name, layers, words, old text, new text."""
    return [Mistake(pair, name, tuple(layers.split()), words, ((old, new),)) for name, layers, words, old, new in rows]
