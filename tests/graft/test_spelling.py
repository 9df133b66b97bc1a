"""Moves as text: what is written is read again, and does the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.graft.spelling import parsed, spelled
from regraft.layout import Fill, Flip, Layout, Move, Pick, Reorder, Split, Stack

AXES = st.integers(-4, 3)
ORDERS = st.integers(1, 6).flatmap(lambda n: st.permutations(range(n))).map(tuple)
PATTERNS = st.sampled_from(["kh kw cin cout -> cout cin kh kw", "cin units -> units cin", "kw cin cout -> cout cin kw"])
MOVES = st.one_of(
    PATTERNS.map(Layout),
    st.builds(
        lambda h, w, c: Layout("(h w c) units -> units (c h w)", {"h": h, "w": w, "c": c}),
        *(st.integers(1, 99) for _ in range(3)),
    ),
    st.builds(Reorder, st.just("gate"), AXES, ORDERS),
    st.builds(Split, AXES, st.integers(1, 9), st.booleans()),
    st.builds(Stack, AXES, st.integers(1, 9), st.booleans()),
    st.builds(Pick, ORDERS),
    st.builds(Flip, st.lists(AXES, min_size=1, max_size=3).map(tuple)),
    st.builds(Fill, st.lists(st.integers(1, 9), max_size=3).map(tuple), st.floats(allow_nan=False), st.just("float32")),
)


@given(MOVES)
def test_a_spelled_move_is_read_again(move: Move) -> None:
    assert parsed(spelled(move)) == move
    assert parsed(spelled(move.inverse)) == move.inverse


@pytest.mark.parametrize("text", ["", "kh kw", "__import__('os')", "gate blocks x along axis 0", "a -> b -> c"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no move"):
        parsed(text)
