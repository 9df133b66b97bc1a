"""A ``.keras`` file of Keras 3: configuration and weights in one archive, written without Keras."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import h5py
import numpy as np


@dataclass(frozen=True)
class StoredArray:
    """One variable: its place in the file, ``layers/dense/vars/0``, and what reads it; ``shape`` is known before."""

    path: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]


def write_keras_archive(
    target: IO[bytes],
    config: str,
    arrays: Iterable[StoredArray],
    names: Mapping[str, str],
    *,
    version: str,
    done: Callable[[str], None] | None = None,
) -> None:
    """
    Write the archive, one array at a time.

    Members and layout as ``keras/src/saving/saving_lib.py`` writes them: ``metadata.json``, ``config.json`` and
    ``model.weights.h5``, stored without compression; floating-point numbers as float32.

    Args:
        target: An open file.
        config: The architecture as JSON of Keras 3.
        arrays: The variables.
        names: The layer's name for the group of each layer, ``layers/dense``; those without variables too.
        version: The Keras whose form it is.
        done: Told the path of each variable that is written.
    """
    with tempfile.TemporaryDirectory(prefix="regraft-keras-") as folder:
        weights = Path(folder) / "model.weights.h5"
        with h5py.File(weights, "w") as file:
            for path, name in names.items():
                file.require_group(f"{path}/vars").attrs["name"] = name
            for array in arrays:
                values = array.read().reshape(array.shape)
                file[array.path] = values.astype("float32") if is_floating(values) else values
                if done is not None:
                    done(array.path)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo("metadata.json"), json.dumps({"keras_version": version}))
            archive.writestr(zipfile.ZipInfo("config.json"), config)
            with weights.open("rb") as source, archive.open(zipfile.ZipInfo(weights.name), "w", force_zip64=True) as to:
                while block := source.read(1 << 20):
                    to.write(block)


def is_floating(array: np.ndarray) -> bool:
    """Whether numbers are floating-point, bfloat16 among them."""
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"
