"""What a file is, and what its user is told to do next."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.weights.build import archive, legacy, numbers, saving_lib

from regraft.errors import FileError, NotKerasError
from regraft.weights import identify, read


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in names:
            target.writestr(name, b"data")
    return buffer.getvalue()


def npz(*arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, *arrays)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as target:
        info = tarfile.TarInfo("model.h5")
        info.size = 3
        target.addfile(info, io.BytesIO(b"abc"))
    return buffer.getvalue()


def safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + b"\0" * 4


# magic number 0x1950a86a20f9469cfc6c, as torch.save pickled it before 1.6
OLD_TORCH = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + pickle.dumps(1001, protocol=2)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 553467096\n"

FILES: dict[str, tuple[str, bytes, str, str]] = {  # title: name, content, kind, part of the hint
    "lfs": ("vgg.h5", LFS, "git-lfs pointer", "git lfs pull"),
    "html": ("vgg.h5", b"<!DOCTYPE html><html>404</html>", "web page", "Download again"),
    "html_with_space": ("vgg.h5", b"\n  <HTML lang=en>", "web page", "Download again"),
    "xml_error": ("vgg.h5", b'<?xml version="1.0"?><Error>AccessDenied</Error>', "web page", "Download again"),
    "torch": ("x.pth", zipped("archive/data.pkl", "archive/data/0"), "PyTorch checkpoint", "torch.load"),
    "old_torch": ("x.pth", OLD_TORCH, "PyTorch checkpoint", "Keras files"),
    "pickle_2": ("x.pkl", pickle.dumps({"w": 1}, protocol=2), "pickle", "save_weights"),
    "pickle_4": ("x.pkl", pickle.dumps({"w": 1}, protocol=4), "pickle", "save_weights"),
    "pickle_0": ("x.pkl", pickle.dumps({"w": 1}, protocol=0), "pickle", "save_weights"),
    "checkpoint": ("checkpoint", b'model_checkpoint_path: "ckpt-1"\n', "TensorFlow checkpoint", "load_weights(prefix)"),
    "checkpoint_index": ("ckpt-1.index", b"\0\x01\x02" * 30, "TensorFlow checkpoint", "load_weights(prefix)"),
    "checkpoint_data": ("ckpt-1.data-00000-of-00001", b"\0\x01\x02" * 30, "TensorFlow checkpoint", "load_weights"),
    "saved_model": ("saved_model.pb", b"\x08\x01\x12\x9c\x01\xff\0", "SavedModel", "save_weights"),
    "saved_model_zip": ("x.zip", zipped("m/saved_model.pb"), "zipped SavedModel", "save_weights"),
    "npy": ("x.npy", npy(numbers(3)), "npy", "np.savez"),
    "npy_of_objects": ("x.npy", npy(np.array([numbers(3), "a"], dtype=object)), "pickle", "np.savez"),
    "tflite": ("x.tflite", b"\x1c\0\0\0TFL3\x14\0 \0", "TensorFlow Lite model", "made from"),
    "onnx": ("x.onnx", b"\x08\x08\x12\x07pytorch\x1a\x051.9.0", "ONNX model", "made from"),
    "safetensors": ("x.safetensors", safetensors(), "safetensors", "Keras weights file"),
    "gzip": ("x.h5.gz", gzip.compress(b"abc"), "gzip", "Unpack"),
    "tar": ("x.tar", tar(), "tar archive", "Unpack"),
    "xz": ("x.xz", b"\xfd7zXZ\0abc", "compressed file", "Unpack"),
    "zip": ("x.zip", zipped("model.h5"), "zip archive", "Unpack"),
    "image": ("x.png", b"\x89PNG\r\n\x1a\n", "other file", "Keras weights file"),
    "architecture": ("m.json", b'{"class_name": "Model", "config": {}}', "Keras architecture", "Give the weights file"),
    "json": ("m.json", b'{"a": 1}', "JSON", "Keras weights file"),
    "text": ("m.txt", "Schichten: größer\n".encode(), "text file", "Keras weights file"),
    "empty": ("x.h5", b"", "empty file", "again"),
    "noise": ("x.h5", bytes(range(255, 0, -1)), "unknown file", "Keras weights file"),
}


@pytest.mark.parametrize("title", FILES)
def test_other_files(title: str, tmp_path: Path) -> None:
    name, content, kind, hint = FILES[title]
    path = tmp_path / name
    path.write_bytes(content)
    found = identify(path)
    assert (found.kind, found.readable) == (kind, False)
    assert hint in found.hint
    with pytest.raises(NotKerasError) as caught:
        read(path)
    assert caught.value.kind == kind
    assert hint in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda p: legacy(p / "x.h5"), "HDF5"),
        (lambda p: (p / "x.npz", (p / "x.npz").write_bytes(npz(numbers(3))))[0], "NumPy archive"),
        (lambda p: archive(p / "x.keras", saving_lib(p / "x.h5").read_bytes()), "Keras archive"),
        (lambda p: (p / "x.json", (p / "x.json").write_text('{"weight_map": {}}'))[0], "sharded Keras weights"),
    ],
)
def test_keras_files(make: Callable[[Path], Path], kind: str, tmp_path: Path) -> None:
    found = identify(make(tmp_path))
    assert (found.kind, found.readable) == (kind, True)


@pytest.mark.parametrize(
    ("names", "kind", "hint"),
    [
        ((), "folder", "Give a weights file"),
        (("b.h5", "a.keras"), "folder", "for example a.keras"),
        (("saved_model.pb", "variables/x"), "SavedModel folder", "load_model(folder)"),
        (("checkpoint",), "TensorFlow checkpoint", "load_weights(prefix)"),
    ],
)
def test_folders(names: tuple[str, ...], kind: str, hint: str, tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert identify(tmp_path).kind == kind
    with pytest.raises(NotKerasError) as caught:
        read(tmp_path)
    assert hint in str(caught.value)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("kept", [0.999, 0.5, 0.05])
def test_interrupted_download_of_hdf5(tmp_path: Path, libver: str, kept: float) -> None:
    import h5py

    with h5py.File(tmp_path / "x.h5", "w", libver=libver) as file:
        file["w"] = numbers(500, 7)
    whole = (tmp_path / "x.h5").read_bytes()
    (tmp_path / "x.h5").write_bytes(whole[: int(len(whole) * kept)])
    found = identify(tmp_path / "x.h5")
    assert found.kind == "truncated HDF5 file"
    assert f"{int(len(whole) * kept)} bytes are here, {len(whole)} are declared" in found.reason


def test_interrupted_download_of_an_archive(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.keras", saving_lib(tmp_path / "x.h5").read_bytes())
    path.write_bytes(path.read_bytes()[:-100])
    assert identify(path).kind == "truncated zip archive"


def test_messages_never_show_raw_names(tmp_path: Path) -> None:
    (tmp_path / "\x1b]0;x\x07.h5").write_bytes(b"x")
    assert "\x1b" not in identify(tmp_path).hint


def test_pipe_is_not_opened(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="not a regular file"):
        identify(tmp_path / "pipe")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(st.sampled_from([b"", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"\x80\x02", b"{", b"<", b"\x08\x08"]), st.binary())
def test_any_bytes_are_identified_and_refused(tmp_path: Path, start: bytes, rest: bytes) -> None:
    path = tmp_path / "x.h5"
    path.write_bytes(start + rest)
    assert identify(path).kind
    with pytest.raises(FileError):
        read(path)
