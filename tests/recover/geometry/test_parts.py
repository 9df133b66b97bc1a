"""The pieces of the search: demands, answers, factors, equal functions, costs of habits."""

from __future__ import annotations

import pytest

from regraft.blueprint import LayerSpec
from regraft.layers import build
from regraft.recover.geometry.answers import means
from regraft.recover.geometry.demand import Demand, demand
from regraft.recover.geometry.entries import length_cost, side_cost
from regraft.recover.geometry.habits import POOLS_1D, POOLS_2D, Habit, habits, share
from regraft.recover.geometry.rearranged import factors
from regraft.recover.geometry.ways import function_of

KERNEL = {"filters": 6, "kernel_size": (3, 3)}


@pytest.mark.parametrize(
    ("kind", "settings", "stored", "allowed", "refused"),
    [
        ("Conv2D", KERNEL, {"kernel": (3, 3, 4, 6)}, (None, 9, 8, 4), (None, 9, 8, 5)),
        (
            "Conv2D",
            {**KERNEL, "data_format": "channels_first"},
            {"kernel": (3, 3, 4, 6)},
            (None, 4, 9, 8),
            (None, 9, 8, 4),
        ),
        ("Conv2D", {**KERNEL, "groups": 2}, {"kernel": (3, 3, 4, 6)}, (None, 9, 9, 8), (None, 9, 9, 4)),
        ("Conv2DTranspose", KERNEL, {"kernel": (3, 3, 6, 4)}, (None, 9, 8, 4), (None, 9, 8, 6)),
        ("Dense", {"units": 3}, {"kernel": (20, 3)}, (None, 5, 20), (None, 21)),
        ("LSTM", {"units": 3}, {"kernel": (7, 12)}, (None, None, 7), (None, 7)),
        ("BatchNormalization", {"axis": 1}, {"moving_mean": (4,)}, (None, 4, 9), (None, 9, 4)),
        ("PReLU", {}, {"alpha": (9, 1, 4)}, (None, 9, 8, 4), (None, 8, 9, 4)),
        ("RepeatVector", {"n": 3}, {}, (None, 4), (None, 5, 4)),
        ("GlobalAveragePooling2D", {}, {}, (None, 9, 8, 4), (None, 9, 4)),
    ],
)
def test_what_arrays_demand(kind: str, settings: dict, stored: dict, allowed: tuple, refused: tuple) -> None:
    spec = LayerSpec("x", kind, settings)
    found = demand(spec, build(spec), stored)
    assert found.allows(allowed)
    assert found.allows(None)
    assert not found.allows(refused)


def test_a_wrapped_layer_demands_one_axis_more() -> None:
    spec = LayerSpec("x", "TimeDistributed", {"layer": LayerSpec("y", "Dense", {"units": 3})})
    found = demand(spec, build(spec), {"kernel": (5, 3)})
    assert found == Demand(at_least=3, features=5)


@pytest.mark.parametrize(
    ("text", "value", "same"),
    [("2", (2, 2), True), ("(2, 3)", (2, 3), True), ("2, 3", (2, 3), True), ("Same", "same", True), ("3", (2, 2), False),
     ("true", True, True), ("2", (2, 3), False)],
)  # fmt: skip
def test_answers(text: str, value: object, same: bool) -> None:
    assert means(text, value) is same  # type: ignore[arg-type]


def test_factors_are_squarest_first() -> None:
    assert factors(36, 2)[0] == (6, 6)
    assert factors(49, 2) == [(7, 7), (1, 49), (49, 1)]
    assert all(a * b * c == 24 for a, b, c in factors(24, 3))


@pytest.mark.parametrize(
    ("size", "step", "n", "equal"), [(2, 2, 8, True), (2, 2, 9, False), (3, 2, 8, False), (1, 2, 9, True)]
)
def test_padding_that_adds_nothing_is_no_padding(size: int, step: int, n: int, equal: bool) -> None:
    pools = [
        build(LayerSpec("p", "MaxPooling2D", {"pool_size": size, "strides": step, "padding": padding}))
        for padding in ("same", "valid")
    ]
    first, second = (function_of(layer, ((None, n, n, 3),)) for layer in pools)
    assert (first == second) is equal


def test_shares_are_probabilities() -> None:
    for table in (POOLS_1D, POOLS_2D):
        assert 0.9 < sum(share(table, key) for key in table) < 1.0


def test_habits_prefer_what_is_usual() -> None:
    habit = Habit(padding="same", pool=(2, 2, "valid"))
    assert habit.of_padding("same", behind=True) < habit.of_padding("valid", behind=True)
    assert habit.of_pool((2, 2, "valid"), 2) < habit.of_pool((3, 2, "valid"), 2) < habit.of_pool((4, 4, "valid"), 2)
    found = list(habits(convolutions=3, pools=2, rank=2, grows=True, slots=False))
    assert min(found, key=lambda h: h.cost).padding == "same"


def test_usual_inputs_cost_least() -> None:
    assert side_cost(28, 1) < side_cost(32, 1) < side_cost(31, 1)
    assert side_cost(224, 3) < side_cost(28, 3)
    assert length_cost(100) < length_cost(101) < length_cost(997)
