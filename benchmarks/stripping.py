"""
A file with its architecture becomes one without, at four levels of what is left.

    named     legacy weights-only HDF5: the names of all layers in order, the roles of the arrays
    classed   Keras 3 ``.weights.h5``: the class of every layer, the order in the heap, the names of layers
    ordered   ``.npz``: the list that ``get_weights()`` of Keras 3 gives, ``arr_0``, ``arr_1``, ...
    shuffled  ``.npz``: the same list in an order drawn at random, with a seed fixed by the file's name
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import h5py
import numpy as np

from regraft.blueprint import Blueprint, LayerSpec
from regraft.layers.base import Layer, Weight, build
from regraft.layers.binding import Binding, Bound, inner_binding
from regraft.layers.matching import group_keys
from regraft.layers.naming import snake_case
from regraft.weights import WeightTree

Level = Literal["named", "classed", "ordered", "shuffled"]
LEVELS: tuple[Level, ...] = get_args(Level)
#: Keras splits a list of names that is longer than this many bytes.
HEADER_LIMIT = 64512
KERAS_VERSION = "3.15.1"


@dataclass(frozen=True)
class Original:
    """A file with its architecture, and the stored arrays of every layer."""

    file: Path
    tree: WeightTree
    blueprint: Blueprint
    binding: Binding


def strip(original: Original, level: Level, folder: Path) -> Path:
    """Write the file without its architecture; the name says nothing."""
    if level == "named":
        out = folder / "weights.h5"
        if legacy(original):
            copy_legacy(original.file, out)
        else:
            write_legacy(original.blueprint, original.binding, out)
        return out
    if level == "classed":
        out = folder / "stripped.weights.h5"
        write_classed(original.blueprint, original.binding, out)
        return out
    arrays = [bound.read() for _, bound in in_order(original.blueprint, original.binding)]
    if level == "shuffled":
        rng = np.random.default_rng(zlib.crc32(original.file.name.encode()))
        arrays = [arrays[i] for i in rng.permutation(len(arrays))]
    out = folder / "weights.npz"
    np.savez(out, *arrays)
    return out


def in_order(blueprint: Blueprint, binding: Binding) -> Iterator[tuple[str, Bound]]:
    """Every variable with its path, ``encoder/conv2d/kernel``, in the order of ``get_weights()`` in Keras 3."""
    for spec in blueprint.layers:
        yield from of_layer(spec, binding.layers.get(spec.name, {}), spec.name)


def of_layer(spec: LayerSpec, bound: Mapping[str, Bound], path: str) -> Iterator[tuple[str, Bound]]:
    """The variables of one layer: those of nested models layer by layer, else those that are trained first."""
    inner = inner_model(spec)
    if inner is not None:
        for below in inner.layers:
            yield from of_layer(below, inner_binding(bound, below.name), f"{path}/{below.name}")
        return
    weights = build(spec).variables()
    for weight in sorted(weights, key=lambda w: not w.trainable) if flat(weights) else weights:
        yield f"{path}/{weight.name}", bound[weight.name]


def flat(weights: tuple[Weight, ...]) -> bool:
    """Whether all variables belong to the layer itself; else each part has its trained ones first."""
    return len({w.path for w in weights}) == 1


def inner_model(spec: LayerSpec) -> Blueprint | None:
    """The model that a layer is."""
    inner = spec.config.get("blueprint")
    return inner if spec.type == "Functional" and isinstance(inner, Blueprint) else None


# ---- named


def legacy(original: Original) -> bool:
    """Whether the file itself is a legacy one, so that what ``save_weights`` wrote is in it."""
    return original.tree.dialect in ("keras-0", "keras-1", "keras-2")


def copy_legacy(file: Path, out: Path) -> None:
    """The group ``model_weights`` of a whole model, with its attributes, as a file of its own."""
    with h5py.File(file, "r") as source, h5py.File(out, "w") as target:
        weights = source.get("model_weights", source)
        assert isinstance(weights, h5py.Group)
        for name in weights:
            weights.copy(name, target)
        for name, value in weights.attrs.items():
            target.attrs[name] = value


def write_legacy(blueprint: Blueprint, binding: Binding, out: Path) -> None:
    """What ``model.save`` of Keras 3 puts in ``model_weights`` of an ``.h5``: groups sorted by name."""
    layers = [s for s in blueprint.layers if not (blueprint.sequential and s.type == "InputLayer")]
    with h5py.File(out, "w") as file:
        write_names(file, "layer_names", [spec.name for spec in layers])
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = KERAS_VERSION.encode()
        for spec in sorted(layers, key=lambda s: s.name):
            named = list(legacy_names(spec, binding.layers.get(spec.name, {})))
            # Everything that is trained comes first, also out of a nested model.
            named.sort(key=lambda item: not item[2])
            write_group(file.create_group(spec.name), [(name, bound) for name, bound, _ in named])
        write_group(file.create_group("top_level_model_weights"), [])


def write_group(group: h5py.Group, named: list[tuple[str, Bound]]) -> None:
    """Arrays under their names; one that is there already has a namesake in another layer of a nested model."""
    write_names(group, "weight_names", [name for name, _ in named])
    for name, bound in named:
        group.create_dataset(name, data=bound.read())


def write_names(group: h5py.Group, attribute: str, names: list[str]) -> None:
    """A list of names as an attribute, in as many pieces as it takes."""
    array = np.asarray([name.encode() for name in names])
    pieces = 1
    while any(piece.nbytes > HEADER_LIMIT for piece in np.array_split(array, pieces)):
        pieces += 1
    if pieces == 1:
        group.attrs[attribute] = [name.encode() for name in names]
    else:
        for number, piece in enumerate(np.array_split(array, pieces)):
            group.attrs[f"{attribute}{number}"] = piece


def legacy_names(
    spec: LayerSpec, bound: Mapping[str, Bound], *, trainable: bool = True
) -> Iterator[tuple[str, Bound, bool]]:
    """The name that each variable of a layer bears in Keras 3, ``forward_lstm/lstm_cell/kernel``; is it trained."""
    trainable = trainable and spec.trainable
    inner = inner_model(spec)
    if inner is not None:
        for below in inner.layers:
            yield from legacy_names(below, inner_binding(bound, below.name), trainable=trainable)
        return
    for weight in build(spec).variables():
        yield keras_path(spec, weight), bound[weight.name], weight.trainable and trainable


def keras_path(spec: LayerSpec, weight: Weight) -> str:
    """``Variable.path`` of Keras 3."""
    wrapped = spec.config.get("layer")
    part, _, name = weight.name.rpartition("/")
    if isinstance(wrapped, LayerSpec) and spec.type == "Bidirectional":
        return f"{direction_name(part, wrapped)}/{cell_name(wrapped)}/{name}"
    if isinstance(wrapped, LayerSpec):
        return keras_path(wrapped, weight)
    cell = spec.config.get("cell")
    if isinstance(cell, LayerSpec):
        cells = cell.config.get("cells")
        named = cells[int(part)] if isinstance(cells, tuple) else None
        return f"{named.name if isinstance(named, LayerSpec) else cell.name}/{name}"
    if spec.type in ("LSTM", "GRU", "SimpleRNN"):
        return f"{spec.name}/{cell_name(spec)}/{name}"
    return "/".join(step for step in (spec.name, part, name) if step)


def direction_name(part: str, wrapped: LayerSpec) -> str:
    """The name of one direction; a config written by Keras 3 has the wrapped layer as ``forward_lstm``."""
    return f"{part}_{wrapped.name.removeprefix('forward_')}"


def cell_name(spec: LayerSpec) -> str:
    """The name of the cell that a recurrent layer makes: its class in snake case."""
    return f"{snake_case(spec.type)}_cell"


# ---- classed


def write_classed(blueprint: Blueprint, binding: Binding, out: Path) -> None:
    """What ``save_weights`` of Keras 3.15 writes; groups are made in the order of the layers, which the heap keeps."""
    with h5py.File(out, "w") as file:
        file.create_group("vars").attrs["name"] = blueprint.name
        write_layers(file, blueprint, binding.layers)


def write_layers(group: h5py.Group, blueprint: Blueprint, bound: Mapping[str, Mapping[str, Bound]]) -> None:
    """All layers of a model below ``layers``."""
    keys = group_keys(blueprint)
    for spec in blueprint.layers:
        if spec.name in keys:
            write_layer(group, f"layers/{keys[spec.name]}", spec, bound.get(spec.name, {}))


def write_layer(group: h5py.Group, path: str, spec: LayerSpec, bound: Mapping[str, Bound]) -> None:
    """One layer: its own variables, then what is inside, by attribute name, those with an underscore last."""
    own = make(group, path, spec.name)
    inner = inner_model(spec)
    if inner is not None:
        below = group[path]
        assert isinstance(below, h5py.Group)
        write_layers(below, inner, {s.name: inner_binding(bound, s.name) for s in inner.layers})
        return
    layer = build(spec)
    wrapped = spec.config.get("layer")
    weights = sorted(layer.variables(), key=lambda w: not w.trainable)
    if isinstance(wrapped, LayerSpec) and spec.type != "Bidirectional":
        stripped = {w.name: bound[w.name] for w in weights}
        write_layer(group, f"{path}/layer", wrapped, stripped)
        return
    steps: dict[tuple[str, ...], tuple[str, ...]] = {tuple(s.split("|")[0] for s in w.path): w.path for w in weights}
    if not steps and has_cell(layer):
        steps = {("cell",): ("cell",)}
    for at in sorted(steps, key=walking_order):
        target = own if not at else with_parents(group, path, at, spec)
        counts: Counter[str] = Counter()
        for weight in weights:
            if weight.path == steps[at]:
                key = weight.index or str(counts[""])
                counts[""] += 1
                target[key] = bound[weight.name].read()


def walking_order(steps: tuple[str, ...]) -> tuple[tuple[bool, str], ...]:
    """Keras walks through attributes by name, those with an underscore last, and through a list as it stands."""
    named = steps[: steps.index("cells")] if "cells" in steps else steps
    return tuple((step.startswith("_"), step) for step in named)


def with_parents(group: h5py.Group, path: str, steps: tuple[str, ...], spec: LayerSpec) -> h5py.Group:
    """The ``vars`` below some parts of a layer; each part on the way has one too, with its name."""
    target: h5py.Group | None = None
    for depth, step in enumerate(steps, 1):
        at = "/".join((path, *steps[:depth]))
        if f"{at}/vars" in group:
            found = group[f"{at}/vars"]
            assert isinstance(found, h5py.Group)
            target = found
        elif step == "cells":
            continue
        else:
            target = make(group, at, part_name(step, spec))
    assert target is not None
    return target


def part_name(step: str, spec: LayerSpec) -> str:
    """The name Keras gives to a part: ``forward_lstm``, ``lstm_cell``, ``query``."""
    wrapped = spec.config.get("layer")
    inner = wrapped if isinstance(wrapped, LayerSpec) else spec
    if step in ("forward_layer", "backward_layer"):
        return direction_name(step.removesuffix("_layer"), inner)
    if step == "cell":
        cell = inner.config.get("cell")
        return cell.name if isinstance(cell, LayerSpec) else cell_name(inner)
    return step.removesuffix("_dense")


def has_cell(layer: Layer) -> bool:
    """Whether the variables of a layer, if it had any, would lie in a cell."""
    return any(w.path == ("cell",) for w in layer.weights)


def make(group: h5py.Group, path: str, name: str) -> h5py.Group:
    """A group with its ``vars``, which bears the name."""
    own = group.create_group(path).create_group("vars")
    own.attrs["name"] = name
    return own
