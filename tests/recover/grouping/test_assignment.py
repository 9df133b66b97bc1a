"""The Hungarian method against all permutations."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from regraft.recover.grouping.assignment import assign


@given(st.integers(0, 4).flatmap(lambda m: st.tuples(st.just(m), st.integers(m, 5))).flatmap(
    lambda shape: hnp.arrays("f8", shape, elements=st.integers(-9, 9))
))  # fmt: skip
def test_the_cheapest_of_all(costs: np.ndarray) -> None:
    rows, columns = costs.shape
    found = assign(costs)
    assert len(set(found.tolist())) == rows
    cheapest = min(costs[np.arange(rows), list(p)].sum() for p in permutations(range(columns), rows))
    assert costs[np.arange(rows), found].sum() == cheapest
