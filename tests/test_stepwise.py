"""Layer by layer comes out what the whole model gives; what cannot be taken apart is left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.recover.toy import chain, grouping

from regraft.blueprint import Blueprint, LayerSpec, TensorRef
from regraft.recover.candidate import Pairs
from regraft.recover.draft import Draft, edited
from regraft.recover.proof import Effort, proved
from regraft.recover.question import Option, Question
from regraft.recover.ranking import ranked
from regraft.recovery import run
from regraft.stepwise import Stepwise

BLUEPRINT = chain(4, 7, 3)
TREE = grouping(BLUEPRINT).tree
INPUT = np.random.default_rng(1).standard_normal((5, 4)).astype("float32")


def with_activations(hidden: str, head: str) -> Blueprint:
    return edited(BLUEPRINT, {("dense", "activation"): hidden, ("dense_1", "activation"): head})


@pytest.mark.parametrize("hidden", ["linear", "relu", "tanh", "softsign"])
@pytest.mark.parametrize("head", ["linear", "softmax", "sigmoid"])
def test_the_same_as_the_whole(hidden: str, head: str) -> None:
    blueprint = with_activations(hidden, head)
    told = Stepwise()(blueprint, TREE, (INPUT,))
    assert told is not None
    (found,) = told.outputs
    (expected,) = run(blueprint, TREE, (INPUT,)).outputs
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-5


def test_what_is_shared_is_computed_once() -> None:
    stepwise = Stepwise()
    stepwise(with_activations("relu", "softmax"), TREE, (INPUT,))
    before = set(stepwise.kept)
    stepwise(with_activations("relu", "sigmoid"), TREE, (INPUT,))
    assert len(set(stepwise.kept) - before) == 1
    stepwise(with_activations("tanh", "sigmoid"), TREE, (INPUT,))
    assert len(set(stepwise.kept) - before) == 4


def test_other_inputs_give_other_tensors() -> None:
    stepwise = Stepwise()
    blueprint = with_activations("relu", "linear")
    first, second = stepwise(blueprint, TREE, (INPUT,)), stepwise(blueprint, TREE, (INPUT * 2,))
    assert first is not None
    assert second is not None
    assert not np.allclose(first.outputs[0], second.outputs[0])


def test_masks_go_past_the_tensors() -> None:
    layers = (LayerSpec("input", "InputLayer", {"batch_shape": (None, 4)}), LayerSpec("mask", "Masking", {}))
    masked = replace(BLUEPRINT, layers=(*layers, *BLUEPRINT.layers[1:]))
    assert Stepwise()(masked, TREE, (INPUT,)) is None


def test_a_candidate_that_does_not_hold_together_says_why() -> None:
    told = Stepwise()(chain(5, 6, 2), TREE, (INPUT,))
    assert told is not None
    assert told.outputs == ()
    assert told.failure


def test_little_used_tensors_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regraft.stepwise.MOST_BYTES", 700)
    stepwise = Stepwise()
    for hidden in ("relu", "tanh", "elu", "softsign", "sigmoid"):
        told = stepwise(with_activations(hidden, "linear"), TREE, (INPUT,))
        assert told is not None
        assert len(told.outputs) == 1
    assert stepwise.size <= 700
    assert stepwise.size == sum(kept.size for kept in stepwise.kept.values())
    assert max(kept.uses for kept in stepwise.kept.values()) >= 3


def test_proofs_are_the_same_with_it() -> None:
    def asked(layer: str, *functions: str) -> Question:
        return Question(tuple(Option(float(i), {(layer, "activation"): f}) for i, f in enumerate(functions)), "assumed")

    (outputs,) = run(with_activations("elu", "sigmoid"), TREE, (INPUT,)).outputs
    pairs = Pairs((INPUT,), (outputs.astype("float32"),))
    questions = (asked("dense", "relu", "tanh", "elu"), asked("dense_1", "softmax", "linear", "sigmoid"))
    draft = Draft(grouping(BLUEPRINT), BLUEPRINT, questions=questions)
    slow, fast = (proved(ranked([draft]), pairs, run, Effort(), quick=quick) for quick in (None, Stepwise()))
    assert slow[0] is not None
    assert fast[0] is not None
    assert slow[1] == fast[1]
    assert fast[0].blueprint.choices == slow[0].blueprint.choices
    assert fast[0].blueprint.outputs == (TensorRef("dense_1"),)
