"""
Absurd files: too many groups, too many arrays, too many layers, names of any kind.

Each is written by a function of a folder and a size; ``scaling`` takes the full size, the tests a small one.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np

SMALL = np.ones(1, "f4")


def legacy(file: Path, layers: dict[str, dict[str, np.ndarray]]) -> Path:
    """A legacy weights file of these layers, in this order; the lists of names are split as Keras splits them."""
    with h5py.File(file, "w") as out:
        out.attrs["keras_version"], out.attrs["backend"] = b"2.15.0", b"tensorflow"
        names = np.array([name.encode() for name in layers])
        for number, piece in enumerate(np.array_split(names, max(1, names.nbytes // 60_000 + 1))):
            out.attrs[f"layer_names{number}"] = piece
        for name, arrays in layers.items():
            group = out.create_group(name)
            group.attrs["weight_names"] = [f"{role}:0".encode() for role in arrays]
            for role, array in arrays.items():
                group.create_dataset(f"{role}:0", data=array)
    return file


def groups(folder: Path, size: int = 1_000_000) -> Path:
    """So many groups of one array each, below a root that claims to be a Keras file."""
    file = folder / "groups.h5"
    with h5py.File(file, "w", libver="latest") as out:
        out.attrs["layer_names"] = [b"dense"]
        out.attrs["keras_version"] = b"2.15.0"
        dense = out.create_group("dense")
        dense.attrs["weight_names"] = [b"kernel:0"]
        dense["kernel:0"] = np.ones((2, 2), "f4")
        space, kind = h5py.h5s.create_simple((1,)), h5py.h5t.IEEE_F32LE
        for i in range(size):
            group = h5py.h5g.create(out.id, b"g%d" % i)
            h5py.h5d.create(group, b"a", kind, space)
    return file


def arrays(folder: Path, size: int = 1_000_000) -> Path:
    """An ``.npz`` of so many arrays of one number."""
    file = folder / "arrays.npz"
    buffer = BytesIO()
    np.save(buffer, SMALL)
    data = buffer.getvalue()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as out:
        for i in range(size):
            out.writestr(zipfile.ZipInfo(f"arr_{i}.npy"), data)
    return file


def listed_layers(folder: Path, size: int = 90_000) -> Path:
    """So many layers of one array each, all in ``layer_names``: as many as the reader lets pass."""
    return legacy(folder / "layers.h5", {f"dense_{i}": {"kernel": SMALL.reshape(1, 1)} for i in range(size)})


def equal_layers(folder: Path, size: int = 10_000) -> Path:
    """So many equal Dense layers."""
    kernel, bias = np.eye(3, dtype="f4"), np.zeros(3, "f4")
    return legacy(folder / "equal.h5", {f"dense_{i}": {"kernel": kernel, "bias": bias} for i in range(size)})


def equal_arrays(folder: Path, size: int = 9_000) -> Path:
    """A list of so many equal square kernels, all of the same values, without biases."""
    file = folder / "equal.npz"
    np.savez(file, *[np.eye(3, dtype="f4")] * size)
    return file


def vectors(folder: Path, size: int = 9_000) -> Path:
    """A list of vectors of equal length, and nothing else."""
    file = folder / "vectors.npz"
    rng = np.random.default_rng(0)
    np.savez(file, *rng.normal(size=(size, 4)).astype("f4"))
    return file


def kernels(folder: Path, size: int = 4_000) -> Path:
    """A list of random kernels of all ranks, which no network holds together."""
    file = folder / "kernels.npz"
    rng = np.random.default_rng(0)
    np.savez(file, *[rng.normal(size=rng.integers(1, 5, size=rng.integers(1, 6))).astype("f4") for _ in range(size)])
    return file


def classes(folder: Path, size: int = 3_000) -> Path:
    """A Keras 3 file of so many layers of different classes that nobody knows."""
    file = folder / "classes.weights.h5"
    with h5py.File(file, "w") as out:
        out.create_group("vars")
        for i in range(size):
            own = out.create_group(f"layers/thing{i}").create_group("vars")
            own.attrs["name"] = f"thing{i}"
            own["0"] = np.ones((2, 2), "f4")
    return file


def outputs(folder: Path, size: int = 2_000) -> Path:
    """Dense layers that all read the same tensor and that nothing reads: as many outputs."""
    rng = np.random.default_rng(0)
    layers = {f"head_{i}": {"kernel": rng.normal(size=(7, i % 5 + 1)).astype("f4")} for i in range(size)}
    return legacy(folder / "outputs.h5", layers)


def sums(folder: Path, size: int = 1_000) -> Path:
    """A stem and sums without end, each of which may take any two tensors before it."""
    names: dict[str, dict[str, np.ndarray]] = {"input_1": {}}
    for i in range(size):
        names[f"dense_{i}"] = {"kernel": np.eye(4, dtype="f4"), "bias": np.zeros(4, "f4")}
        names[f"add_{i}"] = {}
    return legacy(folder / "sums.h5", names)


def deep(folder: Path, size: int = 2_000) -> Path:
    """Groups nested so deep."""
    file = folder / "deep.h5"
    with h5py.File(file, "w") as out:
        group = out
        for _ in range(size):
            group = group.create_group("layers")
        group.create_group("vars")["0"] = SMALL
    return file


CASES: dict[str, Callable[[Path], Path]] = {
    "groups": groups,
    "arrays": arrays,
    "listed layers": listed_layers,
    "equal layers": equal_layers,
    "equal arrays": equal_arrays,
    "vectors": vectors,
    "kernels": kernels,
    "classes": classes,
    "outputs": outputs,
    "sums": sums,
    "deep": deep,
}
