"""What the layers in front can give, and how many takers they need."""

from __future__ import annotations

from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.supply import demands, sources


def entry(name: str, width: int | None) -> Fact:
    return Fact(name, "InputLayer", "input", cout=width)


def dense(name: str, rows: int, units: int) -> Fact:
    return Fact(name, "Dense", cin=rows, cout=units, weighted=True)


def join(name: str) -> Fact:
    return Fact(name, "Concatenate", "concat")


def test_lengths_that_are_made() -> None:
    facts = [entry("in", 4), dense("a", 4, 6), join("join"), dense("b", 10, 3)]
    assert sources(facts) == [frozenset(), frozenset({4}), frozenset({4, 6}), None]
    assert sources([entry("in", None), dense("a", 4, 6)]) == [frozenset(), None]


def test_layers_side_by_side_need_a_taker_each() -> None:
    facts = [entry("in", 4), dense("a", 4, 6), dense("b", 4, 6), dense("c", 4, 6), dense("d", 6, 2), dense("e", 6, 2)]
    needed = demands(facts)
    assert needed[3] == {6: 2}
    assert needed[4] == {6: 3}
    # Each of the last two takes one itself, so behind them only one more is needed for what they cannot take.
    assert needed[5].get(6, 0) == 2


def test_a_merge_takes_any_number() -> None:
    facts = [entry("in", 4), dense("a", 4, 6), dense("b", 4, 6), join("join"), dense("c", 12, 2)]
    assert demands(facts)[3] == {6: 2}
    assert demands(facts)[4] == {}
