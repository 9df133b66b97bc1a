"""Nodes that the wiring does not tell apart: the functions around them do, as far as no mistake is nearer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from regraft.graft.matching import match
from regraft.graft.network import network_of
from regraft.graft.surroundings import FARTHEST, Surroundings
from regraft.graft.trace import trace

Function = Callable[[Tensor], Tensor]


class Gate(nn.Module):
    """Two chains of one shape, with a function in the middle and one at the end of each; what they make is multiplied."""

    def __init__(self, names: str, ends: tuple[Function, Function], *, softmax: bool = True) -> None:
        super().__init__()
        for name in names.split():
            self.add_module(name, nn.Linear(5, 5))
        self.names, self.ends, self.softmax = names.split(), ends, softmax

    def forward(self, x: Tensor) -> Tensor:
        a, b, c, d, head = (self.get_submodule(name) for name in self.names)
        left, right = self.ends
        y = head(left(c(torch.relu(a(x)))) * right(d(torch.relu(b(x)))))
        return y.softmax(-1) if self.softmax else y


def pairs(source: nn.Module, target: nn.Module) -> tuple[dict[str, str], set[str]]:
    left, right = (network_of(trace(module, [torch.ones(2, 5)])) for module in (source, target))
    found = match(left, right)
    named = {right.nodes[i].name: left.nodes[j].name for i, j in found.pairs.items() if right.nodes[i].unit}
    return named, {reason for _, reason in found.ties}


KERAS = Gate("a b c d head", (torch.tanh, torch.sigmoid))


@pytest.mark.parametrize("softmax", [True, False], ids=["all else right", "with a mistake farther away"])
def test_the_functions_decide(softmax: bool) -> None:
    named, reasons = pairs(KERAS, Gate("m0 m1 m2 m3 m4", (torch.sigmoid, torch.tanh), softmax=softmax))
    assert named == {"m0": "b", "m1": "a", "m2": "d", "m3": "c", "m4": "head"}
    assert reasons == {"the functions around them"}


def test_functions_count_for_more_than_names() -> None:
    named, _ = pairs(KERAS, Gate("a b c d head", (torch.sigmoid, torch.tanh)))
    assert named == {"a": "b", "b": "a", "c": "d", "d": "c", "head": "head"}


def test_where_the_functions_are_the_same_the_names_decide() -> None:
    source = Gate("first second third fourth head", (torch.tanh, torch.tanh))
    named, reasons = pairs(source, Gate("second first fourth third head", (torch.tanh, torch.tanh)))
    assert named == {name: name for name in ("first", "second", "third", "fourth", "head")}
    assert reasons == {"their names"}


def test_how_far_two_nodes_are_alike() -> None:
    left, right = (
        network_of(trace(m, [torch.ones(2, 5)])) for m in (KERAS, Gate("a b c d head", (torch.sigmoid, torch.sigmoid)))
    )
    around = Surroundings(left, left)
    place = {node.name: i for i, node in enumerate(left.nodes)}
    assert around.depth(place["a"], place["a"]) == (FARTHEST, FARTHEST)
    assert around.depth(place["c"], place["d"]) == (1, 1), "what follows at once differs"
    assert around.depth(place["a"], place["b"]) == (2, 2), "what follows after that differs"
    assert around.depth(place["a"], place["head"]) == (1, 1)
    assert Surroundings(left, right).depth(place["c"], place["d"]) == (1, 1)


def test_settings_decide_where_the_functions_are_the_same() -> None:
    """Kernels of one shape, one of them dilated."""
    source, target = Dilated("near far", (1, 2)), Dilated("m0 m1", (2, 1))
    left, right = (network_of(trace(module, [torch.ones(2, 3, 9, 8)])) for module in (source, target))
    found = match(left, right)
    named = {right.nodes[i].name: left.nodes[j].name for i, j in found.pairs.items() if right.nodes[i].unit}
    assert named == {"m0": "far", "m1": "near"}
    around = Surroundings(left, right)
    assert around.depth(1, 1)[0] > around.depth(1, 1)[1] == 0
    assert around.depth(1, 2) == (FARTHEST, FARTHEST)


class Dilated(nn.Module):
    """Two convolutions of one shape on one input, added."""

    def __init__(self, names: str, dilations: tuple[int, int]) -> None:
        super().__init__()
        self.names = names.split()
        for name, dilation in zip(self.names, dilations, strict=True):
            self.add_module(name, nn.Conv2d(3, 4, 3, padding=dilation, dilation=dilation))

    def forward(self, x: Tensor) -> Tensor:
        first, second = (self.get_submodule(name) for name in self.names)
        return first(x) + second(x)
