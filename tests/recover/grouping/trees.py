"""Weight trees made by hand, for the tests of grouping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from regraft.weights import Group, Variable, WeightTree

Arrays = Mapping[str, tuple[int, ...] | np.ndarray]


def variable(path: str, name: str, held: tuple[int, ...] | np.ndarray) -> Variable:
    """A variable of a shape, filled with zeros, or with the given values."""
    if isinstance(held, np.ndarray):
        return Variable(path, name, held.shape, held.dtype.name, lambda: held)
    return Variable(path, name, held, "float32", lambda: np.zeros(held, "f4"))


def legacy(layers: Mapping[str, Arrays], version: str = "2.3.1", dialect: str = "keras-2") -> WeightTree:
    """An older file: layers by name, their arrays by full name."""
    groups = tuple(
        Group(key, key, f"/{key}", tuple(variable(f"/{key}/{name}", name, held) for name, held in arrays.items()))
        for key, arrays in layers.items()
    )
    return WeightTree("hand.h5", dialect, groups, "layer_names", version)  # type: ignore[arg-type]


def group(
    key: str, *held: tuple[int, ...] | np.ndarray, name: str = "", path: str = "/layers", below: Sequence[Group] = ()
) -> Group:
    """A group of the newer layout."""
    own = f"{path}/{key}"
    variables = tuple(variable(f"{own}/vars/{i}", str(i), h) for i, h in enumerate(held))
    return Group(key, name, own, variables, tuple(below))


def newer(*groups: Group, source: str = "heap", dialect: str = "keras-3", notes: tuple[str, ...] = ()) -> WeightTree:
    """A file of the newer layout."""
    return WeightTree("hand.weights.h5", dialect, groups, source, notes=notes)  # type: ignore[arg-type]
