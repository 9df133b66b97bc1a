"""ReLU overwrites its input where nothing else reads it, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.emit.toy import dense_bound, graph
from tests.twin import loaded

from regraft.blueprint import Blueprint, TensorRef
from regraft.emit.module import Module, emit
from regraft.layers import Layer
from regraft.layers.activation_layers import ReLU
from regraft.layers.activations import Activation
from regraft.layers.binding import Binding
from regraft.layers.dense import Dense
from regraft.layers.merging import Add, Multiply
from regraft.layers.regularization import Dropout

WIDTH = 5
IN_PLACE = "inplace=True"


def dense(activation: str = "linear") -> Layer:
    return Dense(units=WIDTH, activation=activation)


def emitted(layers: dict[str, tuple[Layer, list[str]]], output: str) -> tuple[Blueprint, Module]:
    blueprint = graph(layers, output, WIDTH)
    wide = {name: dense_bound(name, WIDTH, WIDTH) for name, (layer, _) in layers.items() if isinstance(layer, Dense)}
    return blueprint, emit(blueprint, Binding(wide), "toy.h5")


def relu(after: str) -> dict[str, tuple[Layer, list[str]]]:
    return {"relu": (Activation(activation="relu"), [after])}


CASES: dict[str, tuple[dict[str, tuple[Layer, list[str]]], str, bool]] = {
    "behind a layer": ({"a": (dense(), ["features"]), **relu("a")}, "relu", True),
    "ReLU6": ({"a": (dense(), ["features"]), "relu": (ReLU(max_value=6.0), ["a"])}, "relu", True),
    "behind a sum": (
        {"a": (dense(), ["features"]), "sum": (Add(), ["a", "features"]), **relu("sum")},
        "relu",
        True,
    ),
    "the input itself": (relu("features"), "relu", False),
    "read again later": (
        {"a": (dense(), ["features"]), **relu("a"), "sum": (Add(), ["a", "relu"])},
        "sum",
        False,
    ),
    "read by a name": (
        {
            "a": (dense(), ["features"]),
            "same": (Activation(activation="linear"), ["a"]),
            **relu("same"),
            "b": (Add(), ["a", "relu"]),
        },
        "b",
        False,
    ),
    "behind a product": ({"m": (Multiply(), ["features", "features"]), **relu("m")}, "relu", False),
    "behind another activation": ({"a": (dense("sigmoid"), ["features"]), **relu("a")}, "relu", False),
    "behind a dropout": ({"d": (Dropout(rate=0.5), ["features"]), **relu("d")}, "relu", False),
    "another function": ({"a": (dense(), ["features"]), "t": (Activation(activation="tanh"), ["a"])}, "t", False),
}


@pytest.mark.parametrize("name", CASES)
def test_where(name: str) -> None:
    layers, output, expected = CASES[name]
    source = emitted(layers, output)[1].source
    assert (IN_PLACE in source) == expected, source


def test_not_where_the_model_returns_the_tensor() -> None:
    blueprint, _ = emitted(*CASES["behind a layer"][:2])
    both = replace(blueprint, outputs=(TensorRef("a"), TensorRef("relu")))
    assert IN_PLACE not in emit(both, Binding({"a": dense_bound("a", WIDTH, WIDTH)}), "toy.h5").source


@pytest.mark.parametrize("name", CASES)
def test_results_and_gradients_stay(name: str) -> None:
    layers, output, _ = CASES[name]
    module = emitted(layers, output)[1]
    plain = Module(
        module.source.replace(f", {IN_PLACE}", ""), *[getattr(module, f) for f in list(module.__dataclass_fields__)[1:]]
    )
    found = []
    for version in (module, plain):
        model: Any = loaded(version).train()
        x = torch.from_numpy(np.random.default_rng(1).standard_normal((7, WIDTH))).requires_grad_()
        torch.manual_seed(4)
        result = model(x)
        result.square().sum().backward()
        found.append((result, x.grad, *(p.grad for p in model.parameters())))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_the_input_of_the_user_is_not_touched() -> None:
    for layers, output, _ in CASES.values():
        x = torch.linspace(-1, 1, 2 * WIDTH, dtype=torch.float64).reshape(2, WIDTH)
        before = x.clone()
        loaded(emitted(layers, output)[1])(x)
        assert torch.equal(x, before)
