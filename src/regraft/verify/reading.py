"""Our reading of the variables, for the oracle: fingerprints to compare with, or arrays to set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint
from regraft.layers.binding import Binding, Bound
from regraft.layout import Flip
from regraft.verify.steps import inner_model


def wanted(blueprint: Blueprint, binding: Binding) -> Iterator[tuple[str, str, Bound]]:
    """Layer, variable name and source of every variable of a blueprint; pruned layers have none."""
    for spec in blueprint.layers:
        for name, bound in binding.layers.get(spec.name, {}).items():
            if inner_model(spec) is None or belongs(blueprint, spec.name, name):
                yield spec.name, name, bound


def belongs(blueprint: Blueprint, layer: str, name: str) -> bool:
    """Whether a variable of a nested model, ``inner/kernel``, is one of a layer that is still there."""
    inner = inner_model(blueprint.by_name[layer])
    if inner is None:
        return True
    return any(name.startswith(f"{s.name}/") and belongs(inner, s.name, name[len(s.name) + 1 :]) for s in inner.layers)


def fingerprint(array: np.ndarray) -> str:
    """SHA-256 of an array's values in C order."""
    return hashlib.sha256(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).hexdigest()


def described(blueprint: Blueprint, binding: Binding, folder: Path | None = None) -> list[dict[str, Any]]:
    """
    One entry a variable: layer, name, shape, dtype and fingerprint; with ``folder`` also the array, as ``<n>.npy``.

    Every array is read once and let go.
    """
    entries: list[dict[str, Any]] = []
    for number, (layer, name, bound) in enumerate(wanted(blueprint, binding)):
        array = bound.read()
        entry: dict[str, Any] = {"layer": layer, "name": name, "shape": list(array.shape), "dtype": array.dtype.name}
        if folder is None:
            entry["sha256"] = fingerprint(array)
        else:
            np.save(folder / f"{number}.npy", array, allow_pickle=False)
            entry["file"] = f"{number}.npy"
        entries.append(entry)
    return entries


def write(blueprint: Blueprint, binding: Binding, folder: Path, *, arrays: bool) -> Path:
    """Write the entries as ``variables.json`` into ``folder``."""
    path = folder / "variables.json"
    path.write_text(json.dumps(described(blueprint, binding, folder if arrays else None)), encoding="utf-8")
    return path


def turned(binding: Binding) -> bool:
    """Whether kernels had to be turned by 180 degrees: Keras on TensorFlow would load them unturned."""
    return any(isinstance(move, Flip) for bound in values(binding.layers) for move in bound.moves)


def decoded(binding: Binding) -> bool:
    """Whether a variable is stored quantised, so that the plain layer cannot load it."""
    return any(source.stored for bound in values(binding.layers) for source in bound.sources)


def values(layers: Mapping[str, Mapping[str, Bound]]) -> Iterator[Bound]:
    """Every variable."""
    for variables in layers.values():
        yield from variables.values()
