from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
from hypothesis import HealthCheck, given, settings
from tests.emit.state_dicts import bits, every_kind, tensor, tensors_of, views

from regraft.emit.safe import header, write_safetensors
from regraft.emit.tensor import Tensor
from regraft.errors import OutputError


def test_both_loaders_read_every_dtype_and_shape(tmp_path: Path) -> None:
    arrays = every_kind()
    target = tmp_path / "model.safetensors"
    write_safetensors(target, tensors_of(arrays))
    by_numpy = safetensors.numpy.load_file(target)
    by_torch = safetensors.torch.load_file(target)
    assert by_numpy.keys() == by_torch.keys() == arrays.keys()
    for name, array in arrays.items():
        assert by_numpy[name].dtype == array.dtype
        assert by_numpy[name].shape == by_torch[name].shape == array.shape
        assert bits(by_numpy[name]) == bits(array), name
        assert str(by_torch[name].dtype) == f"torch.{array.dtype.name}"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(views(), views())
def test_any_views(tmp_path: Path, first: np.ndarray, second: np.ndarray) -> None:
    write_safetensors(tmp_path / "views", [tensor("a", first), tensor("b", second)], force=True)
    loaded = safetensors.numpy.load_file(tmp_path / "views")
    assert [bits(loaded[name]) for name in "ab"] == [bits(first), bits(second)]


def test_the_header() -> None:
    tensors = tensors_of({"a": np.zeros((2, 3), np.float32), "größe": np.zeros((), np.int8)})
    data = header(tensors, {"format": "pt"})
    assert int.from_bytes(data[:8], "little") == len(data) - 8
    assert len(data) % 8 == 0
    assert json.loads(data[8:]) == {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "größe": {"dtype": "I8", "shape": [], "data_offsets": [24, 25]},
    }


def test_every_number_is_aligned_and_metadata_comes_back(tmp_path: Path) -> None:
    arrays = {"a": np.zeros(3, np.int8), "b": np.zeros(3, np.float32), "c": np.ones(1, np.float64)}
    target = tmp_path / "model.safetensors"
    write_safetensors(target, tensors_of(arrays), metadata={"format": "pt", "by": "regraft"})
    data = target.read_bytes()
    length = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + length])
    assert entries.pop("__metadata__") == {"format": "pt", "by": "regraft"}
    assert (length + 8) % 8 == 0
    assert all(entry["data_offsets"][0] % arrays[name].itemsize == 0 for name, entry in entries.items())
    with safetensors.safe_open(target, "numpy") as file:
        assert file.metadata() == {"format": "pt", "by": "regraft"}
        assert set(file.keys()) == set(arrays)


def test_no_tensor_at_all(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "empty.safetensors", [])
    assert safetensors.numpy.load_file(tmp_path / "empty.safetensors") == {}


def test_the_reserved_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="__metadata__"):
        write_safetensors(tmp_path / "model.safetensors", [tensor("__metadata__", np.zeros(1, np.int8))])
    assert not list(tmp_path.iterdir())


def test_a_header_that_no_reader_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regraft.emit.safe.LONGEST_HEADER", 100)
    with pytest.raises(OutputError, match="Write --format pth"):
        header(tensors_of({"a" * 100: np.zeros(1, np.int8)}), {})


def broken() -> np.ndarray:
    raise RuntimeError("damaged chunk")


def test_an_error_in_the_third_tensor_leaves_nothing(tmp_path: Path) -> None:
    good = tensors_of({"a": np.zeros((900, 800), np.float32).T, "b": np.zeros(3, np.float32)})
    with pytest.raises(RuntimeError, match="damaged chunk"):
        write_safetensors(tmp_path / "model.safetensors", [*good, Tensor("c", (1,), "float32", broken)])
    assert not list(tmp_path.iterdir())


def test_an_existing_file_needs_force(tmp_path: Path) -> None:
    target, tensors = tmp_path / "model.safetensors", tensors_of({"a": np.arange(3)})
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already"):
        write_safetensors(target, tensors)
    assert target.read_bytes() == b"old"
    write_safetensors(target, tensors, force=True)
    assert safetensors.numpy.load_file(target)["a"].tolist() == [0, 1, 2]


def test_memory_stays_at_the_largest_tensor_and_slabs(tmp_path: Path) -> None:
    tensors = [
        Tensor(str(i), (15_000, 1000), "float32", lambda: np.ones((1000, 15_000), np.float32).T) for i in range(4)
    ]
    tracemalloc.start()
    write_safetensors(tmp_path / "model.safetensors", tensors)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * 60e6 + 100e6
