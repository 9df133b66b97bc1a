"""``.keras`` archives and their unpacked folders. What hostile ones try is in test_hostile.py."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from tests.weights.build import archive, saving_lib

from regraft.errors import ConfigError, FileError, NotKerasError, UnsafeFileError
from regraft.weights import Limits, read


@pytest.fixture
def raw(tmp_path: Path) -> bytes:
    return saving_lib(tmp_path / "model.weights.h5").read_bytes()


def test_vocabularies_and_strangers_are_listed(tmp_path: Path, raw: bytes) -> None:
    path = archive(tmp_path / "x.keras", raw)
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("assets/layers/string_lookup/vocabulary.txt", "a\nb")
        zipped.writestr("../evil\n.txt", "x")
    assert dict(read(path).ignored) == {
        "assets/layers/string_lookup/vocabulary.txt": "vocabulary",
        "../evil\\n.txt": "not a member that Keras writes",
    }


def test_archive_without_weights(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as zipped:
        zipped.writestr("config.json", "{}")
    with pytest.raises(NotKerasError, match=r"no model\.weights\.h5"):
        read(tmp_path / "x.keras")


def test_archive_without_config(tmp_path: Path, raw: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as zipped:
        zipped.writestr("model.weights.h5", raw)
    tree = read(tmp_path / "x.keras")
    assert (tree.config, tree.keras_version, len(tree.layers)) == (None, "", 5)


def test_damaged_hdf5_inside(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(FileError, match="HDF5 cannot read this"):
        read(archive(tmp_path / "x.keras", b"not HDF5" + raw[8:]))


def test_version_must_be_text(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "metadata.json").write_text('{"keras_version": 3}')
    with pytest.raises(ConfigError, match="keras_version is no text"):
        read(tmp_path)


def test_folder_with_pickled_weights(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.weights.npz").write_bytes(b"x")
    with pytest.raises(NotKerasError, match="pickle"):
        read(tmp_path)


def test_folder_with_enormous_metadata(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "metadata.json").write_bytes(b" " * 70_000)
    with pytest.raises(UnsafeFileError, match=r"metadata\.json takes 70000 bytes"):
        read(tmp_path)


def test_number_of_members(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(UnsafeFileError, match="more than 2 members"):
        read(archive(tmp_path / "x.keras", raw), limits=Limits(members=2))
