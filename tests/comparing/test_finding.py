"""A tensor of one model among those of another: axes in other orders, the same numbers in another arrangement, none."""

from __future__ import annotations

import numpy as np
import pytest

from regraft.comparing.finding import Index, difference, layouts, placed
from regraft.graft.watching import Made, Watched

MAP = np.random.default_rng(0).standard_normal((2, 5, 4, 3))


def index(*arrays: np.ndarray) -> Index:
    return Index(Watched((), tuple(Made(a, "", "conv2d", (-1,)) for a in arrays), (), ()), 1e-9)


@pytest.mark.parametrize(
    ("theirs", "how"),
    [
        (MAP, "values"),
        (np.moveaxis(MAP, -1, 1), "values"),
        (np.moveaxis(MAP, -1, 1)[:, None], "values"),
        (MAP.reshape(2, 60), "rearranged"),
        (MAP.transpose(0, 2, 1, 3), "rearranged"),
        (MAP * (1 + 1e-12), "values"),
        (MAP * (1 + 1e-6), None),
        (MAP[:, :-1], None),
        (np.where(MAP > 2, np.nan, MAP), None),
    ],
    ids="as-it-is channels-first axis-of-length-1 vector h-and-w-exchanged rounding off smaller NaN".split(),
)
def test_a_map_is_found(theirs: np.ndarray, how: str | None) -> None:
    found = index(np.ones(7), theirs).find(MAP)
    assert (found.how if found else None) == how
    assert found is None or found.number == 1


def test_steps_may_come_before_the_batch() -> None:
    sequence = np.random.default_rng(1).standard_normal((2, 7, 5))
    found = index(sequence.transpose(1, 0, 2)).find(sequence)
    assert found is not None
    assert found.how == "values"


def test_where_nothing_is_a_number_both_are_alike() -> None:
    hole = np.where(MAP > 1, np.nan, MAP)
    found = index(np.moveaxis(hole, -1, 1)).find(hole)
    assert found is not None
    assert found.error == 0


def test_a_tensor_comes_back_in_the_order_of_keras() -> None:
    theirs = np.moveaxis(MAP + 0.5, -1, 1)
    np.testing.assert_array_equal(placed(MAP, theirs), MAP + 0.5)


def test_difference_takes_the_order_that_fits_best() -> None:
    square = np.random.default_rng(2).standard_normal((2, 3, 3, 3))
    assert difference(square, np.moveaxis(square, -1, 1)) == 0
    assert difference(square, square[:, :2]) is None
    assert len(list(layouts(square, square.shape))) > 1
