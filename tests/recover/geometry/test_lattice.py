"""The search against trying everything."""

from __future__ import annotations

from itertools import islice, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regraft.blueprint import Call, LayerSpec, TensorRef
from regraft.layers import build
from regraft.layers.inputs import InputLayer
from regraft.layers.walk import output_shapes
from regraft.recover.geometry.demand import Demand
from regraft.recover.geometry.lattice import Step, assignments, best_with
from regraft.recover.geometry.search import search
from regraft.recover.geometry.ways import Way, Workshop, fixed

POOL = LayerSpec("pool", "MaxPooling2D", {})


def chain(costs: list[list[float]], size: int, wanted: int | None) -> list[Step]:
    """An input, and pools of size 1, 2, 3 at these costs; the last map must have ``wanted`` rows."""
    shop = Workshop()
    steps = [Step("in", (), (TensorRef("in"),), fixed([Way(layer=InputLayer(batch_shape=(None, size, 7, 2)))]))]
    for i, row in enumerate(costs):
        spec = LayerSpec(f"p{i}", "MaxPooling2D", {})
        ways = [shop.way(spec, {"pool_size": (k + 1, 1)}, cost) for k, cost in enumerate(row)]
        steps.append(Step(spec.name, steps[-1].outputs, (TensorRef(spec.name),), fixed(ways)))
    need = Demand(axis=1, features=wanted)
    steps.append(
        Step(
            "end", steps[-1].outputs, (TensorRef("end"),), fixed([Way(layer=build(LayerSpec("end", "ReLU", {})))]), need
        )
    )
    return steps


def everything(costs: list[list[float]], size: int, wanted: int) -> list[tuple[float, tuple[int, ...]]]:
    found = []
    for picks in product(*(range(len(row)) for row in costs)):
        shape = (None, size, 7, 2)
        for i, k in enumerate(picks):
            layer = build(LayerSpec(f"p{i}", "MaxPooling2D", {"pool_size": (k + 1, 1)}))
            try:
                (shape,) = output_shapes(Call("p", ()), layer, (shape,))
            except Exception:
                shape = None
                break
        if shape is not None and shape[1] == wanted:
            found.append((sum(row[k] for row, k in zip(costs, picks, strict=True)), picks))
    return sorted(found)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.floats(0, 8), min_size=1, max_size=3), min_size=1, max_size=4),
    st.integers(4, 30),
    st.integers(1, 12),
)
def test_the_best_is_the_best_of_all(costs: list[list[float]], size: int, wanted: int) -> None:
    expected = everything(costs, size, wanted)
    lattice = search(chain(costs, size, wanted), Workshop(), 1000)
    if not expected:
        assert lattice.failure
        return
    assert lattice.best == pytest.approx(expected[0][0])
    totals = [a.cost for a in islice(assignments(lattice), 50)]
    assert totals == pytest.approx(sorted(totals))
    assert totals[0] == pytest.approx(lattice.best)
    # What each way costs at best, of those that lead somewhere.
    for name, values in best_with(lattice).items():
        if name.startswith("p"):
            i = int(name[1:])
            for (_, edits), cost in values.items():
                k = edits[0][1][0] - 1
                assert cost == pytest.approx(min(c for c, picks in expected if picks[i] == k))


def test_a_shared_layer_is_set_once() -> None:
    shop = Workshop()
    ways = fixed([shop.way(POOL, {"pool_size": (k, 1)}, float(k)) for k in (2, 3)])
    steps = [Step("in", (), (TensorRef("in"),), fixed([Way(layer=InputLayer(batch_shape=(None, 36, 5, 1)))]))]
    for call in (0, 1):
        steps.append(Step("pool", steps[-1].outputs, (TensorRef("pool", call),), ways, shared=True))
    need = Demand(axis=1, features=4)
    end = fixed([Way(layer=build(LayerSpec("end", "ReLU", {})))])
    steps.append(Step("end", steps[-1].outputs, (TensorRef("end"),), end, need))
    lattice = search(steps, shop, 100)
    assert lattice.best == 3.0  # 36 / 3 / 3, paid for once; 36 / 2 / 2 is 9
    # One setting for both calls: 36 / 2 / 3 is 6, but nothing squared is.
    last = Step("end", steps[-2].outputs, (), end, Demand(axis=1, features=6))
    assert search([*steps[:-1], last], shop, 100).failure == "end"


def test_too_many_states_are_said() -> None:
    costs = [[0.0, 1.0, 2.0]] * 4
    assert search(chain(costs, 400, None), Workshop(), 3).cut
    assert not search(chain(costs, 400, None), Workshop(), 500).cut
