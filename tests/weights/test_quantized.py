"""Which arrays belong together, and what happens where a file does not tell enough. Real files: test_keras.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.weights.build import saving_lib
from tests.weights.test_dequantize import pack

from regraft.errors import FileError
from regraft.weights import WeightTree, read

RNG = np.random.default_rng(3)


def int8(*shape: int, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and scale as Keras quantises: each channel reaches 127."""
    values = RNG.normal(size=shape).astype("f4")
    scale = 127 / np.abs(values).max(axis=axis, keepdims=True)
    return np.round(values * scale).astype("i1"), scale.astype("f4")


def int4(*shape: int, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    values = RNG.normal(size=shape).astype("f4")
    scale = 7 / np.abs(values).max(axis=axis, keepdims=True)
    return np.round(values * scale).astype("i1"), scale.astype("f4")


def layer(tmp_path: Path, key: str, *arrays: np.ndarray, name: str = "") -> WeightTree:
    names = {key: name} if name else None
    weights: Mapping[str, np.ndarray] = {str(i): array for i, array in enumerate(arrays)}
    return read(saving_lib(tmp_path / "x.h5", [(key, weights)], names=names))


@pytest.mark.parametrize("rows", [30, 31])
def test_int4_of_keras_3_11_is_packed_along_the_first_axis(tmp_path: Path, rows: int) -> None:
    values, scale = int4(rows, 12)
    (variable,) = layer(tmp_path, "dense", pack(values, 0), scale[0]).variables()
    assert (variable.shape, variable.dtype, variable.stored) == ((rows, 12), "float32", "int4 with scale")
    np.testing.assert_allclose(variable.read(), values / scale, rtol=1e-6)


@pytest.mark.parametrize("columns", [18, 17])
def test_int4_embedding(tmp_path: Path, columns: int) -> None:
    values, scale = int4(40, columns, axis=1)
    (variable,) = layer(tmp_path, "embedding_3", pack(values, -1), scale[:, 0]).variables()
    assert variable.shape == (40, columns)
    np.testing.assert_allclose(variable.read(), values / scale, rtol=1e-6)


def test_one_unit(tmp_path: Path) -> None:
    values, scale = int4(40, 1)
    (variable,) = layer(tmp_path, "dense", pack(values, -1), scale[0]).variables()
    assert variable.shape == (40, 1)
    np.testing.assert_allclose(variable.read(), values / scale, rtol=1e-6)
    values, scale = int8(40, 1)
    (variable,) = layer(tmp_path, "dense", values, scale[0]).variables()
    np.testing.assert_allclose(variable.read(), values / scale, rtol=1e-6)


def test_square_kernels_need_the_class(tmp_path: Path) -> None:
    values, scale = int8(9, 9)
    (variable,) = layer(tmp_path, "dense", values, scale[0]).variables()
    np.testing.assert_allclose(variable.read(), values / scale, rtol=1e-6)
    (variable,) = layer(tmp_path, "embedding", values.T.copy(), scale[0]).variables()
    np.testing.assert_allclose(variable.read(), (values / scale).T, rtol=1e-6)
    (variable,) = layer(tmp_path, "fc1", values, scale[0], name="dense_7").variables()
    np.testing.assert_allclose(variable.read(), values / scale, rtol=1e-6)
    tree = layer(tmp_path, "fc1", values, scale[0])
    assert [v.dtype for v in tree.variables()] == ["int8", "float32"]
    assert "left as stored" in tree.notes[0]


@pytest.mark.parametrize(("shape", "axis", "key"), [((20, 9), 0, "fc1"), ((9, 20), 1, "words")])
def test_unknown_class_is_decided_by_length(tmp_path: Path, shape: tuple[int, int], axis: int, key: str) -> None:
    values, scale = int8(*shape, axis=axis)
    (variable,) = layer(tmp_path, key, values, scale.ravel()).variables()
    np.testing.assert_allclose(variable.read(), values / scale, rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "scale_axes"),
    [((8, 2, 3), "1 1 2 3"), ((2, 3, 8), "1 1 8"), ((12, 12), "1 12"), ((4, 3, 3), "1 3 3")],
)
def test_einsum_scales_have_the_shape_of_the_output(tmp_path: Path, shape: tuple[int, ...], scale_axes: str) -> None:
    kept = [int(n) for n in scale_axes.split() if n != "1"]
    reduced = tuple(range(len(shape) - len(kept)))
    values, scale = int8(*shape, axis=reduced)  # type: ignore[arg-type]
    stored = scale.reshape([int(n) for n in scale_axes.split()])
    (variable,) = layer(tmp_path, "einsum_dense", values, stored).variables()
    np.testing.assert_allclose(variable.read(), values / scale, rtol=1e-6)


def test_equal_axes_of_a_scale_are_announced(tmp_path: Path) -> None:
    values, scale = int8(40, 3, 3)
    stored = scale.reshape(1, 1, 3, 3)
    assert "do not tell their axes" in layer(tmp_path, "einsum_dense", values, stored).notes[0]
    assert not layer(tmp_path, "query_dense", values, stored).notes


