"""ReLU and sums overwrite an input where nothing else reads it, and nowhere else."""

from __future__ import annotations

import re
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


#: Layers, output, and whether the sum overwrites one of its terms.
SUMS: dict[str, tuple[dict[str, tuple[Layer, list[str]]], str, bool]] = {
    "a layer's result and the input": (
        {"a": (dense(), ["features"]), "sum": (Add(), ["features", "a"])},
        "sum",
        True,
    ),
    "two inputs": ({"sum": (Add(), ["features", "features"])}, "sum", False),
    "a term that is read again": (
        {"a": (dense(), ["features"]), "sum": (Add(), ["features", "a"]), "b": (Multiply(), ["a", "sum"])},
        "b",
        False,
    ),
    "an activation that keeps its result for the gradient": (
        {"a": (dense("sigmoid"), ["features"]), "sum": (Add(), ["features", "a"])},
        "sum",
        False,
    ),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums(name: str) -> None:
    layers, output, expected = SUMS[name]
    module = emitted(layers, output)[1]
    assert (" += " in module.source) == expected, module.source
    apart = re.sub(r"(\w+) \+= (\w+)", r"\1 = \2 + \1", module.source)
    plain = Module(apart, *[getattr(module, f) for f in list(module.__dataclass_fields__)[1:]])
    found = []
    for version in (module, plain):
        model: Any = loaded(version).train()
        x = torch.linspace(-2, 1, 3 * WIDTH, dtype=torch.float64).reshape(3, WIDTH).requires_grad_()
        before = x.detach().clone()
        result = model(x)
        result.square().sum().backward()
        assert torch.equal(x, before)
        found.append((result, x.grad, *(p.grad for p in model.parameters())))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_a_narrower_term_is_not_overwritten() -> None:
    """A sum that broadcasts has another shape than its narrow term."""
    layers: dict[str, tuple[Layer, list[str]]] = {
        "a": (Dense(units=1), ["features"]),
        "sum": (Add(), ["features", "a"]),
    }
    blueprint = graph(layers, "sum", WIDTH)
    source = emit(blueprint, Binding({"a": dense_bound("a", WIDTH, 1)}), "toy.h5").source
    assert " += " not in source, source


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
