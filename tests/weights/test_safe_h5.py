"""The door to h5py. What hostile files try is in test_hostile.py."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest
from h5py import h5pl
from tests.weights.build import numbers, saving_lib

from regraft.errors import FileError
from regraft.weights import safe_h5
from regraft.weights.limits import Limits
from regraft.weights.nodes import Dataset, Folder, join
from regraft.weights.safe_h5 import SafeFile


def test_listing(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["b/a"], file["a"] = numbers(2, 3), numbers(4)
        file["b"].attrs["name"] = "x"
    found = SafeFile.open(tmp_path / "x.h5", Limits())
    inside, array = found.root.children["b"], found.root.find("b/a")
    assert isinstance(inside, Folder)
    assert isinstance(array, Dataset)
    assert (inside.path, inside.attribute_count, array.path, array.shape) == ("/b", 1, "/b/a", (2, 3))
    assert [folder.path for folder in found.root.walk()] == ["/", "/b"]
    assert found.text(inside, "name") == "x"
    assert found.text(inside, "other") == ""
    assert found.texts(inside, "other") is None


@pytest.mark.parametrize("name", ["", "/", "..", "b/..", "/b/a", "b//a", "b/a/", "./b", "b/a/c"])
def test_paths_do_not_leave_their_group(tmp_path: Path, name: str) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["b/a"] = numbers(2)
    assert SafeFile.open(tmp_path / "x.h5", Limits()).root.find(name) is None


def test_join() -> None:
    assert (join("/", "a"), join("/a", "b")) == ("/a", "/a/b")


def test_skipped_groups_are_named_but_not_opened(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["optimizer/vars/0"] = numbers(2)
    root = SafeFile.open(tmp_path / "x.h5", Limits(), ("optimizer",)).root
    assert root.folders["optimizer"].children == {}


def test_no_plugin_folder_while_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saving_lib(tmp_path / "x.h5")
    before = [h5pl.get(index) for index in range(h5pl.size())]
    assert before, "HDF5 always has a default folder"
    seen: list[int] = []
    probe = safe_h5.dataset.probe
    monkeypatch.setattr(safe_h5.dataset, "probe", lambda *args: (seen.append(h5pl.size()), probe(*args))[1])
    SafeFile.open(tmp_path / "x.h5", Limits())
    assert set(seen) == {0}
    assert [h5pl.get(index) for index in range(h5pl.size())] == before


def test_closed_file(tmp_path: Path) -> None:
    with SafeFile.open(saving_lib(tmp_path / "x.h5"), Limits()) as file:
        array = file.root.find("layers/dense/vars/0")
        assert isinstance(array, Dataset)
        assert file.read(array).shape == (6, 7)
    with pytest.raises(FileError, match="cannot read"):
        file.read(array)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "not enough memory"),
        (RecursionError(), "nested too deeply"),
        (KeyError("x\n\x1b"), "HDF5 cannot read this"),
    ],
)
def test_whatever_hdf5_raises_is_a_file_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(safe_h5.dataset, "probe", fail)
    with pytest.raises(FileError, match=says) as caught:
        SafeFile.open(saving_lib(tmp_path / "x.h5"), Limits())
    assert "\x1b" not in str(caught.value)
