"""Deliberate damage to the user's module: each mistake is found and named with its place; none passes in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from regraft import graft, samples
from regraft.graft.onto import onto, side
from regraft.grafting.result import Graft

FILE = samples.path("digits.h5")
EXAMPLE = (2, 1, 8, 8)


class Net(nn.Module):
    """
    The digits network, with one thing changed.

    Args:
        damage: What is changed; empty for nothing.
    """

    def __init__(self, damage: str = "") -> None:
        super().__init__()
        self.damage = damage
        self.entry = nn.Conv2d(1, 12, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(12, eps=1e-5 if damage == "epsilon" else 1e-3, momentum=0.01)
        self.first = nn.Conv2d(12, 12, 3, padding=0 if damage == "padding" else 1)
        self.norm2 = nn.BatchNorm2d(12, eps=1e-3, momentum=0.01)
        self.second = nn.Conv2d(12, 12, 3, padding=1)
        self.down = nn.Conv2d(12, 20, 3, stride=1 if damage == "stride" else 2)
        self.hidden, self.head, self.drop = nn.Linear(160, 32), nn.Linear(32, 10), nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        damage = self.damage
        x = self.norm1(self.entry(x))
        x = functional.leaky_relu(x, 0.1) if damage == "activation" else functional.relu(x)
        if damage == "swapped":
            y = self.first(functional.relu(self.norm2(self.second(x))))
        elif damage == "norm behind":
            y = self.second(self.norm2(functional.relu(self.first(x))))
        else:
            y = self.first(x)
            y = functional.pad(y, (1, 1, 1, 1)) if damage == "padding" else y
            y = self.second(functional.relu(self.norm2(y)))
        x = y if damage == "no residual" else x - y if damage == "subtracted" else y + x
        x = functional.relu(self.down(functional.pad(x, (1, 0, 1, 0) if damage == "border" else (0, 1, 0, 1))))
        if damage == "stride":
            x = functional.interpolate(x, (4, 4))
        x = functional.avg_pool2d(x, (2, 1)) if damage == "average" else functional.max_pool2d(x, (2, 1))
        x = x.permute(0, 3, 2, 1) if damage == "width first" else x.permute(0, 2, 3, 1) if damage == "last" else x
        x = functional.relu(self.hidden(x.flatten(1)))
        x = self.drop(x) if damage == "dropout" else x
        x = self.head(x)
        if damage == "no softmax":
            return x
        return torch.sigmoid(x) if damage == "sigmoid" else torch.softmax(x, -1)


#: Damage, where it is named, and words that the difference has.
FOUND: list[tuple[str, str, str]] = [
    ("epsilon", "norm1", "epsilon"),
    ("padding", "first", "padding"),
    ("border", "down", "padding"),
    ("stride", "down", "stride"),
    ("no softmax", "head -> output 1", "softmax"),
    ("sigmoid", "head -> output 1", "sigmoid"),
    ("norm behind", "norm2", "what happens on the way"),
    ("activation", "norm1 -> first", "leaky_relu"),
    ("average", "down -> hidden", "avg_pool"),
]
#: Damage that leaves layers without a twin or a sum without its parts, and what must be said.
WIRING = [("no residual", "down"), ("subtracted", "down")]
#: What looks like damage and is none: weights go where they are used, and a Dropout does nothing when a network is used.
HARMLESS = ["", "swapped", "dropout", "last", "width first"]


def grafted(damage: str, *, train: bool = False) -> Graft:
    module = Net(damage)
    module.train(train)
    return graft(FILE, module, torch.from_numpy(np.random.default_rng(1).standard_normal(EXAMPLE)).float())


@pytest.mark.parametrize(("damage", "where", "words"), FOUND, ids=[case[0] for case in FOUND])
def test_damage_is_found_and_named(damage: str, where: str, words: str) -> None:
    result = grafted(damage)
    assert not result.equal
    told = [str(difference) for difference in result.grafting.differences]
    assert any(where in difference and words in difference for difference in told), told


@pytest.mark.parametrize(("damage", "where"), WIRING, ids=[case[0] for case in WIRING])
def test_wiring_that_differs_is_named(damage: str, where: str) -> None:
    result = grafted(damage)
    assert not result.equal
    told = [str(difference) for difference in result.grafting.differences] + list(result.problems)
    first = result.comparison.first.pair.target if result.comparison and result.comparison.first else ""
    assert first == where or any(where in line for line in told), (first, told)


@pytest.mark.parametrize("damage", HARMLESS)
@pytest.mark.parametrize("train", [False, True], ids=["evaluation mode", "train mode"])
def test_what_is_no_damage_is_not_called_one(damage: str, train: bool) -> None:
    result = grafted(damage, train=train)
    assert result.problems == ()
    assert result.equal
    assert result.grafting.differences == ()
    assert result.module.training is train


class Exchanged(Net):
    """The two convolutions of one shape under the names that they have in Keras, called in the other order."""

    def __init__(self, damage: str) -> None:
        super().__init__(damage)
        self.conv2d, self.residual_conv = self._modules.pop("first"), self._modules.pop("second")

    @property
    def first(self) -> Any:
        return self.conv2d

    @property
    def second(self) -> Any:
        return self.residual_conv


@pytest.mark.parametrize(("damage", "told"), [("swapped", True), ("", False)])
def test_two_layers_of_one_shape_that_are_exchanged_are_named(damage: str, told: bool) -> None:
    result = graft(FILE, Exchanged(damage), torch.ones(EXAMPLE))
    assert result.equal
    said = [note for note in result.notes if "names say otherwise" in note]
    assert bool(said) is told
    assert all("conv2d -> residual_conv, residual_conv -> conv2d" in note for note in said) or not told


@pytest.mark.parametrize(("slope", "found"), [(0.3, True), (0.01, False)])
def test_another_slope_is_named(slope: float, found: bool) -> None:
    def net(negative: float) -> nn.Module:
        return nn.Sequential(nn.Linear(3, 5), nn.LeakyReLU(negative), nn.Linear(5, 2)).double()

    example: list[Any] = [torch.ones(2, 3, dtype=torch.float64)]
    ours, theirs = net(0.01), net(slope)
    state = {key: value.numpy() for key, value in ours.state_dict().items()}
    told = list(map(str, onto(side(ours, example), side(theirs, example), state).differences))
    assert bool(told) is found
    assert all("0 -> 2" in line and "0.3" in line and "0.01" in line for line in told)
