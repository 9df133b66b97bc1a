"""What a file is and holds, from names and shapes alone: no array is read, and nothing but numpy and h5py is needed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import regraft
from regraft.glance import configuration, glance, model_name, stated_types
from regraft.keras_classes import class_of, stem_of
from regraft.report.dialects import DIALECTS, ORDERS
from regraft.report.inspection import InspectedLayer, InspectedVariable, Inspection, TypeSource
from regraft.report.knowledge import knowledge, next_step
from regraft.weights import Group, Variable, WeightTree, identify, read

CONTAINERS = {
    "HDF5": "HDF5 file",
    "Keras archive": "Keras archive (.keras)",
    "Keras folder": "unpacked Keras archive (folder)",
    "sharded Keras weights": "sharded weights (.weights.json and its .h5 files)",
    "NumPy archive": "NumPy archive (.npz)",
}


def inspect(file: str | os.PathLike[str]) -> Inspection:
    """
    Say what a file is and what it holds, whole model or weights only, of any Keras.

    Args:
        file: ``.h5``, ``.hdf5``, ``.weights.h5``, ``.keras``, an unpacked ``.keras`` folder, a ``.weights.json``, or
            an ``.npz`` of arrays.

    Returns:
        Shapes in it are in Keras order, as stored; those of model inputs have the batch axis first.

    Raises:
        NotKerasError: The file is something else; ``kind`` says what, ``hint`` what to do.
        FileError: The file is missing, damaged or unsafe.
    """
    tree = read(file)
    container = CONTAINERS[identify(file).kind]
    config = configuration(tree)
    architecture = glance(config) if config is not None else None
    types = stated_types(config) if config is not None else {}
    named = all(group.name for group in tree.layers)
    known, unknown = knowledge(
        tree.dialect,
        tree.order_source,
        architecture=architecture,
        keras_version=tree.keras_version,
        backend=tree.backend,
        named=named,
    )
    step, command = next_step(tree.file, architecture)
    return Inspection(
        regraft=regraft.__version__,
        file=tree.file,
        bytes=size_of(Path(file)),
        container=container,
        kind="weights only" if config is None else "whole model",
        dialect=tree.dialect,
        layout=DIALECTS[tree.dialect],
        keras_version=tree.keras_version,
        backend=tree.backend,
        order_source=tree.order_source,
        order=ORDERS[tree.order_source],
        model_name=tree.model_name or model_name(config or {}),
        architecture=architecture,
        layers=tuple(inspected(group, tree, types) for group in tree.layers),
        own=tuple(variable(v, "", tree.dialect) for v in tree.own),
        variables=sum(1 for _ in tree.variables()),
        parameters=tree.parameter_count,
        ignored=tree.ignored,
        notes=tree.notes,
        known=known,
        unknown=unknown,
        next_step=step,
        next_command=command,
    )


def size_of(path: Path) -> int:
    """Bytes on disk; of a folder all its files, of a list of shards all that stand beside it under its name."""
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    shards = path.name.removesuffix(".weights.json")
    beside = path.parent.glob("*.weights.h5") if shards != path.name else ()
    return path.stat().st_size + sum(p.stat().st_size for p in beside if p.name.startswith(f"{shards}_"))


def inspected(group: Group, tree: WeightTree, types: Mapping[str, str]) -> InspectedLayer:
    """One layer with all arrays below it."""
    kind, source = type_of(group, tree, types)
    return InspectedLayer(
        key=group.key,
        name=group.name,
        path=group.path,
        type=kind,
        type_source=source,
        variables=tuple(variable(v, group.path, tree.dialect) for v in group.walk()),
        parameters=sum(v.size for v in group.walk()),
    )


def type_of(group: Group, tree: WeightTree, types: Mapping[str, str]) -> tuple[str, TypeSource]:
    """A layer's class, and how it is known."""
    if types.get(group.name):
        return types[group.name], "architecture"
    if tree.dialect == "keras-0":
        return "", ""
    stem = stem_of(group.key)
    found = class_of(stem)
    if tree.dialect in ("keras-3", "checkpoint-h5"):
        return (found or stem), "group name"
    return found, "default name" if found else ""


def variable(stored: Variable, group: str, dialect: str) -> InspectedVariable:
    """One array."""
    return InspectedVariable(
        stored.path, stored.name, label(stored, group, dialect), stored.shape, stored.dtype, stored.stored, stored.size
    )


def label(stored: Variable, group: str, dialect: str) -> str:
    """
    What an array is, as far as its name says: ``stem/kernel:0`` is a ``kernel``, ``dense_1_W`` a ``W``.

    In the newer layout it is the place below the layer's group, ``cell/0``.
    """
    if dialect in ("keras-3", "checkpoint-h5"):
        below = stored.path.removeprefix(f"{group}/").split("/")
        return "/".join(step for step in below if step != "vars")
    layer = group.rpartition("/")[2]
    name = stored.name.removesuffix(":0")
    for joint in ("/", "_"):
        name = name.removeprefix(layer + joint)
    return name
