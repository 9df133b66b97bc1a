"""Every layer that tf-keras has beside tf-keras, which has the semantics of Keras 2; the layers of Keras 2 alone at length."""

from __future__ import annotations

import pytest
from tests.conformance.drawing import types
from tests.conformance.keras_side import has
from tests.conformance.measuring import measure
from tests.conformance.overrides import KERAS_1, UNBUILDABLE, UNBUILDABLE_IN_2

from regraft.layers import CATALOGUE

ALONE, BOTH = 20, 6
TYPES = [name for name in types() if name not in {*KERAS_1, *UNBUILDABLE, *UNBUILDABLE_IN_2}]

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("name", TYPES)
def test_a_layer_computes_what_keras_2_computes(name: str) -> None:
    cls = CATALOGUE[name]
    if not has("tf_keras", cls):
        assert has("keras", cls)
        return  # test_conformance.py has it
    count = BOTH if has("keras", cls) else ALONE
    found = measure(name, "tf_keras", count)
    assert not found.wrong, "\n".join(found.wrong)
    assert found.equal >= count, f"only {found.equal} of {found.invalid + found.equal} cases: Keras says {found.reason}"
