"""Files of the real Keras 3 and tf-keras: every array of every layer, in place, in the model's order."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regraft.errors import FileError
from regraft.weights import Group, WeightTree, read

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("keras", "tf_keras", "tensorflow"))),
        reason="needs the extra 'oracle': keras, tf-keras and tensorflow",
    ),
]


@dataclass
class Files:
    folder: Path
    cases: dict[str, dict[str, Any]]
    arrays: dict[str, list[list[np.ndarray]]]

    def of(self, **facts: object) -> Iterator[tuple[str, WeightTree, dict[str, Any]]]:
        found = 0
        for name, case in self.cases.items():
            if all(case.get(key) == value for key, value in facts.items()):
                found += 1
                yield name, read(self.folder / case["file"]), case
        assert found, facts


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("keras")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.weights.keras_files", str(folder)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"src{os.pathsep}.", "CUDA_VISIBLE_DEVICES": ""},
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cases = json.loads((folder / "expected.json").read_text())
    arrays: dict[str, list[list[np.ndarray]]] = {name: [[] for _ in case["layers"]] for name, case in cases.items()}
    with np.load(folder / "expected.npz") as stored:
        for key, array in stored.items():
            name, layer, _ = key.split("|")
            arrays[name][int(layer)].append(array)
    return Files(folder, cases, arrays)


def same_arrays(group: Group, expected: list[np.ndarray]) -> None:
    """Each array is there once; in the order of the layer where it is a plain one."""
    found = [v.read() for v in group.walk()]
    if not group.groups and len(found) < 3:
        assert [a.shape for a in found] == [a.shape for a in expected]
    left = [(a.dtype, a.shape, a.tobytes()) for a in found]
    for array in expected:
        assert (array.dtype, array.shape, array.tobytes()) in left, array.shape
        left.remove((array.dtype, array.shape, array.tobytes()))
    assert not left


LEGACY = [".h5", "_weights.h5"]
SAVED = [".weights.h5", ".keras"]


@pytest.mark.parametrize("library", ["keras3", "tfkeras"])
@pytest.mark.parametrize("model", ["functional", "recurrent", "nested"])
@pytest.mark.parametrize("kind", [*SAVED, *LEGACY])
def test_layers_names_and_arrays(files: Files, library: str, model: str, kind: str) -> None:
    if (library, kind) == ("keras3", "_weights.h5"):
        pytest.skip("Keras 3 has no weights-only file of the old layout")
    for name, tree, case in files.of(library=library, model=model, kind=kind):
        assert tree.dialect == ("keras-3" if kind in SAVED else "keras-2")
        assert tree.order_source == ("heap" if kind in SAVED else "layer_names")
        assert len(tree.layers) == len(case["layers"]), name
        if kind in LEGACY or library == "keras3":
            assert [layer.name for layer in tree.layers] == case["layers"]
        for layer, expected in zip(tree.layers, files.arrays[name], strict=True):
            same_arrays(layer, expected)
        assert (tree.config is not None) == (kind in (".keras", ".h5"))
        assert bool(tree.keras_version) == (kind != ".weights.h5")
        assert not tree.notes


@pytest.mark.parametrize("library", ["keras3", "tfkeras"])
def test_subclassed_models(files: Files, library: str) -> None:
    for name, tree, _ in files.of(library=library, model="subclassed"):
        found = sorted((v.shape, v.read().tobytes()) for v in tree.variables())
        assert found == sorted((a.shape, a.tobytes()) for arrays in files.arrays[name] for a in arrays)
        assert (tree.order_source == "alphabetical") == (tree.dialect == "keras-3")


def test_training_state_is_passed_over(files: Files) -> None:
    for name, tree, _ in files.of(model="functional"):
        if not name.endswith("_weights.h5"):
            assert any("optimizer" in path for path, _ in tree.ignored), name
        assert {reason for _, reason in tree.ignored} <= {"optimizer state", "metric state", "loss state"}


def test_list_of_layers_cut_into_chunks(files: Files) -> None:
    import h5py

    with h5py.File(files.folder / "many.h5") as file:
        assert "layer_names1" in file.attrs
        assert "layer_names" not in file.attrs
    for name, tree, case in files.of(model="many"):
        assert [layer.key for layer in tree.layers] == case["layers"]
        same_arrays(tree.layers[-1], files.arrays[name][-1])


def test_shards(files: Files) -> None:
    assert len(list(files.folder.glob("sharded_*.weights.h5"))) > 1
    for name, tree, case in files.of(model="sharded"):
        assert tree.order_source == "weight_map"
        assert [layer.name for layer in tree.layers] == case["layers"]
        for layer, expected in zip(tree.layers, files.arrays[name], strict=True):
            same_arrays(layer, expected)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision(files: Files, dtype: str) -> None:
    for name, tree, _ in files.of(model="half", dtype=dtype):
        for layer, expected in zip(tree.layers, files.arrays[name], strict=True):
            assert {v.dtype for v in layer.variables} == {dtype}
            for variable, array in zip(layer.variables, expected, strict=True):
                np.testing.assert_array_equal(variable.read().astype("f4"), array)


@pytest.mark.parametrize(("mode", "block"), [("int8", 0), ("int4", -1), ("int4", 4)])
@pytest.mark.parametrize("kind", [".weights.h5", ".h5"])
def test_quantised_kernels(files: Files, mode: str, block: int, kind: str) -> None:
    """Each kernel is what the quantised layer itself calculates with."""
    for name, tree, _ in files.of(model="quantised", mode=mode, block=block, kind=kind):
        for layer, expected in zip(tree.layers, files.arrays[name], strict=True):
            found = list(layer.walk())
            assert sorted(v.shape for v in found) == sorted(a.shape for a in expected), layer.key
            for array in expected:
                errors = [np.abs(v.read() - array).max() for v in found if v.shape == array.shape]
                assert min(errors) < 1e-5 * np.abs(array).max(), (layer.key, array.shape)
            assert {v.dtype for v in found} <= {"float32"}
        assert len(tree.notes) == (mode == "int4")  # the axes of one kernel are taken from its bias


def test_float8(files: Files) -> None:
    for name, tree, _ in files.of(model="float8"):
        assert len(tree.ignored) == 12
        for layer, expected in zip(tree.layers, files.arrays[name], strict=True):
            same_arrays(layer, expected)


def test_calibrated_kernels(files: Files) -> None:
    for name, tree, _ in files.of(model="calibrated", kind="whole"):
        (expected,) = files.arrays[name]
        assert [v.shape for v in tree.layers[0].variables] == [a.shape for a in expected]
        for variable, array in zip(tree.layers[0].variables, expected, strict=True):
            np.testing.assert_allclose(variable.read(), array, rtol=1e-5, atol=1e-5 * np.abs(array).max())


@pytest.mark.parametrize("method", ["gptq4", "gptq8", "awq4"])
def test_calibrated_kernels_without_zero_points(files: Files, method: str) -> None:
    with pytest.raises(FileError, match="without its zero points"):
        read(files.folder / f"{method}.weights.h5")
