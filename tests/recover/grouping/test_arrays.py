"""Lists of arrays: whether they stand in order, and that nothing in them is too much."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.recover.grouping.listed import layer, norm, seen, trained, tree_of

from regraft.errors import FileError
from regraft.recover.grouping import MOST_ARRAYS, check_size, group
from regraft.recover.grouping.arrays import group_arrays, orders
from regraft.weights import Variable

BLOCKS = [
    "Conv2D kernel 3 3 3 16",
    norm(16),
    "Conv2D kernel 3 3 16 16",
    norm(16),
    "Conv2D kernel 3 3 16 32, bias 32",
    "Dense kernel 32 5, bias 5",
]


def arrays(lines: list[str] = BLOCKS) -> list[np.ndarray]:
    return [array for made in trained([layer(line) for line in lines]) for array in made]


def test_order_is_recognised() -> None:
    listed = arrays()
    assert group_arrays(tree_of(listed))[0].ordered
    for seed in range(8):
        order = np.random.default_rng(seed).permutation(len(listed))
        assert not group_arrays(tree_of([listed[i] for i in order]))[0].ordered


def test_group_takes_lists() -> None:
    assert seen(group(tree_of(arrays()))[0]) == seen(group_arrays(tree_of(arrays()))[0])


def test_groupings_stand_by_cost_and_hold_every_array_once() -> None:
    for listed in (arrays(), arrays()[::-1], arrays(["LSTM kernel 4 20, recurrent_kernel 5 20, gate 20"] * 2)):
        found = group_arrays(tree_of(listed))
        assert found[0].cost == 0.0
        assert [g.cost for g in found] == sorted(g.cost for g in found)
        for grouping in found:
            assert sorted(i for _, places in seen(grouping) for i in places) == list(range(len(listed)))
            assert [part.group for part in grouping.parts] == list(grouping.tree.layers)
            assert len({part.name for part in grouping.parts}) == len(grouping.parts)


def test_number_of_orders() -> None:
    assert np.exp(orders([(3, 4), (4,), (4, 4), (4,)])) == pytest.approx(12)
    assert orders([(4,)] * 9) == 0.0


def test_too_many_arrays_end_at_once() -> None:
    one = tree_of([np.zeros(1, "f4")]).own
    start = time.process_time()
    with pytest.raises(FileError, match=f"at most {MOST_ARRAYS:,}"):
        check_size(replace(tree_of([]), own=one * 1_000_000))
    assert time.process_time() - start < 5.0


@pytest.mark.parametrize("shape", [(1,), (4, 4), (2, 2, 4, 4)])
def test_equal_arrays_take_seconds(shape: tuple[int, ...]) -> None:
    one = tree_of([np.random.default_rng(0).normal(size=shape).astype("f4")]).own
    start = time.process_time()
    found = group_arrays(replace(tree_of([]), own=one * 1000))
    assert found
    assert time.process_time() - start < 20.0


def test_no_array_at_all() -> None:
    (grouping,) = group_arrays(tree_of([]))
    assert (grouping.parts, grouping.cost) == ((), 0.0)


def test_damaged_arrays_are_grouped_by_shape() -> None:
    def damaged() -> np.ndarray:
        raise FileError("x.npz", "the array is cut off.")

    tree = tree_of(arrays())
    own = tuple(Variable(v.path, v.name, v.shape, v.dtype, damaged) for v in tree.own)
    assert len(group_arrays(replace(tree, own=own))[0].parts) >= 4


DIMENSIONS = st.sampled_from([0, 1, 2, 3, 4, 8, 12, 16])
SHAPES = st.lists(DIMENSIONS, max_size=5).map(tuple).filter(lambda shape: np.prod(shape) < 10_000)
NUMBERS = st.floats(width=32, allow_nan=True, allow_infinity=True)
ANYTHING = SHAPES.flatmap(lambda shape: hnp.arrays("f4", shape, elements=NUMBERS, fill=NUMBERS))


@settings(max_examples=80, deadline=None)
@given(st.lists(ANYTHING, max_size=12))
def test_nothing_raises(listed: list[np.ndarray]) -> None:
    for grouping in group_arrays(tree_of(listed)):
        assert sorted(i for _, places in seen(grouping) for i in places) == list(range(len(listed)))
        assert np.isfinite(grouping.cost)
