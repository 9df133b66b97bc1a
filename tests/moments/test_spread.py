from __future__ import annotations

import numpy as np
import pytest

from regraft.moments.activations import after
from regraft.moments.spread import mean_behind


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "elu", "softplus"])
def test_the_stored_variance_tells_the_spread_in_front(name: str) -> None:
    mean, variance = np.array([-0.5, 0.0, 0.8]), np.array([0.7, 1.3, 0.2])
    behind = after(name, mean, variance)
    np.testing.assert_allclose(mean_behind(name, mean, behind.variance), behind.mean, atol=0.01)


def test_many_hypotheses_at_once() -> None:
    mean = np.array([[0.1, 0.2, 0.3], [-1.0, 0.0, 1.0]])
    found = mean_behind("relu", mean, np.array([0.5, 0.4, 0.3]))
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found[1], mean_behind("relu", mean[1], np.array([0.5, 0.4, 0.3])))


def test_a_variance_that_no_spread_gives_ends_at_the_nearest() -> None:
    # A sigmoid has no variance above 1/4.
    assert np.isfinite(mean_behind("sigmoid", np.array([0.3]), np.array([9.0]))).all()
