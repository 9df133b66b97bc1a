"""How a stored array becomes a parameter: the axes decide, and every way can be turned round."""

from __future__ import annotations

import numpy as np
import pytest

from regraft.graft.owner import Array
from regraft.graft.ways import filler, way
from regraft.layout import apply, undo

CASES = [
    # stored shape and word, parameter's shape and axes, the move in words
    ((3, 5), "kernel", (5, 3), "cout cin", "cin cout -> cout cin"),
    ((4, 4), "kernel", (4, 4), "cout cin", "cin cout -> cout cin"),
    ((4, 4), "kernel", (4, 4), "cin cout", ""),
    ((3, 5), "kernel", (3, 5), "cin cout", ""),
    ((7, 4), "embeddings", (7, 4), "vocabulary embed", ""),
    ((7, 4), "embeddings", (7, 4), "cout cin", ""),
    ((7, 4), "weight", (7, 4), "cout cin", ""),
    ((2, 3, 5, 7), "kernel", (7, 5, 2, 3), "cout cin kh kw", "kh kw cin cout -> cout cin kh kw"),
    ((3, 5, 7), "kernel", (7, 5, 3), "cout cin kw", "kw cin cout -> cout cin kw"),
    ((2, 3, 5, 1), "depthwise_kernel", (5, 1, 2, 3), "cout cin kh kw", "kh kw cin mult -> (cin mult) 1 kh kw"),
    ((2, 3, 5, 7), "kernel", (7, 5, 2, 3), "cin cout kh kw", "kh kw cout cin -> cin cout kh kw"),
    ((3, 5), "kernel", (5, 3, 1, 1), "cout cin kh kw", "cin cout -> cout cin 1 1"),
    ((1, 1, 3, 5), "kernel", (5, 3), "cout cin", "1 1 cin cout -> cout cin"),
    ((6, 2, 5), "kernel", (10, 6), "cout cin", "cin heads key -> (heads key) cin"),
    ((2, 5, 6), "kernel", (6, 10), "cout cin", "heads key cout -> cout (heads key)"),
    ((2, 5), "bias", (10,), "cout", "heads key -> (heads key)"),
    ((1, 5), "bias", (5,), "cout", "1 c -> c"),
    ((5,), "beta", (5,), "channel", ""),
    ((1, 1, 6), "cls_token", (1, 1, 6), "", ""),
    ((7, 6), "positions", (1, 7, 6), "", "a0 a1 -> 1 a0 a1"),
    ((3, 5), "kernel", (5, 3), "", "cin cout -> cout cin"),
]


@pytest.mark.parametrize(("shape", "word", "target", "axes", "words"), CASES)
def test_the_way_of_an_array(shape: tuple[int, ...], word: str, target: tuple[int, ...], axes: str, words: str) -> None:
    found = way(Array("a", shape, word), Array("b", target, "", axes))
    assert found is not None
    assert "; ".join(move.words for move in found.moves) == words
    array = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    (moved,) = apply(found.moves, (array,))
    assert moved.shape == target
    assert np.array_equal(undo(found.moves, (moved,))[0], array)


@pytest.mark.parametrize(
    ("shape", "word", "target", "axes"),
    [
        ((3, 5), "kernel", (3, 5), "cout cin"),  # it would have to be turned
        ((3, 5), "kernel", (5, 3), "cin cout"),
        ((4, 4), "kernel", (4, 4), ""),  # nobody knows which way round
        ((3, 5), "kernel", (5, 4), "cout cin"),
        ((2, 3, 5, 7), "kernel", (5, 7, 2, 3), "cout cin kh kw"),
        ((7, 4), "embeddings", (4, 7), "cout cin"),
        ((5,), "bias", (6,), "cout"),
    ],
)
def test_no_way(shape: tuple[int, ...], word: str, target: tuple[int, ...], axes: str) -> None:
    assert way(Array("a", shape, word), Array("b", target, "", axes)) is None


def test_what_is_assumed_of_a_square_matrix_is_said() -> None:
    told = way(Array("a", (4, 4), "kernel"), Array("b", (4, 4), "", "cout cin"))
    assumed = way(Array("a", (4, 4), "weight"), Array("b", (4, 4), "", "cout cin"))
    assert told is not None
    assert assumed is not None
    assert not told.assumed
    assert assumed.square
    assert "multiplied from the right" in assumed.assumed


def test_queries_keys_and_values_into_one() -> None:
    parts = tuple(Array(name, (6, 2, 5), "kernel") for name in "qkv")
    found = way(Array("q, k, v", (6, 2, 5), "kernel", parts=parts), Array("in", (30, 6), "", "cout cin"))
    assert found is not None
    arrays = tuple(np.random.default_rng(i).standard_normal((6, 2, 5)) for i in range(3))
    (joined,) = apply(found.moves, arrays)
    x = np.random.default_rng(5).standard_normal(6)
    expected = np.concatenate([np.einsum("d,dhk->hk", x, kernel).ravel() for kernel in arrays])
    assert np.allclose(joined @ x, expected)
    assert all(map(np.array_equal, undo(found.moves, (joined,)), arrays))


def test_one_into_queries_keys_and_values() -> None:
    parts = tuple(Array(name, (5, 6), "", "cout cin") for name in "qkv")
    found = way(Array("c_attn", (6, 15), "kernel"), Array("q, k, v", (5, 6), "", "cout cin", parts=parts))
    assert found is not None
    assert "one behind another" in found.assumed
    array = np.arange(90).reshape(6, 15)
    query, key, value = apply(found.moves, (array,))
    assert np.array_equal(np.concatenate([query, key, value]).T, array)


@pytest.mark.parametrize(("role", "shape", "value"), [("bias", (5,), 0.0), ("weight", (5,), 1.0)])
def test_what_a_layer_leaves_out(role: str, shape: tuple[int, ...], value: float) -> None:
    fill = filler(role, shape)
    assert fill is not None
    assert fill.value == value


def test_a_matrix_is_never_made_up() -> None:
    assert filler("weight", (5, 6)) is None
    assert filler("running_mean", (5,)) is None
