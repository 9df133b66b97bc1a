"""Combinations of answers come in order of cost, each once, and lazily."""

from __future__ import annotations

from itertools import islice, product

from hypothesis import given
from hypothesis import strategies as st

from regraft.recover.question import Option, Question, combinations, share, sorted_question


def question(*costs: float) -> Question:
    return Question(tuple(Option(cost) for cost in sorted(costs)), "assumed")


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=4))
def test_every_combination_once_and_in_order(costs: list[list[int]]) -> None:
    questions = [question(*(float(c) for c in row)) for row in costs]
    found = list(combinations(questions))
    assert [places for _, places in found].__len__() == len({places for _, places in found})
    assert {places for _, places in found} == set(product(*(range(len(row)) for row in costs)))
    assert [cost for cost, _ in found] == sorted(cost for cost, _ in found)
    for cost, places in found:
        chosen = sum(q.options[i].cost - q.options[0].cost for q, i in zip(questions, places, strict=True))
        assert abs(cost - chosen) < 1e-9


def test_a_thousand_questions_do_not_make_it_slow() -> None:
    many = [question(0.0, 1.0, 3.0) for _ in range(1000)]
    first = list(islice(combinations(many), 3))
    assert [cost for cost, _ in first] == [0.0, 1.0, 1.0]


def test_the_best_option_stands_first_and_has_a_share() -> None:
    asked = sorted_question([Option(2.0, evidence="b"), Option(0.0, evidence="a"), Option(2.0, evidence="c")], "open")
    assert [option.evidence for option in asked.options] == ["a", "b", "c"]
    assert abs(share(asked) - 1 / (1 + 2 * 0.1353352832366127)) < 1e-12
