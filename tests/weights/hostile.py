"""
Files that try something: one entry for every row of the threat model, and what reading each must give.

``python -m tests.weights.hostile FOLDER`` reads them all, in a process of its own so that its memory can be
measured, and prints one line of JSON a file.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from h5py import h5d, h5g, h5p, h5s, h5t, h5z
from tests.weights.build import archive, legacy, numbers, saving_lib, whole_model, write_legacy, write_saving_lib

CANARY = "TOPSECRET0123456"
Case = tuple[Callable[[Path], Path | None], str, str]  # builder; name of the error, or "tree"; part of its message
CASES: dict[str, Case] = {}


def hostile(expected: str, says: str = "") -> Callable[[Callable[[Path], Path | None]], Callable[[Path], Path | None]]:
    """Enter a builder: it writes into a folder, and may return the path to read (else ``folder/x.h5``)."""

    def enter(builder: Callable[[Path], Path | None]) -> Callable[[Path], Path | None]:
        CASES[builder.__name__] = (builder, expected, says)
        return builder

    return enter


def one_layer(path: Path) -> tuple[h5py.File, h5py.Group]:
    """An open legacy file with the layer ``d`` that lists the weight ``k``; the caller puts something there."""
    file = h5py.File(path, "w")
    file.attrs["layer_names"], file.attrs["keras_version"] = np.array([b"d"]), "2.3.1"
    group = file.create_group("d")
    group.attrs["weight_names"] = np.array([b"k"])
    return file, group


def canary_file(folder: Path) -> Path:
    """A file that no reader of another file may show."""
    path = folder / "secret.txt"
    path.write_text(CANARY * 16)
    return path


def canary_h5(folder: Path) -> Path:
    path = folder / "other.h5"
    with h5py.File(path, "w") as file:
        file["w"] = np.frombuffer((CANARY * 16).encode(), "f4")
    return path


# C. Traversal


@hostile("UnsafeFileError", "nested more than 64 deep")
def deep_groups(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        group = file.create_group("vars")
        for _ in range(2000):
            group = group.create_group("g")


@hostile("UnsafeFileError", "contains itself")
def hard_link_cycle(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        write_saving_lib(file)
        file["layers/dense/up"] = file["layers"]


@hostile("tree")
def hard_link_fan_out(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        write_saving_lib(file)
        group = file["layers/dense"]
        for _ in range(40):
            below = group.create_group("a")
            group["b"] = below
            group = below


@hostile("UnsafeFileError", "more than")
def one_array_ten_thousand_names(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        variables = file.create_group("vars")
        variables["0"] = np.ones(1 << 18, "f4")
        for number in range(1, 10_000):
            variables[str(number)] = variables["0"]


@hostile("tree")
def many_siblings(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        file.create_group("vars")
        for number in range(3000):
            file.create_group(f"layers/l_{number}")


@hostile("UnsafeFileError", "impossible name")
def parent_name(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        write_saving_lib(file)
        file.create_group("layers/AA")
    raw = (folder / "x.h5").read_bytes()
    (folder / "x.h5").write_bytes(raw.replace(b"AA\0", b"..\0"))


@hostile("FileError", "not UTF-8")
def latin_1_name(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        write_saving_lib(file)
        h5g.create(file["layers"].id, b"caf\xe9")


@hostile("tree")
def markup_names(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        write_legacy(file, [('<img src=x onerror="1">\n\x1b]0;x\x07', {"kernel:0": numbers(2, 3)})])


@hostile("FileError", "holds references")
def object_reference(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group.create_dataset("k", data=file.ref, dtype=h5py.ref_dtype)


def _escaping(name: bytes) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        file, group = one_layer(folder / "x.h5")
        with file:
            file["secret"] = np.frombuffer((CANARY * 4).encode(), "f4")
            group["k"] = numbers(2)
            group.attrs["weight_names"] = np.array([name])

    return build


for _title, _name in {
    "absolute": b"/secret",
    "parent": b"../secret",
    "dot": b"./k",
    "doubled_slash": b"d//k",
    "empty": b"",
    "through_an_array": b"k/x",
    "group_of_its_own": b"/",
}.items():
    CASES[f"weight_name_{_title}"] = (_escaping(_name), "FileError", "no such array in this layer")


# D. HDF5 objects


@hostile("UnsafeFileError", "external link")
def external_link(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group["k"] = h5py.ExternalLink(str(canary_h5(folder)), "/w")


@hostile("UnsafeFileError", "external link")
def external_link_in_the_middle(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group["x"] = h5py.ExternalLink(canary_h5(folder).name, "/")
        group.attrs["weight_names"] = np.array([b"x/w"])


@hostile("UnsafeFileError", "external link")
def external_layer(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        write_saving_lib(file)
        file["layers/dense_1"] = h5py.ExternalLink(str(canary_h5(folder)), "/")


@hostile("UnsafeFileError", "soft link")
def soft_link(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        file["real"] = numbers(3)
        group["k"] = h5py.SoftLink("/real")


@hostile("UnsafeFileError", "soft link")
def soft_link_loop(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group["k"] = h5py.SoftLink("/d/k")


@hostile("UnsafeFileError", "external storage")
def external_storage(folder: Path) -> None:
    secret = canary_file(folder)
    file, group = one_layer(folder / "x.h5")
    with file:
        group.create_dataset("k", shape=(4,), dtype="f4", external=[(str(secret), 0, 16)])


@hostile("UnsafeFileError", "external storage")
def external_storage_in_an_archive(folder: Path) -> Path:
    external_storage(folder)
    return archive(folder / "x.keras", (folder / "x.h5").read_bytes())


@hostile("UnsafeFileError", "virtual dataset")
def virtual_dataset(folder: Path) -> None:
    layout = h5py.VirtualLayout((64,), "f4")
    layout[:] = h5py.VirtualSource(str(canary_h5(folder)), "w", (64,))
    file, group = one_layer(folder / "x.h5")
    with file:
        group.create_virtual_dataset("k", layout)


@hostile("UnsafeFileError", "declare")
def shape_bomb(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group.create_dataset("k", (10**6, 10**6, 8), "f4", chunks=(100, 100, 8), compression="gzip")


@hostile("UnsafeFileError", "declare")
def shape_bomb_contiguous(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group.create_dataset("k", (2**31,), "f4")


@hostile("UnsafeFileError", "declare")
def late_allocation(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group.create_dataset("k", (1000, 1000), "f4")


@hostile("UnsafeFileError", "12 axes")
def many_axes(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group["k"] = np.ones((1,) * 12, "f4")


@hostile("UnsafeFileError", "but the file holds")
def compression_bomb(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group.create_dataset("k", data=np.zeros(1 << 24, "f4"), chunks=(1 << 18,), compression="gzip")


@hostile("UnsafeFileError", "a chunk of")
def chunk_bomb(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        data = group.create_dataset("k", (4,), "f4", chunks=(1 << 28,), maxshape=(None,), compression="gzip")
        data.id.write_direct_chunk((0,), b"x\x9c\x03\x00\x00\x00\x00\x01")


@hostile("UnsafeFileError", "chunks")
def chunk_crowd(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        data = group.create_dataset("k", (1 << 23,), "i1", chunks=(1,))
        data[:2] = 1


def _filtered(code: int) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        file, group = one_layer(folder / "x.h5")
        with file:
            plist = h5p.create(h5p.DATASET_CREATE)
            plist.set_chunk((16,))
            plist.set_filter(code, h5z.FLAG_OPTIONAL, (2,) * 20)
            space = h5s.create_simple((16,))
            h5d.create(group.id, b"k", h5t.IEEE_F32LE, space, plist)

    return build


for _title, _code in {"unknown": 32008, "blosc": 32001, "zstd": 32015}.items():
    CASES[f"filter_{_title}"] = (_filtered(_code), "UnsafeFileError", f"filter {_code}")


@hostile("UnsafeFileError", "filter 6")
def filter_scaleoffset(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group.create_dataset("k", data=np.arange(1000, dtype="i4"), scaleoffset=0, chunks=(100,))


TYPES: dict[str, tuple[object, str]] = {
    "text": (h5py.string_dtype(), "text"),
    "fixed_text": ("S8", "text"),
    "lists": (h5py.vlen_dtype("f4"), "lists"),
    "records": (np.dtype([("a", "f4"), ("b", "i8")]), "records"),
    "complex": ("c8", "records"),
    "long_double": (np.longdouble, "unusual type"),
    "enum": (h5py.enum_dtype({"a": 1, "b": 2}, "i4"), "unusual type"),
    "opaque": ("V5", "unusual type"),
    "one_byte_float": ("V1", "unusual type"),
    "region": (h5py.regionref_dtype, "references"),
}


def _typed(dtype: object) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        file, group = one_layer(folder / "x.h5")
        with file:
            group.create_dataset("k", (3,), dtype)

    return build


for _title, (_dtype, _says) in TYPES.items():
    CASES[f"type_{_title}"] = (_typed(_dtype), "FileError", _says)


@hostile("FileError", "neither a group nor an array")
def named_datatype(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group["k"] = np.dtype("f4")


@hostile("FileError", "no data space")
def empty_value(folder: Path) -> None:
    file, group = one_layer(folder / "x.h5")
    with file:
        group["k"] = h5py.Empty("f4")


@hostile("FileError", "not a list of texts")
def million_floats_for_names(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w", libver="latest") as file:
        file.attrs["layer_names"] = np.array([b"d"])
        file.create_group("d").attrs["weight_names"] = np.ones(1_000_000, "f4")


@hostile("UnsafeFileError", "attribute")
def enormous_fixed_text(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w", libver="latest") as file:
        file.attrs["layer_names"] = np.array([b"d"])
        group = file.create_group("d")
        kind = h5t.C_S1.copy()
        kind.set_size(70_000_000)
        h5py.h5a.create(group.id, b"weight_names", kind, h5s.create(h5s.SCALAR))


@hostile("UnsafeFileError", "attributes take")
def four_thousand_names_one_text(folder: Path) -> None:
    path = folder / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([b"d"])
        names = ["y" * 200_000] + ["z"] * 3999
        file.create_group("d").attrs.create("weight_names", names, dtype=h5py.string_dtype())
    raw = bytearray(path.read_bytes())
    # A variable-length text is stored as length, address of a heap, index in it: point them all to the first.
    first = struct.pack("<I", 200_000)
    at = raw.index(first)
    descriptor = raw[at : at + 16]
    raw[at : at + 16 * 4000] = descriptor * 4000
    path.write_bytes(raw)


@hostile("UnsafeFileError", "does not tell")
def same_in_a_new_style_file(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w", libver="latest") as file:
        file.attrs["layer_names"] = np.array([b"d"])
        group = file.create_group("d")
        group["pad"] = np.zeros(1 << 20, "f4")
        group.attrs.create("weight_names", ["z"] * 4000, dtype=h5py.string_dtype())


@hostile("tree")
def long_config(folder: Path) -> None:
    whole_model(folder / "x.h5", json.dumps({"class_name": "y" * 20_000_000}))


@hostile("FileError", "not UTF-8")
def broken_text(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        file.attrs["layer_names"] = np.array([b"caf\xe9"])


@hostile("FileError", "not UTF-8")
def broken_variable_text(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        file.attrs.create("layer_names", [b"caf\xe9"], dtype=h5py.string_dtype())


@hostile("FileError", "whole number")
def layer_count_of_text(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        file.attrs["nb_layers"] = "many"


@hostile("FileError", "nb_layers says")
def layer_count_enormous(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        file.attrs["nb_layers"] = np.int64(2**62)


@hostile("FileError", "nb_params says")
def array_count_enormous(folder: Path) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        file.attrs["nb_layers"] = 1
        file.create_group("layer_0").attrs["nb_params"] = np.int64(2**62)


@hostile("NotKerasError", "not at the first byte")
def hdf5_behind_a_zip_mark(folder: Path) -> Path:
    with h5py.File(folder / "x.h5", "w", userblock_size=512) as file:
        write_saving_lib(file)
    raw = bytearray((folder / "x.h5").read_bytes())
    raw[:4] = b"\0\1\2\3"
    (folder / "x.h5").write_bytes(raw)
    return folder / "x.h5"


@hostile("NotKerasError", "cut off")
def zip_mark_before_hdf5(folder: Path) -> Path:
    with h5py.File(folder / "x.h5", "w", userblock_size=512) as file:
        write_saving_lib(file)
    raw = bytearray((folder / "x.h5").read_bytes())
    raw[:4] = b"PK\x03\x04"
    (folder / "x.h5").write_bytes(raw)
    return folder / "x.h5"


@hostile("NotKerasError", "as HDF5 and as a zip")
def hdf5_and_zip_at_once(folder: Path) -> None:
    saving_lib(folder / "x.h5")
    with zipfile.ZipFile(folder / "x.h5", "a") as zipped:
        zipped.writestr("config.json", "{}")


@hostile("UnsafeFileError", "valid as HDF5 too")
def zip_with_hdf5_inside(folder: Path) -> Path:
    inner = saving_lib(folder / "inner.h5").read_bytes()
    path = folder / "x.keras"
    # An asset whose data begins with the HDF5 signature at an offset where HDF5 looks for it.
    with zipfile.ZipFile(path, "w") as zipped:
        head = 30 + len("assets/pad")
        zipped.writestr("assets/pad", b"\0" * (512 - head - 30 - len("assets/h5")))
        zipped.writestr("assets/h5", inner)
        zipped.writestr("config.json", "{}")
        zipped.writestr("model.weights.h5", inner)
    assert path.read_bytes()[512:520] == inner[:8]
    return path


@hostile("tree")
def not_a_number(folder: Path) -> None:
    legacy(folder / "x.h5", [("d", {"kernel:0": np.array([[np.nan, np.inf, -np.inf]], "f4")})])


# E. Archives


def _zip(folder: Path, *members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "x.keras"
    inner = saving_lib(folder / "inner.h5").read_bytes()
    with zipfile.ZipFile(path, "w", method) as zipped:
        for name, data in (("config.json", b"{}"), ("model.weights.h5", inner), *members):
            zipped.writestr(name, data)
    return path


@hostile("UnsafeFileError", "two members")
def duplicate_member(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _zip(folder, ("config.json", b'{"a": 1}'))


@hostile("UnsafeFileError", "two members")
def duplicate_member_by_case(folder: Path) -> Path:
    return _zip(folder, ("CONFIG.json", b'{"a": 1}'))


@hostile("tree")
def members_elsewhere(folder: Path) -> Path:
    return _zip(folder, ("../evil.txt", b"x"), ("/abs.txt", b"x"), ("..\\win.txt", b"x"))


@hostile("UnsafeFileError", "link or a device")
def symlink_member(folder: Path) -> Path:
    secret = canary_file(folder)
    info = zipfile.ZipInfo("metadata.json")
    info.external_attr = 0o120777 << 16
    return _zip(folder, (info, str(secret).encode()))


@hostile("UnsafeFileError", "at most")
def config_bomb(folder: Path) -> Path:
    path = folder / "x.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("config.json", b" " * (100 << 20))
        zipped.writestr("model.weights.h5", saving_lib(folder / "inner.h5").read_bytes())
    return path


@hostile("UnsafeFileError", "times its size")
def config_bomb_below_the_cap(folder: Path) -> Path:
    path = folder / "x.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("config.json", b" " * (50 << 20))
        zipped.writestr("model.weights.h5", saving_lib(folder / "inner.h5").read_bytes())
    return path


@hostile("UnsafeFileError", "times their size")
def weights_bomb(folder: Path) -> Path:
    path = folder / "x.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("config.json", b"{}")
        zipped.writestr("model.weights.h5", saving_lib(folder / "inner.h5").read_bytes() + b"\0" * (100 << 20))
    return path


@hostile("FileError", "damaged")
def lying_size(folder: Path) -> Path:
    path = _zip(folder, method=zipfile.ZIP_DEFLATED)
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 24 : at + 28] = struct.pack("<I", 100)
    path.write_bytes(raw)
    return path


@hostile("UnsafeFileError", "encrypted")
def encrypted_member(folder: Path) -> Path:
    path = _zip(folder)
    raw = bytearray(path.read_bytes())
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    return path


@hostile("UnsafeFileError", "compression method 12")
def bzip2_member(folder: Path) -> Path:
    return _zip(folder, method=zipfile.ZIP_BZIP2)


@hostile("UnsafeFileError", "compression method 14")
def lzma_member(folder: Path) -> Path:
    return _zip(folder, method=zipfile.ZIP_LZMA)


@hostile("UnsafeFileError", "contradicts its own header")
def method_differs(folder: Path) -> Path:
    path = _zip(folder)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x03\x04") + 8] = 8
    path.write_bytes(raw)
    return path


@hostile("UnsafeFileError", "another name")
def name_differs(folder: Path) -> Path:
    path = _zip(folder)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"config.json")] = ord("C")
    path.write_bytes(raw)
    return path


@hostile("UnsafeFileError", "another name")
def overlapping_members(folder: Path) -> Path:
    path = _zip(folder, ("assets/a", b"x" * 50))
    raw = bytearray(path.read_bytes())
    entries = [i for i in range(len(raw)) if raw[i : i + 4] == b"PK\x01\x02"]
    # The directory entry of the asset points to the weights, under their name.
    raw[entries[2] + 42 : entries[2] + 46] = raw[entries[1] + 42 : entries[1] + 46]
    path.write_bytes(raw)
    return path


@hostile("UnsafeFileError", "stands before")
def data_before_the_archive(folder: Path) -> Path:
    path = _zip(folder)
    first = path.read_bytes()
    path.write_bytes(first + first)
    return path


@hostile("NotKerasError", "directory of this archive takes")
def enormous_directory(folder: Path) -> Path:
    path = _zip(folder)
    raw = path.read_bytes()
    start = raw.index(b"PK\x01\x02")
    entry, end = raw[start : raw.index(b"PK\x01\x02", start + 1)], bytearray(raw[raw.rindex(b"PK\x05\x06") :])
    end[12:16] = struct.pack("<I", len(entry) * 1_000_000)
    path.write_bytes(raw[:start] + entry * 1_000_000 + end)
    return path


@hostile("NotKerasError", "pickle")
def pickled_weights(folder: Path) -> Path:
    path = folder / "x.keras"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("config.json", "{}")
        zipped.writestr("model.weights.npz", b"anything")
    return path


JSON_TRICKS: dict[str, tuple[bytes, str]] = {
    "deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested more than"),
    "long_number": (b'{"a": ' + b"9" * 5000 + b"}", "refused"),
    "nan": (b'{"a": NaN}', "NaN is not a JSON number"),
    "infinity": (b'{"a": -Infinity}', "not a JSON number"),
    "duplicate_key": (b'{"a": 1, "a": 2}', "stands twice"),
    "crowd": (b'{"a": [' + b"[]," * 10_000_000 + b"[]]}", "more than 2000000 values"),
    "long_text": (b'{"a": "' + rb"\n" * 10_000_000, "not JSON"),
    "list": (b"[1, 2]", "expected a JSON object"),
    "not_utf8": (b'{"a": "\xff"}', "not UTF-8"),
    "broken": (b'{"a": ', "not JSON"),
}


def _config(text: bytes) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = folder / "x.keras"
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.writestr("config.json", text)
            zipped.writestr("model.weights.h5", saving_lib(folder / "inner.h5").read_bytes())
        return path

    return build


for _title, (_text, _says) in JSON_TRICKS.items():
    CASES[f"json_{_title}"] = (_config(_text), "ConfigError", _says)


def _listing(value: object) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        saving_lib(folder / "x_00000.weights.h5")
        canary_h5(folder)
        path = folder / "x.weights.json"
        path.write_text(json.dumps({"metadata": {}, "weight_map": {"/layers/dense/vars": value}}))
        return path

    return build


for _title, (_value, _error, _says) in {
    "parent": ("../../x_00000.weights.h5", "UnsafeFileError", "expected a name such as"),
    "absolute": ("/etc/passwd", "UnsafeFileError", "expected a name such as"),
    "other_name": ("other.h5", "UnsafeFileError", "expected a name such as"),
    "missing": ("x_00001.weights.h5", "FileError", "is missing"),
    "number": (7, "FileError", "must give file names"),
    "many": ([f"x_{i:05d}.weights.h5" for i in range(5000)], "UnsafeFileError", "names more than"),
    "same_again_and_again": (["x_00000.weights.h5"] * 100_000, "tree", ""),
}.items():
    CASES[f"shard_{_title}"] = (_listing(_value), _error, _says)


@hostile("UnsafeFileError", "not a regular file in the same folder")
def shard_symlink(folder: Path) -> Path:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    saving_lib(elsewhere / "x_00001.weights.h5")
    (folder / "x_00001.weights.h5").symlink_to(elsewhere / "x_00001.weights.h5")
    return _listing("x_00001.weights.h5")(folder)


@hostile("UnsafeFileError", "not a regular file in the same folder")
def shard_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "x_00001.weights.h5")
    return _listing("x_00001.weights.h5")(folder)


@hostile("FileError", "not a regular file")
def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "x.h5")
    return folder / "x.h5"


@hostile("FileError", "not a regular file")
def device(_: Path) -> Path:
    return Path("/dev/zero")


def peak_megabytes() -> float:
    """Peak memory of this process; getrusage would count what the parent had before this program began."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def build_all(folder: Path) -> dict[str, str]:
    """Write every case; the path to read, by name."""
    paths: dict[str, str] = {}
    for name, (builder, _, _) in CASES.items():
        place = folder / name
        place.mkdir()
        paths[name] = str(builder(place) or place / "x.h5")
    return paths


def read_all(paths: dict[str, str]) -> None:
    """Read every file with all its data, and print what came of it."""
    from regraft import weights
    from regraft.errors import RegraftError

    for name, path in paths.items():
        start, data = time.process_time(), b""
        try:
            tree = weights.read(path)
            data = b"".join(variable.read().tobytes() for variable in tree.variables())
            outcome, message = "tree", repr(tree)
        except RegraftError as error:
            outcome, message = type(error).__name__, str(error)
        except Exception as error:
            outcome, message = f"escaped: {type(error).__name__}", str(error)
        line = {
            "name": name,
            "outcome": outcome,
            "message": message[:2000],
            "leaked": CANARY in message or CANARY.encode() in data,
            "seconds": time.process_time() - start,
            "megabytes": peak_megabytes(),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    read_all(json.loads(Path(sys.argv[1]).read_text()))
