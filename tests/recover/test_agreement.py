"""Outputs in another order are found; what agrees with nothing is not."""

from __future__ import annotations

import numpy as np
import pytest

from regraft.recover.agreement import assigned, close, matches


@pytest.mark.parametrize(
    ("agree", "order"),
    [
        ([[1]], (0,)),
        ([[1, 1], [1, 1]], (0, 1)),
        ([[0, 1], [1, 0]], (1, 0)),
        ([[1, 0], [1, 0]], None),
        ([[0, 1, 0], [0, 0, 1], [1, 0, 0]], (2, 0, 1)),
    ],
)
def test_each_known_output_gets_one_of_its_own(agree: list[list[int]], order: tuple[int, ...] | None) -> None:
    assert assigned([[bool(value) for value in row] for row in agree]) == order


@pytest.mark.parametrize("seed", range(4))
def test_many_outputs_are_found_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    expected = [rng.normal(size=(3, 2 + i % 2)) for i in range(9)]
    order = rng.permutation(9)
    found = [expected[i] for i in order]
    scales = [1.0] * 9
    told = assigned(matches(found, expected, scales))
    assert told is not None
    assert [found[i] is e for i, e in zip(told, expected, strict=True)] == [True] * 9
    found[4] = found[4] + 1
    assert assigned(matches(found, expected, scales)) is None


def test_outputs_that_agree_with_several_are_dealt_out() -> None:
    agree = [[True] * 7 for _ in range(6)] + [[True] + [False] * 6]
    told = assigned(agree)
    assert told is not None
    assert told[0] == 6
    assert sorted(told) == list(range(7))


@pytest.mark.parametrize(("slack", "same"), [(0.0, False), (0.05, False), (0.2, True)])
def test_slack_is_absolute(slack: float, same: bool) -> None:
    assert close(np.array([1.1]), np.array([1.0]), slack=slack) == same
