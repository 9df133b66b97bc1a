"""Known outputs find the right candidate, and label what they prove."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import pytest
from tests.recover.toy import chain, grouping

from regraft.blueprint import Blueprint, LayerSpec, TensorRef
from regraft.recover.candidate import Candidate, Pairs, Ran
from regraft.recover.draft import Draft, edited
from regraft.recover.proof import Effort, close, order_of, proved, with_inputs
from regraft.recover.question import Option, Question
from regraft.recover.ranking import ranked
from regraft.recovery import run
from regraft.weights import WeightTree

SIZES = (4, 7, 3)
BLUEPRINT = chain(*SIZES)


def asked(layer: str, *functions: str) -> Question:
    options = tuple(Option(float(i), {(layer, "activation"): name}) for i, name in enumerate(functions))
    return Question(options, "assumed")


def drafted(*questions: Question) -> Draft:
    return Draft(grouping(BLUEPRINT), BLUEPRINT, questions=questions)


def recorded(hidden: str, head: str, seed: int = 3) -> Pairs:
    inputs = np.random.default_rng(seed).standard_normal((5, SIZES[0])).astype("float32")
    truth = edited(BLUEPRINT, {("dense", "activation"): hidden, ("dense_1", "activation"): head})
    (outputs,) = run(truth, grouping(BLUEPRINT).tree, (inputs,)).outputs
    return Pairs((inputs,), (outputs.astype("float32"),))


@pytest.mark.parametrize("hidden", ["relu", "tanh", "elu"])
@pytest.mark.parametrize("head", ["softmax", "linear"])
def test_the_right_candidate_is_found_and_its_choices_are_proved(hidden: str, head: str) -> None:
    draft = drafted(asked("dense", "relu", "tanh", "elu", "sigmoid"), asked("dense_1", "softmax", "linear", "sigmoid"))
    best, tried = proved(ranked([draft]), recorded(hidden, head), run, Effort())
    assert best is not None
    assert best.blueprint.by_name["dense"].config["activation"] == hidden
    assert best.blueprint.by_name["dense_1"].config["activation"] == head
    assert {choice.label for choice in best.blueprint.choices} == {"proved"}
    assert best.proof.startswith("5 of 5")
    assert 1 <= tried <= 12


def test_what_makes_no_difference_is_not_proved() -> None:
    """The hidden values stay below 6, so relu and relu6 are the same function on these pairs."""
    draft = drafted(asked("dense", "relu", "relu6", "tanh"), asked("dense_1", "linear", "sigmoid"))
    small = Pairs(tuple(array * np.float32(0.1) for array in recorded("relu", "linear").inputs), ())
    (outputs,) = run(
        edited(BLUEPRINT, {("dense", "activation"): "relu"}), grouping(BLUEPRINT).tree, small.inputs
    ).outputs
    best, _ = proved(ranked([draft]), Pairs(small.inputs, (outputs,)), run, Effort())
    assert best is not None
    hidden, head = best.blueprint.choices
    assert (hidden.value, hidden.label) == ("relu", "assumed")
    assert "the same with relu6" in hidden.evidence
    assert head.label == "proved"


def test_nothing_is_proved_if_nothing_fits() -> None:
    draft = drafted(asked("dense", "relu", "tanh"))
    found, tried = proved(ranked([draft]), recorded("sigmoid", "softmax"), run, Effort())
    assert (found, tried) == (None, 2)


def test_a_row_that_nearly_cancels_is_compared_with_the_rounding_of_all_rows() -> None:
    found, expected = (np.array([[1e-7]]),), (np.array([[2e-7]]),)
    assert order_of(found, expected) is None
    assert order_of(found, expected, [1.0]) == (0,)


def test_a_wrong_candidate_is_refuted_with_one_row() -> None:
    rows: list[int] = []

    def counted(
        blueprint: Blueprint, tree: WeightTree, inputs: Sequence[np.ndarray], watch: Sequence[TensorRef] = ()
    ) -> Ran:
        rows.append(len(inputs[0]))
        return run(blueprint, tree, inputs, watch)

    draft = drafted(asked("dense", "tanh", "relu"))
    proved(ranked([draft]), recorded("relu", "linear"), counted, Effort())
    assert rows[:3] == [1, 1, 5]


def test_the_effort_is_limited() -> None:
    draft = drafted(asked("dense", "relu", "tanh", "elu"), asked("dense_1", "linear", "sigmoid"))
    assert proved(ranked([draft]), recorded("softsign", "linear"), run, Effort(candidates=4))[1] == 4


@pytest.mark.parametrize(
    ("found", "expected", "same"),
    [
        ([0.999999, 1e-9], [1.0, 1.2e-9], True),
        ([0.9999, 1e-4], [0.9999, 1.0004e-4], True),
        ([0.9999, 1e-4], [0.9999, 2e-4], False),  # a softmax that is sure of itself, with another network behind it
        ([1.0, float("nan")], [1.0, 0.0], False),
        ([1.0], [1.0, 1.0], False),
    ],
)
def test_close(found: list[float], expected: list[float], same: bool) -> None:
    assert close(np.array(found), np.array(expected)) == same


def test_a_candidate_that_cannot_run_is_not_the_one() -> None:
    broken = list(islice(ranked([drafted()]), 1))
    wrong = [Candidate(chain(5, 6, 2), broken[0].tree, 0.0), *broken]
    best, tried = proved(iter(wrong), recorded("linear", "linear"), run, Effort())
    assert best is not None
    assert tried == 2


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        ([(None, 3, 2), (None, 5)], [(4, 3, 2), (4, 5)], ["ab"]),
        ([(None, 3, 2), (None, 5)], [(4, 5), (4, 3, 2)], ["ba"]),
        ([(None, None), (None, 5)], [(4, 5), (4, 5)], ["ab", "ba"]),
        ([(None, 3), (None, 5)], [(4, 7), (4, 5)], []),
    ],
)
def test_inputs_are_tried_in_every_order_that_fits(
    declared: list[tuple[int | None, ...]], given: list[tuple[int, ...]], expected: list[str]
) -> None:
    layers = tuple(LayerSpec(name, "InputLayer", {"batch_shape": s}) for name, s in zip("ab", declared, strict=True))
    entries = (TensorRef("a"), TensorRef("b"))
    candidate = Candidate(Blueprint("model", layers, (), entries, entries), grouping(BLUEPRINT).tree, 0.0)
    found = with_inputs(candidate, [np.zeros(shape) for shape in given])
    assert ["".join(ref.layer for ref in one.blueprint.inputs) for one in found] == expected
