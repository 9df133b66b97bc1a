from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from einops import EinopsError
from hypothesis import given
from hypothesis import strategies as st

from regraft.layout import (
    Fill,
    Flip,
    Layout,
    Move,
    Pick,
    Reorder,
    Split,
    Stack,
    Unfill,
    apply,
    shapes_after,
    side_axes,
    undo,
)

PATTERNS = [
    # pattern, shape in Keras, shape in PyTorch
    ("cin units -> units cin", (7, 5), (5, 7)),
    ("kh kw cin cout -> cout cin kh kw", (3, 5, 64, 128), (128, 64, 3, 5)),
    ("kd kh kw cout cin -> cin cout kd kh kw", (2, 3, 5, 7, 11), (11, 7, 2, 3, 5)),
    ("kh kw cin mult -> (cin mult) 1 kh kw", (3, 5, 7, 2), (14, 1, 3, 5)),
    ("embed head key -> (head key) embed", (11, 3, 5), (15, 11)),
    ("head key embed -> embed (head key)", (3, 5, 11), (11, 15)),
    ("c -> c 1 1", (7,), (7, 1, 1)),
    ("1 1 c -> c", (1, 1, 7), (7,)),
    ("... -> ...", (2, 3, 5), (2, 3, 5)),
]


def numbers(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)


@pytest.mark.parametrize(("pattern", "keras", "torch"), PATTERNS)
def test_layout_moves_axes_by_name(pattern: str, keras: tuple[int, ...], torch: tuple[int, ...]) -> None:
    layout = Layout(pattern) if "..." in pattern else Layout(pattern).bind(keras)
    (moved,) = layout((numbers(*keras),))
    assert moved.shape == torch
    assert layout.words == pattern
    (back,) = layout.inverse((moved,))
    np.testing.assert_array_equal(back, numbers(*keras))
    if "..." not in pattern:
        assert layout.shape(keras) == torch
        assert layout.inverse.shape(torch) == keras


def test_a_joined_axis_cannot_be_split_without_its_lengths() -> None:
    layout = Layout("kh kw cin mult -> (cin mult) 1 kh kw")
    (moved,) = layout((numbers(3, 5, 7, 2),))
    with pytest.raises(EinopsError):
        layout.inverse((moved,))


def test_one_layout_moves_every_array_alike() -> None:
    one, two = Layout("a b -> b a")((numbers(2, 3), numbers(5, 7)))
    assert (one.shape, two.shape) == ((3, 2), (7, 5))


def test_a_flattened_map_is_refined() -> None:
    keras = numbers(2, 3, 5, 4)  # h w c units
    layout = Layout("cin units -> units cin").refine("cin", "(h w c)", "(c h w)", {"h": 2, "w": 3, "c": 5})
    assert layout.pattern == "(h w c) units -> units (c h w)"
    (moved,) = layout((keras.reshape(30, 4),))
    np.testing.assert_array_equal(moved, keras.transpose(3, 2, 0, 1).reshape(4, 30))
    assert layout.shape((30, 4)) == (4, 30)
    assert undo([layout], (moved,))[0].shape == (30, 4)


def test_refining_leaves_longer_names_alone() -> None:
    assert Layout("c cin -> cin c").refine("c", "(h c)", "(c h)", {"h": 2}).pattern == "(h c) cin -> cin (c h)"


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("", []),
        ("a", [["a"]]),
        ("(h w c) units", [["h", "w", "c"], ["units"]]),
        ("(cin mult) 1 kh", [["cin", "mult"], ["1"], ["kh"]]),
    ],
)
def test_side_axes(side: str, expected: list[list[str]]) -> None:
    assert side_axes(side) == expected


def test_gates_change_places() -> None:
    """GRU: Keras stores z, r, h; PyTorch wants r, z, n."""
    z, r, h = (np.full((2, 3), n) for n in (1, 2, 3))
    (moved,) = Reorder("gate", -1, (1, 0, 2))((np.concatenate([z, r, h], axis=-1),))
    np.testing.assert_array_equal(moved, np.concatenate([r, z, h], axis=-1))


