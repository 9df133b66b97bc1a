"""Which kernel takes a tensor: real samples through relu, a pool and sums, with rivals of equal shape."""

from __future__ import annotations

import numpy as np
import pytest

from regraft.moments.moment import Moments
from regraft.moments.takers import MOST_OUTPUTS, Taker, takers

CHANNELS = 12


def taker(kernel: np.ndarray, x: np.ndarray, *, bent: bool = False) -> Taker:
    bias = np.linspace(-0.5, 0.5, kernel.shape[1])
    made = x @ kernel + bias
    made = np.maximum(made, 0.0) if bent else made
    return Taker(kernel, bias, made.mean(0), np.maximum(made.std(0), 0.01))


@pytest.mark.parametrize("between", ["nothing", "relu", "relu behind the kernel", "relu and a pool"])
def test_the_kernel_behind_a_tensor_is_the_cheapest(between: str) -> None:
    rng = np.random.default_rng(4)
    kernels = [rng.normal(size=(CHANNELS, width)) / 3.0 for width in (9, 30, 17)]
    tensors = [Moments(rng.normal(size=CHANNELS), rng.uniform(0.3, 1.5, CHANNELS)) for _ in kernels]
    found: list[Taker] = []
    for kernel, moments in zip(kernels, tensors, strict=True):
        x = moments.mean + np.sqrt(moments.variance) * rng.normal(size=(4, 6000, CHANNELS))
        x = x if "behind" in between or between == "nothing" else np.maximum(x, 0.0)
        x = x.max(axis=0) if "pool" in between else x[0]
        found.append(taker(kernel, x, bent="behind" in between))
    told = np.array([takers(found).nats(moments) for moments in tensors])
    assert told.argmin(axis=0).tolist() == [0, 1, 2]
    assert (told <= 0.5).all()


def test_many_tensors_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(9)
    found = takers([taker(rng.normal(size=(5, width)), rng.normal(size=(50, 5))) for width in (7, 3)])
    means, variances = rng.normal(size=(4, 5)), rng.uniform(0.1, 2.0, (4, 5))
    together = found.nats(Moments(means, variances))
    assert together.shape == (4, 2)
    for i in range(4):
        np.testing.assert_allclose(together[i], found.nats(Moments(means[i], variances[i])))


def test_of_many_outputs_some_are_looked_at() -> None:
    rng = np.random.default_rng(2)
    found = takers([taker(rng.normal(size=(5, 3 * MOST_OUTPUTS)), rng.normal(size=(50, 5)))])
    assert found.kernels.shape == (5, MOST_OUTPUTS)
