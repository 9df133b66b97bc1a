"""One reader for all: what each kind of file gives, that data is lazy, and that files are closed again."""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.weights.build import LAYERS, SAVED, archive, legacy, numbers, saving_lib, whole_model

from regraft.errors import ConfigError, FileError, NotKerasError, UnsafeFileError
from regraft.weights import Limits, read


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return saving_lib(tmp_path / "x.weights.h5")


def test_a_name_says_nothing(tmp_path: Path) -> None:
    # Early TensorFlow writes legacy HDF5 under both names of the new layout.
    for name in ("x.keras", "x.weights.h5", "x.pth"):
        assert read(legacy(tmp_path / name)).dialect == "keras-2"


def test_data_is_read_on_demand(saved: Path) -> None:
    tree = read(saved)
    kernel = next(tree.variables())
    assert (kernel.shape, kernel.dtype, kernel.nbytes) == ((3, 2, 4, 5), "float32", 480)
    array = kernel.read()
    np.testing.assert_array_equal(array, SAVED[0][1]["0"])
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert kernel.read() is not array


def test_parameter_count(saved: Path) -> None:
    assert read(saved).parameter_count == sum(a.size for _, weights in SAVED for a in weights.values())


@pytest.mark.parametrize(
    ("stored", "read_as"),
    [(">f4", "float32"), ("<f8", "float64"), ("<f2", "float16"), (">i8", "int64"), ("u1", "uint8")],
)
def test_byte_order_is_native(tmp_path: Path, stored: str, read_as: str) -> None:
    path = saving_lib(tmp_path / "x.h5", [("dense", {"0": numbers(3, 4, start=1).astype(stored)})])
    (variable,) = read(path).variables()
    assert variable.dtype == read_as
    assert variable.read().dtype == np.dtype(read_as)
    np.testing.assert_array_equal(variable.read(), numbers(3, 4, start=1).astype(read_as))


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,) * 8])
def test_odd_shapes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    (variable,) = read(saving_lib(tmp_path / "x.h5", [("dense", {"0": numbers(*shape)})])).variables()
    assert variable.shape == variable.read().shape == shape
    assert variable.size == numbers(*shape).size


@pytest.mark.parametrize("tag", ["bfloat16", None])
def test_bfloat16_comes_as_float32(tmp_path: Path, tag: str | None) -> None:
    values = np.array([[1.5, -2.0, 0.15625], [np.inf, 3e38, -0.0]], "f4")
    with h5py.File(saving_lib(tmp_path / "x.h5", []), "a") as file:
        data = file.create_dataset("layers/dense/vars/0", data=(values.view("u4") >> 16).astype("u2").view("V2"))
        if tag:
            data.attrs["dtype"] = tag
    (variable,) = read(tmp_path / "x.h5").variables()
    assert (variable.dtype, variable.nbytes) == ("bfloat16", 24)
    assert variable.read().dtype == np.float32
    np.testing.assert_array_equal(variable.read(), (values.view("u4") & 0xFFFF0000).view("f4"))


def test_compressed_arrays(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(400, 30)).astype("f4")
    with h5py.File(saving_lib(tmp_path / "x.h5", []), "a") as file:
        for key, options in {
            "0": {"compression": "gzip", "shuffle": True},
            "1": {"compression": "lzf", "fletcher32": True},
            "2": {"chunks": (7, 11)},
        }.items():
            file.create_dataset(f"layers/dense/vars/{key}", data=values, **options)
    for variable in read(tmp_path / "x.h5").variables():
        np.testing.assert_array_equal(variable.read(), values)


def test_an_array_takes_memory_once(tmp_path: Path) -> None:
    values = np.ones((1 << 20, 5), "f4")
    (variable,) = read(saving_lib(tmp_path / "x.h5", [("dense", {"0": values})])).variables()
    tracemalloc.start()
    array = variable.read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert array.nbytes <= peak < 1.01 * array.nbytes


