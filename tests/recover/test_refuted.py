"""What is wrong together is passed over, whatever the rest is."""

from __future__ import annotations

from itertools import islice

import pytest
from tests.recover.toy import chain, grouping

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.recover.draft import Draft
from regraft.recover.question import Option, Question
from regraft.recover.ranking import ranked
from regraft.recover.refuted import Refuted, cone

BLUEPRINT = chain(4, 7, 3)


def asked(layer: str, *functions: str) -> Question:
    options = tuple(Option(float(i), {(layer, "activation"): name}) for i, name in enumerate(functions))
    return Question(options, "assumed")


DRAFT = Draft(
    grouping(BLUEPRINT), BLUEPRINT, questions=(asked("dense", "relu", "tanh"), asked("dense_1", "elu", "relu"))
)


@pytest.mark.parametrize(
    ("layers", "left"),
    [
        ({"dense"}, [(1, 0), (1, 1)]),
        ({"dense_1"}, [(0, 1), (1, 1)]),
        ({"dense", "dense_1"}, [(0, 1), (1, 0), (1, 1)]),
        ({"input"}, []),
    ],
)
def test_combinations_with_the_same_answers_are_passed_over(layers: set[str], left: list[tuple[int, int]]) -> None:
    refuted = Refuted([DRAFT])
    refuted.add(0, (0, 0), frozenset(layers))
    found = [candidate.places for candidate in ranked([DRAFT], refuted)]
    assert sorted(found) == left
    assert refuted.whole(0) == (not left)


def test_what_is_refuted_on_the_way_is_passed_over_too() -> None:
    refuted = Refuted([DRAFT])
    every = ranked([DRAFT], refuted)
    first = next(every)
    assert first.places == (0, 0)
    refuted.add(first.draft, first.places, frozenset({"dense"}))
    assert [candidate.places[0] for candidate in islice(every, 5)] == [1, 1]


def test_an_output_depends_on_the_layers_before_it_and_on_the_inputs() -> None:
    names = ("a", "b", "left", "right")
    layers = tuple(LayerSpec(name, "InputLayer" if len(name) == 1 else "Activation") for name in names)
    calls = (Call("left", (TensorRef("a"),)), Call("right", (TensorRef("left"),)))
    outputs = (TensorRef("left"), TensorRef("right"))
    blueprint = Blueprint("model", layers, calls, (TensorRef("a"), TensorRef("b")), outputs)
    assert cone(blueprint, outputs[:1]) == {"a", "b", "left"}
    assert cone(blueprint, outputs[1:]) == {"a", "b", "left", "right"}
