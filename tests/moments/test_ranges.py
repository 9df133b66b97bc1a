from __future__ import annotations

import math

import numpy as np
import pytest

from regraft.blueprint import LayerSpec
from regraft.moments.activations import FUNCTIONS, function
from regraft.moments.norms import norm
from regraft.moments.ranges import ANY, behind, impossible


@pytest.mark.parametrize(
    ("name", "entering", "expected"),
    [
        ("relu", ANY, (0.0, math.inf)),
        ("linear", ANY, ANY),
        ("linear", (0.0, math.inf), (0.0, math.inf)),
        ("tanh", ANY, (-1.0, 1.0)),
        ("tanh", (0.0, math.inf), (0.0, 1.0)),
        ("sigmoid", (0.0, 0.0), (0.5, 0.5)),
        ("relu6", ANY, (0.0, 6.0)),
        ("elu", ANY, (-1.0, math.inf)),
        ("leaky_relu", ANY, ANY),
        ("exponential", ANY, (0.0, math.inf)),
        ("log_sigmoid", ANY, (-math.inf, 0.0)),
    ],
)
def test_values_behind_an_activation(name, entering, expected) -> None:
    assert behind(FUNCTIONS[name], entering) == pytest.approx(expected)


def test_prelu_takes_its_smallest_slope() -> None:
    a = function(LayerSpec("a", "PReLU", {}), {"alpha": np.array([0.0, 0.0])})
    assert a is not None
    assert behind(a) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("values", "mean", "variance", "expected"),
    [
        ((0.0, math.inf), [0.5, 2.0], [1.0, 1.0], 0.0),
        ((0.0, math.inf), [-0.5, 2.0], [1.0, 1.0], 0.5),
        ((0.0, math.inf), [-0.01, 2.0], [1.0, 1.0], 0.0),  # a moving average may pass the bound a little
        ((0.0, 1.0), [0.5, 0.5], [0.2, 0.9], 0.5),  # shares have no variance above 1/4
        ((-1.0, 1.0), [0.9, 1.5], [0.1, 0.1], 0.5),
        (ANY, [-7.0, 7.0], [9.0, 9.0], 0.0),
    ],
)
def test_moments_that_cannot_be(values, mean, variance, expected: float) -> None:
    bn = norm({"moving_mean": np.array(mean), "moving_variance": np.array(variance)})
    assert impossible(values, bn) == expected
