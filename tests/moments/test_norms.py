from __future__ import annotations

import numpy as np
import pytest

from regraft.moments.norms import FLOOR, misfit, misfits, nats, norm, pooled

STATS = {"moving_mean": np.array([1.0, -2.0, 0.5]), "moving_variance": np.array([4.0, 1.0, 0.25])}


def test_a_norm_with_everything() -> None:
    bn = norm({**STATS, "gamma": np.array([2.0, -3.0, 1.0]), "beta": np.array([0.1, 0.2, 0.3])}, epsilon=1e-3)
    np.testing.assert_allclose(bn.output.mean, [0.1, 0.2, 0.3])
    np.testing.assert_allclose(bn.output.variance, [4.0, 9.0, 1.0], rtol=0.005)
    np.testing.assert_allclose(bn.sd, [2.0, 1.0, 0.5])
    assert not bn.trouble


def test_missing_gamma_is_one_and_missing_beta_zero() -> None:
    bn = norm(STATS, epsilon=0.0)
    np.testing.assert_allclose(bn.output.mean, 0.0)
    np.testing.assert_allclose(bn.output.variance, 1.0)


def test_epsilon_matters_for_small_variances_only() -> None:
    bn = norm({"moving_mean": np.zeros(2), "moving_variance": np.array([100.0, 0.001])}, epsilon=0.001)
    np.testing.assert_allclose(bn.output.variance, [1.0, 0.5], rtol=1e-4)


def test_old_statistics_are_deviations() -> None:
    bn = norm({"moving_mean": np.zeros(2), "moving_variance": np.array([3.0, 2.0])}, deviation=True)
    np.testing.assert_allclose(bn.sd, [3.0, 2.0])


@pytest.mark.parametrize(
    ("mean", "variance", "trouble", "live"),
    [
        ([0, 0, 0], [1, 1, 1], "never trained", 3),
        ([0, 0.1, 0], [1, 1, 1], "", 3),
        ([1, 2, 3], [4, 0, 9], "", 2),  # a dead channel is left out
        ([1, 2, 3], [4, 1e-5, 9], "", 2),
        ([1, 2, 3], [0, 0, 0], "constant", 0),
        ([1, np.nan, 3], [4, 4, 9], "no number", 2),
        ([1, 2, 3], [4, -1, 9], "negative", 2),
        ([1, 2, np.inf], [4, 4, np.inf], "no number", 2),
    ],
)
def test_what_can_be_learnt(mean, variance, trouble: str, live: int) -> None:
    bn = norm({"moving_mean": np.array(mean, float), "moving_variance": np.array(variance, float)})
    assert (trouble in bn.trouble) if trouble else not bn.trouble
    assert bn.live.sum() == live


def test_misfit_is_in_stored_deviations() -> None:
    bn = norm(STATS)
    assert misfit(bn.mean, bn) == 0.0
    assert misfit(bn.mean + bn.sd * 0.3, bn) == pytest.approx(0.3)
    assert misfit(bn.mean + bn.sd * [3.0, 0.0, 0.0], bn) == pytest.approx(3.0 / 3**0.5)
    np.testing.assert_allclose(misfits(np.stack([bn.mean, bn.mean + bn.sd]), bn), [0.0, 1.0])


def test_dead_channels_do_not_count() -> None:
    bn = norm({"moving_mean": np.zeros(3), "moving_variance": np.array([1.0, 0.0, 1.0])})
    assert misfit(np.array([0.0, 1e6, 0.0]), bn) == 0.0


def test_nothing_to_compare_is_nan() -> None:
    bn = norm({"moving_mean": np.ones(2), "moving_variance": np.zeros(2)})
    assert np.isnan(misfit(np.ones(2), bn))


def test_costs_rise_with_the_misfit_and_less_with_few_channels() -> None:
    costs = nats([0.05, 0.2, 0.6])
    assert costs[0] == 0
    assert 0 < costs[1] < costs[2]
    assert nats([0.05, 0.6], channels=4)[1] < nats([0.05, 0.6], channels=400)[1]


def test_costs_below_the_floor_and_above_the_ceiling_hardly_differ() -> None:
    assert nats([FLOOR / 10, FLOOR / 3])[1] < 0.2
    np.testing.assert_allclose(nats([5.0, 50.0]), 0.0)


def test_a_hypothesis_without_a_prediction_costs_the_mean() -> None:
    costs = nats([0.05, np.nan, 0.6])
    assert costs[1] == pytest.approx((costs[0] + costs[2]) / 2)
    np.testing.assert_allclose(nats([np.nan, np.nan]), 0.0)


def test_alike_layers_count_as_the_root_of_their_number() -> None:
    np.testing.assert_allclose(pooled(np.array([[0.0, 2.0]] * 4)), [0.0, 4.0])
