"""The table of conventions: shares that can be probabilities, and reasons that can be read."""

from __future__ import annotations

import math

import pytest

from regraft.recover.settings import conventions
from regraft.recover.settings.conventions import Convention

TABLES = {
    **{f"habit {name}": table for name, table in conventions.HABITS.items()},
    **{f"head {name}": table for name, table in conventions.HEADS.items()},
    **{name: table for name, table in vars(conventions).items() if isinstance(table, Convention)},
}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_shares_are_probabilities(name: str) -> None:
    table = TABLES[name]
    assert all(0 < share < 1 for share in table.shares.values())
    assert sum(table.shares.values()) <= 1.0 + 1e-9
    assert table.what


def test_unlisted_values_are_rare_and_listed_ones_cost_by_their_share() -> None:
    table = Convention({"a": 0.5, "b": 0.25}, 1234, "cases of this test")
    assert table.cost("b") - table.cost("a") == pytest.approx(math.log(2))
    assert table.cost("never") == pytest.approx(-math.log(conventions.RARE))
    assert table.evidence("b") == "25% of 1,234 cases of public Keras code: cases of this test"
    assert "hardly ever" in table.evidence("never")
    assert Convention({"a": 0.5}, 0, "this").evidence("a") == "assumed for this"
