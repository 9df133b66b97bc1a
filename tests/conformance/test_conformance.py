"""
Every layer of the catalogue beside real Keras 3, in configurations that hypothesis draws from what the layer declares.

A new layer joins by being declared. A class of which no configuration can be drawn, built or run fails here.
"""

from __future__ import annotations

import pytest
from tests.conformance.comparing import compare
from tests.conformance.drawing import drawn, types
from tests.conformance.keras_side import has
from tests.conformance.measuring import measure
from tests.conformance.overrides import KERAS_1, UNBUILDABLE

from regraft.layers import CATALOGUE

COUNT = 20

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore"),  # Keras advises against half of what it accepts
]


@pytest.mark.parametrize("name", [name for name in types() if name not in {*KERAS_1, *UNBUILDABLE}])
def test_a_layer_computes_what_keras_computes(name: str) -> None:
    if not has("keras", CATALOGUE[name]):
        assert has("tf_keras", CATALOGUE[name]), f"neither Keras has {name}: say in UNBUILDABLE why it cannot be tested"
        return  # test_keras_2.py has it
    found = measure(name, "keras", COUNT)
    assert not found.wrong, "\n".join(found.wrong)
    assert found.equal >= COUNT, f"only {found.equal} of {found.invalid + found.equal} cases: Keras says {found.reason}"


@pytest.mark.parametrize("name", sorted(UNBUILDABLE))
def test_what_cannot_be_tested_still_cannot(name: str) -> None:
    outcomes = compare(drawn(CATALOGUE[name], "keras", 2), "keras")
    assert {one.status for one in outcomes} <= {"invalid", "error"}, "take it out of UNBUILDABLE"
