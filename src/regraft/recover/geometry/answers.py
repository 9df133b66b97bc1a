"""What the user decided, as restrictions of the ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from regraft.blueprint import Setting, Shape
from regraft.blueprint.words import words
from regraft.recover.geometry.ways import Way, Ways


def plain(text: str) -> str:
    """An answer without brackets and spaces, in lower case."""
    return "".join(c for c in text.lower() if c not in "()[] \"'")


def means(text: str, value: Setting) -> bool:
    """
    Whether an answer names a value: as ``words`` writes it, or with one number for equal ones.

    >>> means("2", (2, 2)), means("(2, 3)", (2, 3)), means("same", "valid")
    (True, True, False)
    """
    said = plain(text)
    if said == plain(words(value)):
        return True
    return isinstance(value, tuple) and len(set(map(str, value))) == 1 and said == plain(words(value[0]))


def allowed(way: Way, layer: str, answers: Mapping[str, str]) -> bool:
    """Whether a way agrees with every answer about its layer."""
    return all(f"{layer}.{key}" not in answers or means(answers[f"{layer}.{key}"], value) for key, value in way.edits)


def answered(ways: Ways, layer: str, answers: Mapping[str, str]) -> Ways:
    """Only the ways that agree with the answers; all of them if none does."""
    if not any(subject.startswith(f"{layer}.") for subject in answers):
        return ways

    def restricted(shapes: tuple[Shape, ...]) -> Sequence[Way]:
        found = ways(shapes)
        return [way for way in found if allowed(way, layer, answers)] or found

    return restricted
