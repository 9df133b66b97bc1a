"""Queries, keys and values: three layers of a file onto one module and the other way round, in whatever order it takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from regraft import graft

pytestmark = pytest.mark.oracle
WIDTH, STEPS = 6, 7


def keras_model(blocks: int = 1, *, together: bool = False) -> Any:
    """Attention with a sum and a normalisation, some times; with three Dense layers, or one that is cut."""
    import keras
    from tests.twin import randomise

    la = keras.layers
    x = first = la.Input((STEPS, WIDTH))
    for _ in range(blocks):
        if together:
            every = la.Dense(3 * WIDTH)(x)
            query, key, value = (
                la.Cropping1D((i * WIDTH, (2 - i) * WIDTH))(la.Permute((2, 1))(every)) for i in range(3)
            )
            query, key, value = (la.Permute((2, 1))(part) for part in (query, key, value))
        else:
            query, key, value = (la.Dense(WIDTH)(x) for _ in range(3))
        weights = la.Softmax()(la.Dot(2)([query, key]))
        x = la.LayerNormalization()(la.Add()([x, la.Dot((2, 1))([weights, value])]))
    model = keras.Model(first, la.Dense(5)(x))
    randomise(model)
    return model


class Attention(nn.Module):
    def __init__(self, order: Sequence[int], *, apart: bool = False, turned: bool = False) -> None:
        super().__init__()
        self.order, self.turned = tuple(order), turned
        self.three = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3)) if apart else None
        self.qkv = None if apart else nn.Linear(WIDTH, 3 * WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        if self.qkv is None:
            assert self.three is not None
            parts: Sequence[Tensor] = [part(x) for part in self.three]
        elif self.turned:
            parts = self.qkv(x).unflatten(-1, (WIDTH, 3)).unbind(-1)
        else:
            parts = self.qkv(x).chunk(3, -1)
        query, key, value = (parts[i] for i in self.order)
        return self.norm(x + (query @ key.transpose(1, 2)).softmax(-1) @ value)


def module(blocks: int = 1, order: Sequence[int] = (0, 1, 2), **options: bool) -> nn.Module:
    return nn.Sequential(*(Attention(order, **options) for _ in range(blocks)), nn.Linear(WIDTH, 5))


CASES: list[tuple[str, Callable[[], Any], Callable[[], nn.Module]]] = [
    ("one module for three", keras_model, module),
    ("in another order", keras_model, lambda: module(order=(2, 0, 1))),
    ("twice", lambda: keras_model(2), lambda: module(2, order=(1, 0, 2))),
    ("three modules for one", lambda: keras_model(together=True), lambda: module(order=(1, 2, 0), apart=True)),
]


@pytest.mark.parametrize(("model", "net"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_module_computes_what_keras_does(model: Any, net: Any, tmp_path: Path) -> None:
    model, net = model(), net()
    model.save(tmp_path / "model.h5")
    inputs = torch.from_numpy(np.random.default_rng(1).standard_normal((2, STEPS, WIDTH))).float()
    result = graft(tmp_path / "model.h5", net, inputs)
    assert result.problems == ()
    assert result.equal
    assert [d.what for d in result.grafting.differences] == []
    with torch.no_grad():
        np.testing.assert_allclose(net.eval()(inputs).numpy(), np.asarray(model(inputs.numpy())), atol=2e-5)
    stored = {variable.path: variable.read() for variable in result.source.tree.variables()}
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    back = result.mapping.variables(state, stored.__getitem__)
    assert {path: array.tobytes() for path, array in back.items()} == {p: a.tobytes() for p, a in stored.items()}


def test_parts_that_lie_in_another_way_are_refused(tmp_path: Path) -> None:
    keras_model().save(tmp_path / "model.h5")
    net = module(turned=True)
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    result = graft(tmp_path / "model.h5", net, torch.ones(2, STEPS, WIDTH))
    assert not result.filled
    assert any("has no twin" in problem for problem in result.problems)
    assert all(torch.equal(before[key], tensor) for key, tensor in net.state_dict().items())
