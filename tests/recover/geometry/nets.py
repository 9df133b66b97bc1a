"""Small drafts, written as lists of layers, with files that hold arrays of the right shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.recover.draft import Draft
from regraft.recover.part import Grouping
from regraft.weights import Group, Variable, WeightTree

Row = tuple  # (name, type, settings, arrays by variable name, inputs)


def variable(layer: str, name: str, array: np.ndarray) -> Variable:
    return Variable(f"/{layer}/{name}", f"{layer}/{name}:0", array.shape, "float32", lambda: array)


def draft(rows: Sequence[Row], *, complete: bool = True, version: str = "2.3.1") -> Draft:
    """
    A draft of rows ``(name, type, settings, arrays)``; each takes the output of the row before.

    A fifth item names other inputs; arrays are given as shapes or as arrays.
    """
    layers: list[LayerSpec] = []
    calls: list[Call] = []
    groups: list[Group] = []
    inputs: list[TensorRef] = []
    for name, kind, settings, arrays, *sources in rows:
        layers.append(LayerSpec(name, kind, dict(settings)))
        groups.append(Group(name, name, f"/{name}", tuple(stored(name, arrays))))
        if kind == "InputLayer":
            inputs.append(TensorRef(name))
        else:
            taken = sources[0] if sources else [layers[-2].name]
            calls.append(Call(name, tuple(map(TensorRef, taken))))
    used = {ref.layer for call in calls for ref in call.inputs}
    outputs = tuple(TensorRef(spec.name) for spec in layers if spec.name not in used)
    blueprint = Blueprint("net", tuple(layers), tuple(calls), tuple(inputs), outputs)
    tree = WeightTree("net.h5", "keras-2", tuple(groups), "layer_names", version, "tensorflow")
    return Draft(Grouping(tree, (), complete=complete), blueprint)


def stored(layer: str, arrays: Mapping[str, object]) -> list[Variable]:
    return [
        variable(layer, name, a if isinstance(a, np.ndarray) else np.zeros(a, np.float32)) for name, a in arrays.items()
    ]


def conv(name: str, side: int, cin: int, cout: int, *sources: list[str]) -> Row:
    settings = {"filters": cout, "kernel_size": (side, side), "use_bias": False}
    return (name, "Conv2D", settings, {"kernel": (side, side, cin, cout)}, *sources)


def dense(name: str, rows: int, units: int) -> Row:
    return (name, "Dense", {"units": units, "use_bias": False}, {"kernel": (rows, units)})


def lstm(name: str, features: int, units: int) -> Row:
    arrays = {"kernel": (features, 4 * units), "recurrent_kernel": (units, 4 * units)}
    return (name, "LSTM", {"units": units, "use_bias": False}, arrays)


def plain(name: str, kind: str, *sources: list[str], **settings: object) -> Row:
    return (name, kind, settings, {}, *sources)


def norm(name: str, channels: int) -> Row:
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return (name, "BatchNormalization", {}, dict.fromkeys(names, (channels,)))


def setting(found: Draft, subject: str) -> object:
    """One setting of a draft: ``conv.padding``, ``around.layer.units``."""
    layer, *keys = subject.split(".")
    value: object = found.blueprint.by_name[layer]
    for key in keys:
        assert isinstance(value, LayerSpec)
        value = value.config[key]
    return value
