r"""
Text from a file, made safe for a terminal.

A layer may be named ``\x1b]0;x\x07`` or hold characters that turn the reading direction: nothing that could steer a
terminal, break a line or hide text is printed as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 120


def printable(text: object, longest: int = LONGEST) -> str:
    r"""
    Text with every control, format, surrogate and unassigned character as an escape, cut at ``longest`` characters.

    >>> printable("a\x1b[31m\nb")
    'a\\x1b[31m\\nb'
    """
    shown = str(text)
    cut = shown[:longest]
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
    return safe if len(shown) <= longest else safe + "..."


def printable_lines(text: object, longest: int = 2000) -> list[str]:
    """The lines of a message of our own, each made safe."""
    return [printable(line, longest) for line in str(text).split("\n")]


def shape_words(shape: tuple[int | None, ...] | None, *, batched: bool = True) -> str:
    """
    A shape as a person reads it.

    >>> shape_words((None, 8, None, 3)), shape_words(None), shape_words((3, 5), batched=False)
    ('(batch, 8, ?, 3)', 'unknown', '(3, 5)')
    """
    if shape is None:
        return "unknown"
    axes = ["?" if axis is None else str(axis) for axis in shape]
    if batched and shape and shape[0] is None:
        axes[0] = "batch"
    return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"


def size_words(count: int) -> str:
    """
    Bytes in the unit that fits.

    >>> size_words(512), size_words(204_800), size_words(553_467_096)
    ('512 bytes', '204.8 kB', '553.5 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    size, unit = float(count), "bytes"
    for unit in ("kB", "MB", "GB"):  # noqa: B007
        size /= 1000
        if size < 999.95:
            break
    return f"{size:.1f} {unit}"


def plural(count: int, word: str) -> str:
    """
    A count with its noun.

    >>> plural(1, "layer"), plural(12345, "layer")
    ('1 layer', '12,345 layers')
    """
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def listing(words: Sequence[str]) -> str:
    """
    Words as a person lists them.

    >>> listing(["one"]), listing(["one", "two"]), listing(["one", "two", "three"])
    ('one', 'one and two', 'one, two and three')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
