"""Any Keras weights file to a weight tree."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from regraft.errors import FileError, NotKerasError, quote
from regraft.weights import archive, sniff
from regraft.weights.legacy import OPTIMIZER, read_legacy
from regraft.weights.limits import Limits
from regraft.weights.npz import read_npz
from regraft.weights.quantized import assumed_note
from regraft.weights.safe_h5 import SafeFile
from regraft.weights.saving_lib import NOT_WEIGHTS, read_saving_lib
from regraft.weights.sharded import Shards, shard_listing
from regraft.weights.source import Source
from regraft.weights.tree import WeightTree

SKIPPED = (OPTIMIZER, *NOT_WEIGHTS)
SHOWN_NAMES = 8


def read(path: str | os.PathLike[str], *, limits: Limits = Limits()) -> WeightTree:
    """
    Read a Keras weights file: names, shapes and types at once, data when ``Variable.read`` is called.

    Args:
        path: ``.h5``, ``.hdf5``, ``.weights.h5``, ``.keras``, its unpacked folder, or ``.weights.json`` of a
            sharded model, or ``.npz`` with a list of arrays. The content decides, not the name.
        limits: Bounds on what the file may ask for.

    Returns:
        The weight tree. The file stays open until the tree and its variables are gone.

    Raises:
        NotKerasError: The file is something else; ``kind`` says what.
        UnsafeFileError: The file holds a construct that Keras never writes.
        FileError: The file is damaged or missing.
        ConfigError: The architecture inside is no bounded JSON.
    """
    path = Path(path)
    kind = sniff.identify(path)
    if not kind.readable:
        raise NotKerasError(path, kind.kind, kind.reason, hint=kind.hint)
    if kind is sniff.ARRAYS:
        return read_npz(path, limits)
    if kind is sniff.SHARDED:
        tree = _tree(Shards(path, limits, SKIPPED), limits)
        return replace(tree, order_source="weight_map") if tree.order_source == "heap" else tree
    if kind is sniff.HDF5:
        listing = shard_listing(path)
        if listing is not None:
            raise FileError(
                path, "this is only one shard of a model.", hint=f"Give the list of all shards, {quote(listing.name)}."
            )
        return _tree(SafeFile.open(path, limits, SKIPPED), limits)
    package = archive.open_folder(path, limits) if kind is sniff.FOLDER else archive.open_archive(path, limits)
    tree = _tree(SafeFile(str(path), package.weights, limits, SKIPPED), limits)
    return replace(
        tree,
        config=package.config or tree.config,
        keras_version=package.keras_version or tree.keras_version,
        ignored=(*package.ignored, *tree.ignored),
        notes=(*package.notes, *tree.notes),
    )


def _tree(file: Source, limits: Limits) -> WeightTree:
    tree = read_legacy(file, limits) or read_saving_lib(file)
    if tree is not None:
        note = assumed_note(tree.variables())
        return replace(tree, notes=(*tree.notes, note)) if note else tree
    names = sorted(file.root.children)
    listed = ", ".join(quote(name) for name in names[:SHOWN_NAMES]) + (", ..." if len(names) > SHOWN_NAMES else "")
    raise NotKerasError(
        file.shown,
        "HDF5 without Keras weights",
        f"an HDF5 file, but not of Keras: at its root are {listed or 'no names'}.",
        hint="Give a file written by model.save or model.save_weights.",
    )
