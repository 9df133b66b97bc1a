from __future__ import annotations

import io
import os
import pickletools
import tracemalloc
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from tests.emit.state_dicts import bits, every_kind, numbers, tensor, tensors_of, views

from regraft.emit.pickled import state_dict_pickle
from regraft.emit.pth import write_pth
from regraft.emit.tensor import Tensor
from regraft.emit.zip_records import ZipRecords
from regraft.errors import OutputError

ALLOWED_GLOBALS = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2"}
STORAGES = {f"torch {name}Storage" for name in "Double Float Half BFloat16 Long Int Short Char Byte Bool".split()}


def torch_tensor(array: np.ndarray) -> torch.Tensor:
    """The same bits as a contiguous torch tensor."""
    dtype: torch.dtype = getattr(torch, array.dtype.name)
    with warnings.catch_warnings(action="ignore"):  # the bytes are read-only, and nobody writes
        empty = torch.empty(array.shape, dtype=dtype)
        return torch.frombuffer(bytearray(bits(array)), dtype=dtype).reshape(array.shape) if array.size else empty


def torch_bits(value: torch.Tensor) -> bytes:
    return value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b""


def saved_by_torch(arrays: dict[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    torch.save(OrderedDict((name, torch_tensor(array)) for name, array in arrays.items()), file)
    return file.getvalue()


def records(data: bytes) -> dict[str, tuple[int, int, bytes]]:
    """Place of the header, place of the data, and the data, of each record."""
    found: dict[str, tuple[int, int, bytes]] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            lengths = data[info.header_offset + 26 : info.header_offset + 30]
            start = info.header_offset + 30 + sum(np.frombuffer(lengths, "<u2").tolist())
            assert info.compress_type == zipfile.ZIP_STORED
            found[info.filename] = (info.header_offset, start, archive.read(info))
    return found


@pytest.mark.parametrize("mmap", [False, True])
def test_torch_loads_every_dtype_and_shape(tmp_path: Path, mmap: bool) -> None:
    arrays = every_kind()
    write_pth(tmp_path / "model.pth", tensors_of(arrays))
    loaded = torch.load(tmp_path / "model.pth", weights_only=True, mmap=mmap)
    assert type(loaded) is OrderedDict
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        assert str(loaded[name].dtype) == f"torch.{array.dtype.name}"
        assert loaded[name].shape == array.shape
        assert loaded[name].is_contiguous()
        assert torch_bits(loaded[name]) == bits(array), name


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(views(), views())
def test_any_views(tmp_path: Path, first: np.ndarray, second: np.ndarray) -> None:
    write_pth(tmp_path / "views.pth", [tensor("a", first), tensor("b", second)], force=True)
    loaded = torch.load(tmp_path / "views.pth", weights_only=True)
    assert [torch_bits(value) for value in loaded.values()] == [bits(first), bits(second)]


@pytest.mark.parametrize(
    "arrays",
    [
        pytest.param({}, id="no tensor"),
        pytest.param({"weight": numbers("float32", (3, 5))}, id="one tensor"),
        pytest.param(every_kind(), id="every dtype and shape"),
        pytest.param({f"layer{i}.größe": np.full((i % 3,), i, np.int32) for i in range(2001)}, id="batches and memo"),
        pytest.param({"long": numbers("int8", (70_000,)), "wide": numbers("int8", (300, 2))}, id="larger numbers"),
    ],
)
def test_the_file_is_byte_for_byte_that_of_torch_save(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    write_pth(tmp_path / "model.pth", tensors_of(arrays))
    ours, theirs = records((tmp_path / "model.pth").read_bytes()), records(saved_by_torch(arrays))
    assert ours["archive/data.pkl"] == theirs["archive/data.pkl"]
    if list(theirs)[1:3] != ["archive/.format_version", "archive/.storage_alignment"]:
        pytest.skip("this version of torch writes fewer records")
    end = theirs.pop("archive/.data/serialization_id")[0]
    assert ours == theirs
    assert (tmp_path / "model.pth").read_bytes()[:end] == saved_by_torch(arrays)[:end]


def test_zip_tools_find_it_in_order_and_the_data_is_aligned(tmp_path: Path) -> None:
    write_pth(tmp_path / "model.pth", tensors_of(every_kind()))
    with zipfile.ZipFile(tmp_path / "model.pth") as archive:
        assert archive.testzip() is None
    assert all(start % 64 == 0 for _, start, _ in records((tmp_path / "model.pth").read_bytes()).values())


def test_the_pickle_names_nothing_but_tensors() -> None:
    data = state_dict_pickle(tensors_of(every_kind() | {"posix\nsystem": np.zeros(1, np.float32)}))
    pickletools.dis(data, out=io.StringIO())  # checks stack and memo as well
    found = {argument for opcode, argument, _ in pickletools.genops(data) if "GLOBAL" in opcode.name}
    assert found == ALLOWED_GLOBALS | STORAGES
    names = {opcode.name for opcode, _, _ in pickletools.genops(data)}
    assert not names & {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD", "EXT1", "EXT2", "EXT4", "PERSID"}


@pytest.mark.parametrize("size", [255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32, 2**40 + 1])
def test_sizes_in_the_pickle(size: int) -> None:
    data = state_dict_pickle([Tensor("a", (size, 1), "int8", lambda: np.zeros(0))])
    found = [
        argument for opcode, argument, _ in pickletools.genops(data) if "INT" in opcode.name or "LONG1" in opcode.name
    ]
    assert found == [size, 0, size, 1, 1, 1]


class Holes(io.FileIO):
    """A file in which long runs of zeros take no place on the disk, and no time to write."""

    def write(self, data: object) -> int:
        block = memoryview(data)  # type: ignore[arg-type]
        if len(block) < 1 << 20:
            return super().write(block)
        self.seek(len(block), os.SEEK_CUR)
        return len(block)


@pytest.mark.slow
def test_more_than_4_gib(tmp_path: Path) -> None:
    name, big = tmp_path / "big.pth", (1 << 32) + 5
    zeros = memoryview(bytes(1 << 26))
    tensors = [
        Tensor("big", (big,), "int8", lambda: np.zeros(0)),
        Tensor("small", (3,), "uint8", lambda: np.zeros(0)),
        Tensor("none", (0,), "uint8", lambda: np.zeros(0)),
    ]
    with Holes(name, "w") as file:
        archive = ZipRecords(file, "archive")  # type: ignore[arg-type]
        archive.add("data.pkl", state_dict_pickle(tensors))
        archive.begin("data/0", big)
        for _ in range(1 << 6):
            archive.write(zeros)
        archive.write(b"\0\0\0\0\7")
        archive.end()
        archive.add("data/1", b"\1\2\3")
        archive.add("data/2", b"")
        archive.add("version", b"3\n")
        archive.close()
    loaded = torch.load(name, weights_only=True, mmap=True)
    assert loaded["big"].shape == (big,)
    assert loaded["big"][-1] == 7
    assert loaded["small"].tolist() == [1, 2, 3]
    with zipfile.ZipFile(name) as archive:
        assert archive.getinfo("archive/data/0").file_size == big
        assert archive.getinfo("archive/data/1").header_offset > 1 << 32
        assert archive.read("archive/data/1") == b"\1\2\3"


def test_a_record_of_another_size_than_announced() -> None:
    archive = ZipRecords(io.BytesIO(), "archive")
    archive.begin("data/0", 4)
    archive.write(b"abc")
    with pytest.raises(ValueError, match="expected 4 bytes, found 3"):
        archive.end()


def broken() -> np.ndarray:
    raise RuntimeError("damaged chunk")


def test_an_error_in_the_third_tensor_leaves_nothing(tmp_path: Path) -> None:
    good = tensors_of({"a": np.zeros((900, 800), np.float32).T, "b": np.zeros(3, np.int8)})
    with pytest.raises(RuntimeError, match="damaged chunk"):
        write_pth(tmp_path / "model.pth", [*good, Tensor("c", (1,), "float32", broken)])
    assert not list(tmp_path.iterdir())


def test_an_existing_file_needs_force(tmp_path: Path) -> None:
    target, tensors = tmp_path / "model.pth", tensors_of({"a": np.arange(3)})
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already"):
        write_pth(target, tensors)
    assert target.read_bytes() == b"old"
    write_pth(target, tensors, force=True)
    assert torch.load(target, weights_only=True)["a"].tolist() == [0, 1, 2]


def test_one_name_twice_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="'a' comes twice"):
        write_pth(tmp_path / "model.pth", [tensor("a", np.zeros(1, np.int8)), tensor("a", np.zeros(1, np.int8))])
    assert not list(tmp_path.iterdir())


def test_memory_stays_at_the_largest_tensor_and_slabs(tmp_path: Path) -> None:
    def load(rows: int) -> Callable[[], np.ndarray]:
        return lambda: np.ones((1000, rows), np.float32).T

    sizes = [5000, 15_000, 200, 15_000, 10_000]
    tracemalloc.start()
    write_pth(tmp_path / "model.pth", [Tensor(str(i), (n, 1000), "float32", load(n)) for i, n in enumerate(sizes)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * 60e6 + 100e6