def test_archive_folder_and_file_agree(tmp_path: Path) -> None:
    raw = saving_lib(tmp_path / "model.weights.h5").read_bytes()
    (tmp_path / "config.json").write_text('{"class_name": "Functional"}')
    (tmp_path / "metadata.json").write_text('{"keras_version": "3.15.0"}')
    stored = archive(tmp_path / "stored.keras", raw, config='{"class_name": "Functional"}')
    packed = archive(
        tmp_path / "packed.keras", raw, compression=zipfile.ZIP_DEFLATED, config='{"class_name": "Functional"}'
    )
    trees = [read(path) for path in (stored, packed, tmp_path)]
    for tree in trees:
        assert (tree.config, tree.keras_version) == ('{"class_name": "Functional"}', "3.15.0")
        assert tree.order_source == "heap"
        for mine, (_, weights) in zip(tree.layers, SAVED, strict=True):
            for variable in mine.variables:
                np.testing.assert_array_equal(variable.read(), weights[variable.name])
    assert "compressed" in trees[1].notes[0]


def test_no_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    source = archive(tmp_path / "x.keras", saving_lib(tmp_path / "x.h5").read_bytes(), compression=zipfile.ZIP_DEFLATED)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    tree = read(source)
    next(tree.variables()).read()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before


def test_whole_model(tmp_path: Path) -> None:
    tree = read(whole_model(tmp_path / "x.h5"))
    assert tree.config == '{"class_name": "Sequential"}'
    assert [layer.key for layer in tree.layers] == [name for name, _ in LAYERS]
    assert tree.ignored == (("/optimizer_weights", "optimizer state"),)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to count open files")
@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_files_close_when_the_tree_goes(tmp_path: Path, kind: str) -> None:
    path = saving_lib(tmp_path / "x.h5")
    if kind == "keras":
        path = archive(tmp_path / "x.keras", path.read_bytes())
    read(path)
    gc.collect()
    before = open_files()
    tree = read(path)
    variable = next(tree.variables())
    assert open_files() > before
    del tree
    assert variable.read().size  # a variable keeps its file open
    del variable
    gc.collect()
    assert open_files() == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to count open files")
def test_files_close_after_an_error(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["stranger"] = numbers(3)
    archive(tmp_path / "x.keras", (tmp_path / "x.h5").read_bytes())
    (tmp_path / "cut.h5").write_bytes(saving_lib(tmp_path / "y.h5").read_bytes()[:1000])
    before = open_files()
    for name in ("x.h5", "x.keras", "cut.h5"):
        with pytest.raises(NotKerasError):
            read(tmp_path / name)
    gc.collect()
    assert open_files() == before


def test_others_may_open_and_write_the_file(saved: Path) -> None:
    tree = read(saved)
    with h5py.File(saved, "r+") as file:
        file.attrs["seen"] = 1
    assert next(tree.variables()).read().size


def test_a_file_that_changed_is_no_crash(saved: Path) -> None:
    tree = read(saved)
    variables = list(tree.variables())
    saved.write_bytes(saved.read_bytes()[:2000])
    outcomes = set()
    for variable in variables:
        try:
            variable.read()
        except FileError:
            outcomes.add("error")
    assert outcomes == {"error"}


def test_threads_may_read_together(saved: Path) -> None:
    tree = read(saved)
    wrong: list[str] = []

    def work() -> None:
        for layer, (_, weights) in zip(tree.layers, SAVED, strict=True):
            wrong.extend(v.path for v in layer.variables if not np.array_equal(v.read(), weights[v.name]))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        read(tmp_path / "absent.h5")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user that file modes apply to")
def test_unreadable_file(saved: Path) -> None:
    saved.chmod(0)
    with pytest.raises(FileError, match="Permission denied"):
        read(saved)


def test_hdf5_of_others_is_listed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["activations/dense_1"], file["inputs\n"] = numbers(3), numbers(2)
    with pytest.raises(NotKerasError, match=r"at its root are 'activations', 'inputs\\n'") as caught:
        read(tmp_path / "x.h5")
    assert caught.value.kind == "HDF5 without Keras weights"


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(nodes=10), "more than 10 groups"),
        (Limits(depth=2), "nested more than 2 deep"),
        (Limits(rank=3), "4 axes"),
        (Limits(expansion=0, slack=500), "more than 500 bytes"),
        (Limits(name=5), "impossible name"),
    ],
)
def test_limits(saved: Path, limits: Limits, says: str) -> None:
    with pytest.raises(UnsafeFileError, match=says):
        read(saved, limits=limits)


def test_limits_of_architectures(tmp_path: Path) -> None:
    path = whole_model(tmp_path / "x.h5", '{"a": [[1]]}')
    with pytest.raises(ConfigError, match="nested more than 2"):
        read(path, limits=Limits(json_depth=2))
    with pytest.raises(UnsafeFileError, match="attributes take more than 20 bytes"):
        read(path, limits=Limits(attributes=20))
