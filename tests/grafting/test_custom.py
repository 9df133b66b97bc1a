"""A model with a layer of the user's own, onto a module of the user's own."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import torch
from tests.twin import randomise
from torch import Tensor, nn

import regraft
from regraft.layers import CATALOGUE

FILE = """
import torch
from torch import Tensor, nn

from regraft.layers import Form, Layer, Site, Weight


class Shift(Layer):
    weights = (Weight("offset", "channel -> channel", torch="offset"),)

    def torch(self, site: Site) -> Form:
        return Form(("%self(%0)",), module=f"Shifted({site.stored['offset'][0]})")


class Shifted(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x - self.offset)
"""


class Shift(keras.layers.Layer):
    def build(self, shape: tuple[int, ...]) -> None:
        self.offset = self.add_weight(shape=(shape[-1],), name="offset")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.ops.relu(x - self.offset)


class Net(nn.Module):
    def __init__(self, *, wrong: bool = False) -> None:
        super().__init__()
        self.first, self.second, self.wrong = nn.Linear(6, 5), nn.Linear(5, 3), wrong
        self.offset = nn.Parameter(torch.zeros(5))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.second(torch.relu(x + self.offset if self.wrong else x - self.offset))


@pytest.fixture
def saved(tmp_path: Path) -> tuple[keras.Model, Path, Path]:
    features = keras.Input((6,), name="features")
    model = keras.Model(features, keras.layers.Dense(3)(Shift(name="shift")(keras.layers.Dense(5)(features))))
    randomise(model)
    model.save(tmp_path / "model.keras")
    (tmp_path / "my_layers.py").write_text(FILE)
    return model, tmp_path / "model.keras", tmp_path / "my_layers.py"


def test_its_form_takes_part(saved: tuple[keras.Model, Path, Path]) -> None:
    model, file, mine = saved
    net, x = Net(), np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    result = regraft.graft(file, net, torch.from_numpy(x), custom=mine)
    assert result.equal, result.problems
    np.testing.assert_allclose(net(torch.from_numpy(x)).detach().numpy(), np.asarray(model(x)), rtol=1e-5, atol=1e-6)
    assert "Shift" not in CATALOGUE


def test_a_mistake_behind_it_is_no_equality(saved: tuple[keras.Model, Path, Path]) -> None:
    _, file, mine = saved
    assert not regraft.graft(file, Net(wrong=True), torch.randn(4, 6), custom=mine).equal


def test_without_its_form_nothing_is_called_equal(saved: tuple[keras.Model, Path, Path]) -> None:
    _, file, _ = saved
    assert not regraft.graft(file, Net(), torch.randn(4, 6)).equal
