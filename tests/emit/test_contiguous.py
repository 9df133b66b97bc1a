from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.emit.state_dicts import bits, numbers, views

from regraft.emit import contiguous
from regraft.emit.contiguous import fill, joined, moved, slabs, unmerged
from regraft.layout import Layout, Reorder, apply


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiles of a few elements, so that small arrays have many of them, whole ones and cut ones."""
    monkeypatch.setattr(contiguous, "LINE_BYTES", 8)
    monkeypatch.setattr(contiguous, "RUN_BYTES", 16)
    monkeypatch.setattr(contiguous, "TILE_BYTES", 96)
    monkeypatch.setattr(contiguous, "LIVE_LINES", 1)


@given(views(), st.integers(1, 200), st.integers(0, 200))
def test_slabs_in_order_hold_every_element_once(view: np.ndarray, smallest: int, more: int) -> None:
    parts = list(slabs(view, smallest=smallest, largest=smallest + more))
    assert b"".join(bits(part) for part in parts) == bits(view)
    assert all(part.nbytes <= max(smallest + more, view.itemsize) for part in parts)
    assert all(np.shares_memory(part, view) for part in parts)


@given(views())
def test_joined_is_a_view_of_the_same_elements(view: np.ndarray) -> None:
    result = joined(view)
    assert bits(result) == bits(view)
    assert np.shares_memory(result, view)
    assert result.ndim <= max(view.ndim, 1)


@pytest.mark.usefixtures("small_tiles")
def test_fill_copies_in_c_order_whatever_the_view() -> None:
    @given(views())
    def law(view: np.ndarray) -> None:
        target = np.zeros(view.size, view.dtype)
        fill(target, view)
        assert bits(target) == bits(view)

    law()


@pytest.mark.parametrize(
    ("pattern", "shape", "sizes"),
    [
        ("cin units -> units cin", (700, 300), {}),
        ("(h w c) units -> units (c h w)", (3 * 5 * 64, 130), {"h": 3, "w": 5, "c": 64}),
        ("kh kw cin cout -> cout cin kh kw", (3, 2, 70, 150), {}),
        ("kh kw cin mult -> (cin mult) 1 kh kw", (3, 5, 200, 2), {}),
        ("kt kh kw cin cout -> cout cin kt kh kw", (2, 3, 5, 40, 60), {}),
        ("units cin -> units cin", (150, 300), {}),
    ],
)
def test_fill_and_slabs_agree_with_numpy_at_real_tile_sizes(
    pattern: str, shape: tuple[int, ...], sizes: dict[str, int]
) -> None:
    array = numbers("float32", shape)
    layout = Layout(pattern, sizes)
    (expected,) = layout((array,))
    view = unmerged(layout, array)
    result = np.empty(array.size, np.float32)
    place = 0
    for part in slabs(view, smallest=50_000, largest=200_000):
        fill(result[place : place + part.size], part)
        place += part.size
    assert place == array.size
    assert bits(result) == bits(expected)
    assert np.shares_memory(view, array)


def test_slabs_along_the_contiguous_axis_keep_to_cache_lines() -> None:
    view = np.zeros((5000, 600), np.float32).T  # a row of the target has 20 kB
    lengths = [part.shape[0] for part in slabs(view, smallest=100_000, largest=2_000_000)]
    assert lengths == [96] * 6 + [24]


def test_fill_swaps_bytes() -> None:
    array = np.arange(6, dtype=">f4").reshape(2, 3)
    target = np.zeros(6, "<f4")
    fill(target, array.T)
    assert target.tolist() == [0, 3, 1, 4, 2, 5]


def test_moved_is_apply_with_the_last_axes_apart() -> None:
    array = numbers("float32", (12, 8))
    moves = [Reorder("gate", axis=-1, order=(1, 0)), Layout("(h w c) units -> units (c h w)", {"h": 2, "w": 3, "c": 2})]
    (apart,) = moved(moves, (array,))
    (whole,) = apply(moves, (array,))
    assert apart.shape == (8, 2, 2, 3)
    assert bits(apart) == bits(whole)
    assert bits(moved(moves[:1], (array,))[0]) == bits(apply(moves[:1], (array,))[0])
    assert moved([], (array,))[0] is array
