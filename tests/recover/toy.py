"""A small chain of Dense layers, with variables that can be read."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from regraft.blueprint import Blueprint, Call, TensorRef
from regraft.layers import spec_of
from regraft.layers.dense import Dense
from regraft.layers.inputs import InputLayer
from regraft.recover.part import Grouping, Part
from regraft.weights import Group, Variable, WeightTree


def chain(*sizes: int) -> Blueprint:
    """``chain(4, 7, 3)``: four features, a Dense of 7 and one of 3, all linear."""
    names = ["dense" if i == 0 else f"dense_{i}" for i in range(len(sizes) - 1)]
    specs = [spec_of("features", InputLayer(batch_shape=(None, sizes[0])))]
    specs += [spec_of(name, Dense(units=size)) for name, size in zip(names, sizes[1:], strict=True)]
    before = ["features", *names]
    calls = tuple(Call(name, (TensorRef(source),)) for name, source in zip(names, before, strict=False))
    return Blueprint(
        "toy", tuple(specs), calls, (TensorRef("features"),), (TensorRef(names[-1]),), keras_version="2.4.0"
    )


def variable(path: str, array: np.ndarray) -> Variable:
    """An array as a stored variable."""
    return Variable(path, path.strip("/"), array.shape, str(array.dtype), lambda: array)


def dense_group(name: str, rows: int, columns: int, seed: int) -> Group:
    """Kernel and bias of a Dense."""
    rng = np.random.default_rng(seed)
    kernel = variable(f"/{name}/kernel:0", rng.standard_normal((rows, columns)).astype("float32"))
    bias = variable(f"/{name}/bias:0", rng.standard_normal(columns).astype("float32"))
    return Group(name, name, f"/{name}", (kernel, bias))


def tree(sizes: Sequence[int]) -> WeightTree:
    """The weights of ``chain(*sizes)``."""
    pairs = list(itertools.pairwise(sizes))
    groups = [dense_group("dense" if i == 0 else f"dense_{i}", *pair, seed=i) for i, pair in enumerate(pairs)]
    return WeightTree("toy.h5", "keras-2", tuple(groups), "layer_names", keras_version="2.4.0")


def grouping(blueprint: Blueprint) -> Grouping:
    """The weights of a chain as layers."""
    declared = blueprint.layers[0].config["batch_shape"]
    assert isinstance(declared, tuple)
    units = [spec.config["units"] for spec in blueprint.layers[1:]]
    found = tree([declared[1], *units])  # type: ignore[list-item]
    return Grouping(found, tuple(Part(group, "Dense") for group in found.layers))