def test_einsum_with_output_axes_first(tmp_path: Path) -> None:
    values, scale = int8(12, 12, axis=1)  # "abc,dc->abd": the channel is the first axis of the kernel
    (variable,) = layer(tmp_path, "einsum_dense", values, scale.reshape(1, 1, 12)).variables()
    np.testing.assert_allclose(variable.read(), values / scale, rtol=1e-6)


REFUSED = {
    "equal_lengths": (
        "einsum_dense",
        np.full((3, 3), 127, "i1"),
        np.ones((1, 3), "f4"),
        "hide which axes|int8 or int4",
    ),
    "scale_of_another_layer": ("einsum_dense", np.full((3, 4, 5), 127, "i1"), np.ones((1, 7), "f4"), "does not fit"),
    "int4_or_int8": ("dense", np.array([[127], [1]], "i1"), np.ones(1, "f4"), "int8 or int4"),
    "odd_or_even": ("embedding", np.array([[0x17, 0x01], [0x71, 0x03]], "i1"), np.ones(2, "f4"), "3 or 4 entries"),
    "einsum_of_3_11": (
        "einsum_dense",
        np.full((3, 4, 5), 0x11, "i1"),
        np.ones((1, 4, 5), "f4"),
        "int4 kernel of Keras 3.11",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_rather_than_guessed(tmp_path: Path, case: str) -> None:
    key, kernel, scale, says = REFUSED[case]
    with pytest.raises(FileError, match=says):
        [v.read() for v in layer(tmp_path, key, kernel, scale).variables()]


def test_other_kernels_of_the_file_tell(tmp_path: Path) -> None:
    small, (big, scale) = np.array([[127], [1]], "i1"), int8(30, 20)
    layers = [("dense", {"0": small, "1": np.ones(1, "f4")}), ("dense_1", {"0": big, "1": scale[0]})]
    tree = read(saving_lib(tmp_path / "x.h5", layers))
    assert [v.stored for v in tree.variables()] == ["int8 with scale"] * 2


@pytest.mark.parametrize(
    "arrays",
    [
        [np.arange(6, dtype="i1").reshape(2, 3)],
        [np.arange(6, dtype="u1").reshape(2, 3), np.ones(3, "f4")],
        [np.arange(6, dtype="i1").reshape(2, 3), np.ones(3, "i8")],
        [np.ones((2, 3), "f4"), np.arange(6, dtype="i1")],
    ],
)
def test_integers_that_are_no_kernel_stay_integers(tmp_path: Path, arrays: list[np.ndarray]) -> None:
    tree = layer(tmp_path, "lookup", *arrays)
    assert [v.dtype for v in tree.variables()] == [a.dtype.name for a in arrays]


def test_flattened_kernels_are_announced(tmp_path: Path) -> None:
    values, scale = int4(6, 12)
    tree = layer(tmp_path, "einsum_dense", pack(values, -1), scale[0])
    (variable,) = tree.variables()
    assert variable.shape == (6, 12)
    assert "only the equation of the layer" in tree.notes[0]
    bias = np.ones((3, 4), "f4")
    tree = layer(tmp_path, "einsum_dense", pack(values, -1), bias, scale[0])
    assert [v.shape for v in tree.variables()] == [(6, 3, 4), (3, 4)]
    assert "only the equation of the layer" in tree.notes[0]


def test_group_index_is_checked(tmp_path: Path) -> None:
    values, _ = int4(4, 6)
    scale, zero = np.ones((2, 6), "f4"), np.zeros((2, 6), "i1")
    tree = layer(tmp_path, "dense", pack(values, -1), scale, zero, np.array([0, 1, 2, 0], "f4"))
    with pytest.raises(FileError, match="g_idx names a group that does not exist"):
        next(tree.variables()).read()


def test_uncalibrated_kernel(tmp_path: Path) -> None:
    shape = (5, 2)
    tree = layer(
        tmp_path, "dense", np.zeros((3, 6), "u1"), np.ones(shape, "f4"), np.zeros(shape, "u1"), np.zeros(6, "f4")
    )
    with pytest.raises(FileError, match="before it was calibrated"):
        next(tree.variables()).read()


def test_kernel_and_scale_in_two_shards(tmp_path: Path) -> None:
    values, scale = int8(20, 9)
    for number, (key, array) in enumerate((("0", values), ("1", scale[0]))):
        with h5py.File(tmp_path / f"m_0000{number}.weights.h5", "w") as file:
            file[f"layers/dense/vars/{key}"] = array
    names = [f"m_0000{number}.weights.h5" for number in (0, 1)]
    (tmp_path / "m.weights.json").write_text(json.dumps({"weight_map": {"/layers/dense/vars": names}}))
    (variable,) = read(tmp_path / "m.weights.json").variables()
    np.testing.assert_allclose(variable.read(), values / scale, rtol=1e-6)
