from __future__ import annotations

import numpy as np
import pytest

from regraft.blueprint import LayerSpec
from regraft.layers.activations import EXPRESSIONS
from regraft.moments.activations import FUNCTIONS, GAUSS, TYPICAL, after, erf, function, means_after

MIXING = {"softmax", "log_softmax", "sparsemax", "glu"}
X = np.array([-3.0, -1.0, -0.4, 0.0, 0.3, 1.0, 2.5, 7.0])


def test_every_elementwise_activation_of_the_catalogue_is_here() -> None:
    assert set(FUNCTIONS) == set(EXPRESSIONS) - MIXING


@pytest.mark.parametrize("law", [GAUSS, TYPICAL], ids=["gauss", "typical"])
def test_a_quadrature_is_a_distribution_of_mean_0_and_variance_1(law) -> None:
    assert len(law.nodes) == 101
    assert law.weights.sum() == pytest.approx(1.0)
    assert law.weights @ law.nodes == pytest.approx(0.0, abs=1e-12)
    assert law.weights @ law.nodes**2 == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "mean", "sd", "expected"),
    [
        ("linear", 0.7, 2.0, (0.7, 4.0)),
        ("relu", 0.0, 1.0, (0.398942, 0.340845)),  # 1 / sqrt(2 pi); 1/2 - 1/(2 pi)
        ("relu", 0.0, 3.0, (3 * 0.398942, 9 * 0.340845)),
        ("relu", 50.0, 1.0, (50.0, 1.0)),
        ("leaky_relu", 0.0, 1.0, (0.8 * 0.398942, 0.52 - (0.8 * 0.398942) ** 2)),
        ("exponential", 0.0, 1.0, (np.exp(0.5), np.exp(2.0) - np.exp(1.0))),
        ("sigmoid", 0.0, 1.0, (0.5, 0.043379)),
        ("tanh", 0.0, 1.0, (0.0, 0.394294)),
        ("hard_tanh", 0.0, 0.0, (0.0, 0.0)),
        ("hard_tanh", 0.25, 0.0, (0.25, 0.0)),
    ],
)
def test_moments_of_a_normal_variable(name: str, mean: float, sd: float, expected: tuple[float, float]) -> None:
    found = after(name, np.array([mean]), np.array([sd**2]), GAUSS)
    assert found.mean[0] == pytest.approx(expected[0], abs=2e-3 * max(sd, 0.1))
    assert found.variance[0] == pytest.approx(expected[1], rel=5e-3, abs=1e-6)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_quadrature_agrees_with_monte_carlo(name: str) -> None:
    mean, sd = np.array([-0.8, 0.1, 1.5]), np.array([0.5, 1.0, 0.3])
    drawn = FUNCTIONS[name](np.random.default_rng(7).normal(size=(100_000, 1)) * sd + mean)
    found = after(name, mean, sd**2, GAUSS)
    # A jump between two nodes is known to half their distance.
    np.testing.assert_allclose(found.mean, drawn.mean(0), atol=0.02 if name == "hard_shrink" else 0.01, rtol=0.005)
    np.testing.assert_allclose(found.variance, drawn.var(0), atol=0.03, rtol=0.05)


def test_the_typical_law_has_heavier_tails_so_its_relu_has_a_smaller_mean() -> None:
    zero, one = np.zeros(1), np.ones(1)
    # A logistic variable of variance 1 has E|x| = 2 log 2 * sqrt(3) / pi.
    assert after("relu", zero, one).mean[0] == pytest.approx(np.log(2) * np.sqrt(3) / np.pi, abs=1e-3)
    assert after("relu", zero, one).mean[0] < after("relu", zero, one, GAUSS).mean[0]


def test_erf() -> None:
    expected = [-0.999977909503, -0.842700792950, -0.428392355047, 0.0, 0.328626759459, 0.842700792950]
    np.testing.assert_allclose(erf(X[:6]), expected, atol=2e-7)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (LayerSpec("a", "Activation", {"activation": "hard_sigmoid_keras2"}), np.clip(0.2 * X + 0.5, 0, 1)),
        (LayerSpec("a", "LeakyReLU", {"negative_slope": 0.3}), np.where(X > 0, X, 0.3 * X)),
        (LayerSpec("a", "LeakyReLU", {}), np.where(X > 0, X, 0.3 * X)),
        (LayerSpec("a", "ELU", {"alpha": 0.5}), np.where(X > 0, X, 0.5 * np.expm1(X))),
        (LayerSpec("a", "ReLU", {}), np.maximum(X, 0)),
        (LayerSpec("a", "ReLU", {"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0}), np.clip(X, 0, 6)),
        (
            LayerSpec("a", "ReLU", {"max_value": 2.0, "negative_slope": 0.5, "threshold": 0.35}),
            np.where(X > 0.35, np.clip(X, 0, 2), 0.5 * (X - 0.35)),
        ),
        (
            LayerSpec("a", "Activation", {"activation": LayerSpec("b", "LeakyReLU", {"negative_slope": 0.1})}),
            np.where(X > 0, X, 0.1 * X),
        ),
    ],
)
def test_activation_layers(spec: LayerSpec, expected: np.ndarray) -> None:
    a = function(spec)
    assert a is not None
    np.testing.assert_allclose(a(X), expected)


def test_prelu_has_a_slope_a_channel_and_averages_those_of_positions() -> None:
    alpha = np.array([[[0.1, 0.5, 0.0]], [[0.3, 0.5, 1.0]]])  # h w c
    a = function(LayerSpec("a", "PReLU", {}), {"alpha": alpha})
    assert a is not None
    x = np.full((2, 3, 4), -2.0)
    np.testing.assert_allclose(a(x)[0, :, 0], [-0.4, -1.0, -1.0])


@pytest.mark.parametrize("name", ["softmax", "glu", "no such function"])
def test_what_is_not_elementwise_has_no_function(name: str) -> None:
    assert function(name) is None
    assert function(LayerSpec("a", "Activation", {"activation": name})) is None


def test_many_activations_at_once_are_those_one_by_one() -> None:
    mean, variance = np.array([[0.2, -1.0], [0.5, 3.0]]), np.array([[1.0, 2.0], [0.5, 0.1]])
    names = ("tanh", "relu", "gelu")
    together = means_after({name: FUNCTIONS[name] for name in names}, mean, variance)
    assert together.shape == (3, 2, 2)
    for i, name in enumerate(names):
        np.testing.assert_allclose(together[i], after(name, mean, variance).mean)


@pytest.mark.oracle
def test_functions_are_those_of_keras() -> None:
    import keras

    x = np.linspace(-8, 8, 321).astype("float32")
    for name, a in FUNCTIONS.items():
        if name == "hard_sigmoid_keras2":
            continue
        expected = keras.ops.convert_to_numpy(keras.activations.get(name)(keras.ops.convert_to_tensor(x)))
        np.testing.assert_allclose(a(x.astype("float64")), expected, atol=5e-5, rtol=5e-5, err_msg=name)
