"""The command that repeats a conversion, and how a command is shown so that it can be copied."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

Given = str | os.PathLike[str] | None
LONGEST = 2000
"""Characters of a command that a person still copies."""


def convert_command(
    file: Given,
    out: Given,
    *,
    paths: Mapping[str, Given | Sequence[Given]],
    input_shapes: Sequence[tuple[int | None, ...]] = (),
    settings: Mapping[str, str] | None = None,
    candidates: int = 1,
    format: str = "pth",
    switches: Mapping[str, bool | None] | None = None,
) -> tuple[str, ...]:
    """
    The words of ``regraft convert`` with what was given, so that the same comes out again.

    Args:
        file: The input.
        out: The folder of the results.
        paths: Options that name one file, or several; None is left out.
        input_shapes: In Keras order, without the batch axis; None for an axis that varies.
        settings: Answers, by subject.
        candidates: How many architectures are written.
        format: As in ``regraft.convert``.
        switches: Options that are on or off, by name; None is left out.
    """
    words = ["regraft", "convert", plain(file)]
    for option, value in paths.items():
        given = [value] if value is None or isinstance(value, str | os.PathLike) else list(value)
        if given and all(path is not None for path in given):
            words += [option, *map(plain, given)]
    for shape in input_shapes:
        words += ["--input-shape", shape_text(shape)]
    for subject, value in (settings or {}).items():
        words += ["--set", f"{subject}={value}"]
    words += [f"--{name}" if on else f"--no-{name}" for name, on in (switches or {}).items() if on is not None]
    words += ["--candidates", str(candidates)] if candidates != 1 else []
    words += ["--format", format] if format != "pth" else []
    return (*words, "-o", plain(out))


def plain(path: Given) -> str:
    """A path that no option is: ``-x`` becomes ``./-x``."""
    text = os.fspath(path) if path is not None else ""
    return f"./{text}" if text.startswith("-") else text


def shape_text(shape: Sequence[int | None]) -> str:
    """
    A shape as ``--input-shape`` takes it.

    >>> shape_text((64, None, 1))
    '64,?,1'
    """
    return ",".join("?" if axis is None else str(axis) for axis in shape)


def shown(words: Sequence[str]) -> str:
    r"""
    A command for a shell; empty where no person could see what they copy: control or turning characters, or too long.

    >>> shown(["regraft", "convert", "my net.h5"]), shown(["a", "\u202e"])
    ("regraft convert 'my net.h5'", '')
    """
    text = shlex.join(words)
    return text if text.isprintable() and len(text) <= LONGEST else ""
