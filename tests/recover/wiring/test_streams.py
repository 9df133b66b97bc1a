"""What the norms of a file say of layers behind sums and joins of other layers."""

from __future__ import annotations

import numpy as np
import pytest

from regraft.moments.norms import Norm, norm
from regraft.recover.wiring.streams import Streams, Tensor

WIDTHS = (6, 6, 9)
TENSORS = {
    "one": Tensor(0, 6),
    "a sum": Tensor(1, 6, Tensor(0, 6)),
    "a sum with what a relu bent": Tensor(1, 6, Tensor(0, 6), bent=True),
    "a join": Tensor(2, 15, Tensor(1, 6), joined=True),
    "a join the other way round": Tensor(2, 15, Tensor(1, 6), bent=True, joined=True),
}


def sampled(tensor: Tensor, x: list[np.ndarray]) -> np.ndarray:
    own = x[tensor.piece]
    if tensor.beside is None:
        return own
    other = sampled(tensor.beside, x)
    if tensor.joined:
        return np.concatenate([other, own] if tensor.bent else [own, other], axis=1)
    return own + (np.maximum(other, 0.0) if tensor.bent else other)


@pytest.mark.parametrize("name", TENSORS)
def test_the_tensor_that_a_kernel_takes_is_the_cheapest(name: str) -> None:
    rng = np.random.default_rng(7)
    outputs: list[Norm | None] = []
    x: list[np.ndarray] = []
    for width in WIDTHS:
        gamma, beta = rng.uniform(0.5, 1.5, width), rng.normal(size=width)
        zeros = np.zeros(width)
        stored = {"gamma": gamma, "beta": beta, "moving_mean": zeros + 0.1, "moving_variance": zeros + 1.0}
        outputs.append(norm(stored, epsilon=0.0))
        x.append(beta + gamma * rng.normal(size=(8000, width)))
    taken = sampled(TENSORS[name], x)
    kernel = rng.normal(size=(taken.shape[1], 40))
    made = np.maximum(taken, 0.0) @ kernel
    behind = norm({"moving_mean": made.mean(0), "moving_variance": made.var(0)})
    none = [None] * len(WIDTHS)
    streams = Streams([*none, behind], [*outputs, None], [*none, kernel], [*np.zeros(4)], 0.1)
    told = {other: streams.told(tensor).get(3) for other, tensor in TENSORS.items()}
    known = {other: cost for other, cost in told.items() if cost is not None}
    assert min(known, key=lambda other: known[other]) == name
    assert streams.lowest(7, 3) == 0.0
