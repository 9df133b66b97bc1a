from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.report.printable import plural, printable, printable_lines, shape_words, size_words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("conv2d_1", "conv2d_1", id="plain"),
        pytest.param("[red]x[/red]", "[red]x[/red]", id="markup is text"),
        pytest.param("\x1b]0;x\x07", "\\x1b]0;x\\x07", id="window title"),
        pytest.param("a\nb\rc\td", "a\\nb\\rc\\td", id="lines and tabs"),
        pytest.param("\x9b31m", "\\x9b31m", id="one-byte escape of C1"),
        pytest.param("abc\u202edcba\u2069", "abc\\u202edcba\\u2069", id="reading direction"),
        pytest.param("a\u200bb", "a\\u200bb", id="no width"),
        pytest.param("\ud800", "\\ud800", id="half a character"),
        pytest.param("größe 层", "größe 层", id="letters of any language"),
        pytest.param("x" * 121, "x" * 120 + "...", id="too long"),
    ],
)
def test_text_from_a_file(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(max_size=50))
def test_nothing_can_steer_a_terminal(text: str) -> None:
    assert all(
        unicodedata.category(c)[0] != "C" and unicodedata.category(c) not in ("Zl", "Zp") for c in printable(text)
    )


def test_a_message_keeps_its_lines() -> None:
    assert printable_lines("two\nlines\x1b") == ["two", "lines\\x1b"]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((None, 28, 30, 3), "(batch, 28, 30, 3)"),
        ((4, None, 3), "(4, ?, 3)"),
        ((None,), "(batch,)"),
        ((), "()"),
        (None, "unknown"),
    ],
)
def test_shapes(shape: tuple[int | None, ...] | None, words: str) -> None:
    assert shape_words(shape) == words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 bytes"), (999, "999 bytes"), (999_960, "1.0 MB"), (5_534_000_000_000, "5534.0 GB")]
)
def test_sizes(count: int, words: str) -> None:
    assert size_words(count) == words


def test_nouns() -> None:
    assert [plural(n, "layer") for n in (0, 1, 2)] == ["0 layers", "1 layer", "2 layers"]
