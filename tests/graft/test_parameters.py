"""The axes of parameters: as the run shows them, else as PyTorch's own classes have them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from regraft.graft.parameters import parameters
from regraft.graft.seeing import seen


class Own(nn.Module):
    """Six uses of parameters, most of them square."""

    def __init__(self) -> None:
        super().__init__()
        self.right = nn.Parameter(torch.zeros(4, 4))
        self.turned = nn.Parameter(torch.zeros(4, 6))
        self.linear = nn.Parameter(torch.zeros(4, 4))
        self.added = nn.Parameter(torch.zeros(4, 4))
        self.offset = nn.Parameter(torch.zeros(4))
        self.table = nn.Embedding(9, 4)
        self.scores = nn.Linear(4, 9, bias=False)
        self.scores.weight = self.table.weight
        self.never = nn.Linear(4, 4)
        self.register_buffer("ids", torch.arange(5))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.table(ids) @ self.right
        x = torch.nn.functional.linear(x, self.linear)
        x = torch.addmm(self.offset, x.reshape(-1, 4), self.added)
        return self.scores(x @ self.turned @ self.turned.t())


def test_axes() -> None:
    module = Own()
    run, why = seen(module, {"ids": torch.tensor([[1, 2, 3]])})
    assert why == ""
    found = {array.name: array for owner in parameters(module, run) for array in owner.arrays.values()}
    assert {name: array.axes for name, array in found.items()} == {
        "right": "cin cout",
        "turned": "",  # used both ways
        "linear": "cout cin",
        "added": "cin cout",
        "offset": "cout",
        "table.weight": "vocabulary embed",
        "never.weight": "cout cin",
        "never.bias": "cout",
    }
    assert found["table.weight"].again == ("scores.weight",)


def test_a_module_that_cannot_be_run() -> None:
    run, why = seen(Own(), (torch.zeros(2, 3),))
    assert run is None
    assert "Error" in why
    found = {array.name: array.axes for owner in parameters(Own(), run) for array in owner.arrays.values()}
    assert found["table.weight"] == "vocabulary embed"
    assert found["right"] == ""


def test_owners_have_names() -> None:
    module = nn.ModuleDict({"encoder": nn.Sequential(nn.Conv2d(3, 5, 2), nn.BatchNorm2d(5))})
    owners = {owner.name: owner for owner in parameters(module, None)}
    assert set(owners["encoder.1"].arrays) == {"weight", "bias", "running_mean", "running_var"}
    assert owners["encoder.0"].arrays["weight"].axes == "cout cin kh kw"


class Three(nn.Module):
    """A map whose result is reshaped before three parts are taken."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape, self.qkv = shape, nn.Linear(8, math.prod(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.qkv(x).reshape(*x.shape[:2], *self.shape)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((3, 2, 4), "blocks"),
        ((2, 3, 4), "by heads"),
        ((2, 12), "by heads"),
        ((3, 3, 4), ""),  # three heads: it could be either
        ((3, 2, 6), "blocks"),
        ((3, 8), "blocks"),
        ((3, 12), ""),  # the same: three heads, each with three of 4
        ((2, 4), ""),  # nothing is three
    ],
)
def test_how_three_parts_lie(shape: tuple[int, ...], kind: str) -> None:
    module = Three(shape)
    run, _ = seen(module, (torch.zeros(2, 5, 8),))
    (owner,) = parameters(module, run)
    assert owner.kind == kind


def test_parts_that_are_cut() -> None:
    class Cut(Three):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat(self.qkv(x).chunk(3, -1)[:2])

    module = Cut((24,))
    run, _ = seen(module, (torch.zeros(2, 5, 8),))
    assert parameters(module, run)[0].kind == "blocks"
