"""Drafts and questions become candidates, cheapest first, none twice."""

from __future__ import annotations

from itertools import islice

from tests.recover.toy import chain, grouping

from regraft.recover.draft import Draft, edited
from regraft.recover.question import Option, Question
from regraft.recover.ranking import ranked, with_shares

BLUEPRINT = chain(4, 7, 3)
HIDDEN = Question(
    (
        Option(0.0, {("dense", "activation"): "relu"}, "habit"),
        Option(1.0, {("dense", "activation"): "tanh"}),
        Option(3.0, {("dense", "activation"): "linear"}),
    ),
    "supported",
)
HEAD = Question(
    (
        Option(0.0, {("dense_1", "activation"): "softmax"}, "three units"),
        Option(0.5, {("dense_1", "activation"): "linear"}),
    ),
    "open",
)


def functions(candidate_blueprint) -> tuple[str, str]:
    return tuple(candidate_blueprint.by_name[name].config["activation"] for name in ("dense", "dense_1"))


def test_order_of_cost() -> None:
    draft = Draft(grouping(BLUEPRINT), BLUEPRINT, 2.0, questions=(HIDDEN, HEAD))
    found = list(ranked([draft]))
    assert [(round(c.cost, 3), functions(c.blueprint)) for c in found] == [
        (2.0, ("relu", "softmax")),
        (2.5, ("relu", "linear")),
        (3.0, ("tanh", "softmax")),
        (3.5, ("tanh", "linear")),
        (5.0, ("linear", "softmax")),
        (5.5, ("linear", "linear")),
    ]


def test_a_choice_says_value_candidates_label_and_why() -> None:
    draft = Draft(grouping(BLUEPRINT), BLUEPRINT, questions=(HIDDEN, HEAD))
    best, second = islice(ranked([draft]), 2)
    hidden, head = best.blueprint.choices
    assert (hidden.subject, hidden.value, hidden.label) == ("dense.activation", "relu", "supported")
    assert (hidden.candidates, hidden.evidence) == (("relu", "tanh", "linear"), "habit")
    assert (head.value, head.label) == ("softmax", "open")
    # What is not the best answer is never better than assumed.
    assert (second.blueprint.choices[1].value, second.blueprint.choices[1].label) == ("linear", "assumed")


def test_drafts_are_merged_and_equal_ones_dropped() -> None:
    other = edited(BLUEPRINT, {("dense", "activation"): "relu", ("dense_1", "activation"): "linear"})
    drafts = [
        Draft(grouping(BLUEPRINT), BLUEPRINT, 0.0, questions=(HIDDEN, HEAD)),
        Draft(grouping(BLUEPRINT), other, 0.2, questions=()),
    ]
    found = list(ranked(drafts))
    assert [round(c.cost, 3) for c in found[:3]] == [0.0, 0.2, 1.0]
    assert len(found) == 6


def test_shares_add_up_and_proof_comes_first() -> None:
    draft = Draft(grouping(BLUEPRINT), BLUEPRINT, questions=(HIDDEN, HEAD))
    shared = with_shares(list(ranked([draft])))
    assert abs(sum(c.share for c in shared) - 1) < 1e-12
    assert [c.cost for c in shared] == sorted(c.cost for c in shared)
