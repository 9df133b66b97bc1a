"""Published files that nobody here wrote: each reads, with the number of parameters that others counted."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regraft.errors import NotKerasError
from regraft.weights import identify, read, read_architecture

FOLDER = Path(os.environ.get("REGRAFT_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
MANIFEST = FOLDER / "manifest.tsv"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not MANIFEST.exists(), reason="no collection of published files; name one in REGRAFT_CORPUS"),
]


def rows() -> list[dict[str, Any]]:
    if not MANIFEST.exists():
        return []
    with MANIFEST.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def test_every_file_gives_its_parameters() -> None:
    wrong: list[str] = []
    read_count = 0
    for row in rows():
        path = FOLDER / row["path"]
        try:
            tree = read(path)
        except NotKerasError as error:
            if row["dialect"] not in ("golden I/O data", "pytorch"):
                wrong.append(f"{row['path']}: {error}")
            continue
        read_count += 1
        variables = list(tree.variables())
        if row["n_params"] and int(row["n_params"]) != tree.parameter_count:
            wrong.append(f"{row['path']}: {tree.parameter_count} parameters, expected {row['n_params']}")
        if row["n_tensors"] and int(row["n_tensors"]) != len(variables):
            wrong.append(f"{row['path']}: {len(variables)} variables, expected {row['n_tensors']}")
        for variable in variables:
            array = variable.read()
            if array.shape != variable.shape or array.dtype != np.dtype(variable.dtype):
                wrong.append(f"{row['path']}:{variable.path}: {array.shape} {array.dtype}")
    assert not wrong, "\n".join(wrong)
    assert read_count > 100


def test_files_beside_the_weights_are_identified() -> None:
    kinds: dict[str, set[str]] = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            kinds.setdefault(path.suffix, set()).add(identify(path).kind)
    assert kinds[".h5"] | kinds[".hdf5"] == {"HDF5"}
    assert kinds[".keras"] == {"Keras archive"}
    expected = {
        ".pth": {"PyTorch checkpoint"},
        ".onnx": {"ONNX model"},
        ".npy": {"npy"},
        ".npz": {"NumPy archive"},
        ".jpg": {"other file"},
        ".csv": {"text file"},
    }
    for suffix, kind in expected.items():
        assert kinds.get(suffix, kind) == kind, suffix


def test_architectures_are_plain_json() -> None:
    for path in sorted(FOLDER.glob("*/configs/*.json")):
        if identify(path).kind == "Keras architecture":
            assert read_architecture(path)