def test_lstm_gates_of_keras_1_are_picked_and_stacked() -> None:
    """Keras 1 stores a kernel for each gate, in the order i, c, f, o; today it is one kernel, i, f, c, o."""
    i, c, f, o = (np.full((2, 3), n) for n in (1, 2, 3, 4))
    (kernel,) = apply([Pick((0, 2, 1, 3)), Stack(-1, 4)], (i, c, f, o))
    np.testing.assert_array_equal(kernel, np.concatenate([i, f, c, o], axis=-1))


def test_flip_turns_spatial_axes_only() -> None:
    kernel = numbers(2, 3, 5, 7)
    (turned,) = Flip((0, 1))((kernel,))
    np.testing.assert_array_equal(turned, kernel[::-1, ::-1])
    assert Flip((0, 1)).inverse == Flip((0, 1))


def test_fill_makes_what_keras_leaves_out() -> None:
    fill = Fill((), 0, "int64")
    (count,) = fill(())
    assert (count.shape, count.dtype, int(count)) == ((), np.dtype("int64"), 0)
    assert fill.words == "0 everywhere"
    assert Fill((3,), 1.0)((np.zeros(2),))[1].tolist() == [1.0, 1.0, 1.0]


def test_a_changed_fill_does_not_go_back() -> None:
    fill = Fill((3,), 1.0)
    assert fill.inverse == Unfill(fill)
    assert fill.inverse.inverse == fill
    with pytest.raises(ValueError, match="no longer 1 everywhere"):
        fill.inverse((np.array([1.0, 2.0, 1.0]),))


@st.composite
def moves(draw: st.DrawFn) -> tuple[Move, tuple[np.ndarray, ...]]:
    """A move of any kind, and arrays it takes."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    count = draw(st.integers(1, 4))
    long = tuple(n * count if i == axis % len(shape) else n for i, n in enumerate(shape))
    several = tuple(numbers(*shape) + 1000 * i for i in range(count))
    names = [f"a{i}" for i in range(len(shape))]
    cases: dict[str, tuple[Any, tuple[np.ndarray, ...]]] = {
        "layout": (Layout(f"{' '.join(names)} -> {' '.join(draw(st.permutations(names)))}").bind(shape), several),
        "reorder": (
            Reorder("gate", axis, tuple(draw(st.permutations(range(count))))),
            (numbers(*long), numbers(*long) + 7),
        ),
        "split": (Split(axis, count), (numbers(*long),)),
        "split and drop": (Split(0, count, drop=True), (numbers(count, *shape),)),
        "stack": (Stack(axis, count), several),
        "new stack": (Stack(axis, count, new=True), several),
        "pick": (Pick(tuple(draw(st.permutations(range(count))))), several),
        "flip": (Flip(tuple(draw(st.sets(st.integers(0, len(shape) - 1))))), several),
        "fill": (Fill(shape, draw(st.sampled_from([0.0, 1.0, 0.5]))), several),
    }
    return cases[draw(st.sampled_from(sorted(cases)))]


def same(found: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> None:
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@given(moves())
def test_every_move_can_be_undone(case: tuple[Move, tuple[np.ndarray, ...]]) -> None:
    move, arrays = case
    same(move.inverse(move(arrays)), arrays)
    same(undo([move], apply([move], arrays)), arrays)
    same(move.inverse.inverse(arrays), move(arrays))
    assert move.words
    assert move.inverse.words


@given(moves())
def test_shapes_without_data(case: tuple[Move, tuple[np.ndarray, ...]]) -> None:
    move, arrays = case
    assert shapes_after([move], [a.shape for a in arrays]) == tuple(a.shape for a in move(arrays))


def test_moves_are_data() -> None:
    for move in (
        Layout("a b -> b a"),
        Reorder("gate", 0, (1, 0)),
        Split(0, 2),
        Stack(0, 2),
        Pick((1, 0)),
        Flip((0,)),
        Fill((2,), 0.0),
    ):
        assert dataclasses.replace(move) == move
        with pytest.raises(dataclasses.FrozenInstanceError):
            move.words = "else"  # type: ignore[misc]


def test_undo_goes_backwards() -> None:
    chain: list[Move] = [Split(-1, 3), Pick((2, 0, 1)), Stack(0, 3), Layout("a b -> b a")]
    start = (numbers(2, 6),)
    same(undo(chain, apply(chain, start)), start)
    assert apply(chain, start)[0].shape == (2, 6)
    assert shapes_after(chain, [(2, 6)]) == ((2, 6),)
