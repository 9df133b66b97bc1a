"""Small blueprints with invented variables, for tests of the emitter that need no file and no Keras."""

from __future__ import annotations

import numpy as np

from regraft.blueprint import Blueprint, Call, TensorRef
from regraft.emit.module import Module, emit
from regraft.layers import Layer, spec_of
from regraft.layers.activations import Activation
from regraft.layers.binding import Binding, Bound
from regraft.layers.dense import Dense
from regraft.layers.inputs import InputLayer
from regraft.layers.merging import Add
from regraft.weights import Variable


def variable(name: str, *shape: int) -> Variable:
    """A variable whose data depends on its name only."""
    seed = sum(name.encode())
    return Variable(
        f"/{name}", name, shape, "float32", lambda: np.random.default_rng(seed).standard_normal(shape).astype("float32")
    )


def dense_bound(name: str, cin: int, units: int) -> dict[str, Bound]:
    """Kernel and bias of a Dense layer."""
    kernel, bias = variable(f"{name}/kernel", cin, units), variable(f"{name}/bias", units)
    return {"kernel": Bound((kernel,), (), kernel.shape), "bias": Bound((bias,), (), bias.shape)}


def graph(layers: dict[str, tuple[Layer, list[str]]], output: str, width: int) -> Blueprint:
    """A functional model with one input named ``features``; every layer is called once."""
    specs = [spec_of("features", InputLayer(batch_shape=(None, width)))]
    specs += [spec_of(name, layer) for name, (layer, _) in layers.items()]
    calls = tuple(Call(name, tuple(TensorRef(i) for i in inputs)) for name, (_, inputs) in layers.items())
    blueprint = Blueprint("toy", tuple(specs), calls, (TensorRef("features"),), (TensorRef(output),))
    blueprint.check()
    return blueprint


def emitted(blueprint: Blueprint, widths: dict[str, tuple[int, int]]) -> Module:
    """The emitted module; ``widths`` are ``(cin, units)`` of the Dense layers."""
    return emit(blueprint, Binding({name: dense_bound(name, *w) for name, w in widths.items()}), "toy.h5")


def residual(
    blocks: int, widths: list[int], names: str = "block{b}_{part}"
) -> tuple[Blueprint, dict[str, tuple[int, int]]]:
    """``blocks`` residual blocks of two Dense layers, each with its own hidden width."""
    layers: dict[str, tuple[Layer, list[str]]] = {"stem": (Dense(units=6, activation="relu"), ["features"])}
    sizes = {"stem": (4, 6)}
    last = "stem"
    for b in range(1, blocks + 1):
        part = {p: names.format(b=b, part=p) for p in ("down", "up", "add", "out")}
        layers[part["down"]] = (Dense(units=widths[b - 1], activation="relu"), [last])
        layers[part["up"]] = (Dense(units=6), [part["down"]])
        layers[part["add"]] = (Add(), [last, part["up"]])
        layers[part["out"]] = (Activation(activation="relu"), [part["add"]])
        sizes[part["down"]], sizes[part["up"]] = (6, widths[b - 1]), (widths[b - 1], 6)
        last = part["out"]
    return graph(layers, last, 4), sizes
