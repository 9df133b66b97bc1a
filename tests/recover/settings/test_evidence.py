"""Statistics of BatchNorms tell the functions between them, on networks whose moments are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.recover.settings.drafts import answers, bn_arrays, chain, label, layer

from regraft.blueprint import LayerSpec
from regraft.moments.activations import FUNCTIONS, after
from regraft.moments.norms import norm
from regraft.recover.draft import Draft, Hints
from regraft.recover.settings import ask
from regraft.recover.settings.bounds import nats_in_front
from regraft.recover.settings.evidence import Answer, Evidence
from regraft.recover.settings.habits import Habit
from regraft.recover.settings.hidden import contradicts
from regraft.recover.settings.slots import Slot
from regraft.recover.settings.symmetry import nats as symmetry_nats

WIDTHS = (20, 24, 28, 32)


def network(functions: list[str], noise: float = 0.03, seed: int = 0) -> Draft:
    """Dense, norm, function, dense, norm ...; every norm stores what its neighbours give, with a little noise."""
    rng = np.random.default_rng(seed)
    layers: list[LayerSpec] = []
    arrays: dict[str, list[np.ndarray]] = {}
    mean, variance = rng.normal(size=12), np.ones(12)
    for i, (width, function) in enumerate(zip(WIDTHS, [*functions, "linear"], strict=False)):
        kernel, bias = rng.normal(0, 1 / np.sqrt(len(mean)), (len(mean), width)), rng.normal(0, 0.2, width)
        spread = np.square(kernel).T @ variance
        stored = kernel.T @ mean + bias + noise * np.sqrt(spread) * rng.normal(size=width)
        gamma, beta = rng.uniform(0.6, 1.4, width), rng.normal(0.1, 0.5, width)
        layers += [layer("Dense", f"dense_{i}", units=width), layer("BatchNormalization", f"bn_{i}")]
        layers += [layer("Activation", f"act_{i}", activation="linear")] if i < len(functions) else []
        arrays |= {f"dense_{i}": [kernel, bias], f"bn_{i}": [gamma, beta, stored, spread]}
        mean, variance = after(FUNCTIONS[function], beta, gamma**2)
    return ask(chain(*layers, layer("Dense", "top", units=3), shape=(12,), arrays=arrays), Hints())


@pytest.mark.parametrize("function", ["relu", "tanh", "sigmoid", "elu", "silu"])
def test_moments_tell_the_habit_of_a_network(function: str) -> None:
    draft = network([function] * 3, noise=0.01)
    assert answers(draft, "act_0")[0] == function
    assert answers(draft, "act_2")[0] == function
    evidence = next(o.evidence for q in draft.questions for o in q.options if ("act_0", "activation") in o.edits)
    assert "sd" in evidence


def test_a_layer_that_differs_gets_a_question_of_its_own() -> None:
    plain = Slot("dense_1", "activation", "hidden", "dense", 0.036, "a hidden layer")
    habit = Habit("relu", "relu", False, 0.0)
    misfits = {Answer("relu"): 0.9, Answer("tanh"): 0.02, Answer("sigmoid"): 0.5}
    clear = Evidence({Answer("relu"): 7.0, Answer("tanh"): 0.0, Answer("sigmoid"): 5.0}, misfits, ("bn",))
    faint = Evidence({Answer("relu"): 1.0, Answer("tanh"): 0.0, Answer("sigmoid"): 1.0}, misfits, ("bn",))
    assert contradicts(plain, clear, habit)
    assert not contradicts(plain, faint, habit)
    assert "misfit 0.020 sd, next sigmoid 0.500 sd" in clear.words(Answer("tanh"))


def test_clear_statistics_are_supported_and_noise_is_not() -> None:
    assert label(network(["relu"] * 3, noise=0.01), "act_0") == "supported"
    assert label(network(["relu"] * 3, noise=5.0), "act_0") == "assumed"


FUNCTIONS_IN_FRONT = ("relu", "linear", "tanh", "sigmoid", "elu", "leaky 0.2")


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), function=st.sampled_from(["relu", "tanh", "sigmoid", "elu", "linear"]))
def test_the_true_function_is_never_excluded_by_its_range(seed: int, function: str) -> None:
    rng = np.random.default_rng(seed)
    x = FUNCTIONS[function](rng.normal(rng.normal(size=(1, 18)), rng.uniform(0.2, 3.0, (1, 18)), (4000, 18)))
    bn = norm({"moving_mean": x.mean(0), "moving_variance": x.var(0)})
    costs = nats_in_front(bn, FUNCTIONS_IN_FRONT)
    assert costs[function] - min(costs.values()) <= 2.5


def test_one_negative_mean_excludes_relu_and_all_positive_ones_speak_against_none() -> None:
    rng = np.random.default_rng(2)
    means = rng.uniform(0.1, 2.0, 30)
    some = means.copy()
    some[4] = -0.5
    positive = nats_in_front(norm({"moving_mean": means, "moving_variance": means}), FUNCTIONS_IN_FRONT)
    one = nats_in_front(norm({"moving_mean": some, "moving_variance": means}), FUNCTIONS_IN_FRONT)
    raised = nats_in_front(norm({"moving_mean": means, "moving_variance": means}), FUNCTIONS_IN_FRONT, raised=True)
    assert positive["relu"] == 0.0
    assert positive["linear"] > 8
    assert one["relu"] >= one["linear"] + 5
    assert raised["linear"] == 0.0


def test_a_never_trained_norm_says_nothing() -> None:
    assert set(
        nats_in_front(norm({"moving_mean": np.zeros(6), "moving_variance": np.ones(6)}), FUNCTIONS_IN_FRONT).values()
    ) == {0.0}


def units(lean: float, seed: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"kernel": rng.normal(lean, 1.0, (10, 64)), "bias": rng.normal(lean, 0.7, 64)}


def test_leaning_units_speak_against_odd_functions_and_even_ones_for_them() -> None:
    leaning, _ = symmetry_nats(units(0.6), ("relu", "tanh", "linear"))
    even, why = symmetry_nats(units(0.0), ("relu", "tanh", "linear"))
    assert leaning["relu"] == 0.0
    assert leaning["tanh"] == leaning["linear"] > 4
    assert even["tanh"] == 0.0
    assert 0 < even["relu"] < 3
    assert "times chance" in why


@pytest.mark.parametrize(
    "arrays",
    [{}, {"kernel": np.ones((3, 8)), "bias": np.zeros(8)}, {"kernel": np.ones((3, 8)), "bias": np.full(8, np.nan)}],
    ids=["nothing", "untrained", "nan"],
)
def test_signs_that_say_nothing(arrays: dict[str, np.ndarray]) -> None:
    assert symmetry_nats(arrays, ("relu", "tanh")) == ({}, "")


def test_slopes_are_told_by_moments() -> None:
    rng = np.random.default_rng(9)
    layers: list[LayerSpec] = []
    arrays: dict[str, list[np.ndarray]] = {}
    mean, variance = rng.normal(size=12), np.ones(12)
    for i, width in enumerate(WIDTHS):
        kernel = rng.normal(0, 1 / np.sqrt(len(mean)), (len(mean), width))
        spread = np.square(kernel).T @ variance
        gamma, beta, *_ = bn_arrays(rng, width)
        arrays |= {f"dense_{i}": [kernel, np.zeros(width)], f"bn_{i}": [gamma, beta, kernel.T @ mean, spread]}
        layers += [
            layer("Dense", f"dense_{i}", units=width),
            layer("BatchNormalization", f"bn_{i}"),
            layer("LeakyReLU", f"leaky_{i}"),
        ]
        mean, variance = after(lambda x: np.where(x > 0, x, 0.1 * x), beta, gamma**2)
    draft = ask(chain(*layers, layer("Dense", "top", units=3), shape=(12,), arrays=arrays), Hints())
    assert answers(draft, "leaky_0", "negative_slope")[0] == 0.1
    assert label(draft, "leaky_0", "negative_slope") != "open"
