"""Arrays back into a weights file: a copy of an HDF5 file with other numbers in the same places."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from regraft.errors import FileError, OutputError, ShapeMismatchError, quote
from regraft.weights.reader import read
from regraft.weights.sniff import HDF5, identify


def write_variables(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    *,
    force: bool = False,
) -> int:
    """
    Copy a weights file and replace variables in the copy; everything else stays as it is, bit for bit.

    Args:
        source: An HDF5 weights file: ``.h5``, ``.hdf5``, ``.weights.h5``.
        target: Where the copy goes.
        arrays: New values by path of the variable, in the shape and axis order of the file.
        force: Whether a file at ``target`` may be replaced.

    Returns:
        How many arrays differ from those of the source.

    Raises:
        FileError: The source is no such file.
        ShapeMismatchError: A path is not in the file, or has another shape.
        OutputError: The target cannot be written.
    """
    source, target = Path(source), Path(target)
    kind = identify(source)
    if kind != HDF5:
        raise FileError(source, f"is a {kind.kind}; variables can be written into HDF5 files only.")
    variables = {variable.path: variable for variable in read(source).variables()}
    wrong = [f"{quote(path)} is no variable of the file" for path in arrays if path not in variables]
    wrong += [
        f"{path}: expected {variables[path].shape}, found {array.shape}"
        for path, array in arrays.items()
        if path in variables and tuple(variables[path].shape) != array.shape
    ]
    if wrong:
        raise ShapeMismatchError(f"{source}: these arrays do not fit:\n  " + "\n  ".join(wrong[:20]))
    if target.exists() and not force:
        raise OutputError(f"{target} exists: choose another name, or replace it with --force")
    part = target.with_name(target.name + ".part")
    changed = 0
    try:
        shutil.copyfile(source, part)
        with h5py.File(part, "r+") as file:
            for path, array in arrays.items():
                dataset = file[path]
                assert isinstance(dataset, h5py.Dataset)
                old = dataset[()]
                new = array.astype(dataset.dtype)
                if old.tobytes() != new.tobytes():
                    dataset[...] = new
                    changed += 1
        part.replace(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return changed
