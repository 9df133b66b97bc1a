"""NumPy archives that try something; entered into the cases of ``hostile``."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
from tests.weights.build import numbers
from tests.weights.hostile import CANARY, hostile


def npy(array: np.ndarray) -> bytes:
    """An array as NumPy writes it; objects are pickled."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def headed(header: bytes, data: bytes = b"", version: int = 1) -> bytes:
    """An array with any header."""
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + data


def npz(folder: Path, *members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    """An archive of an ordinary array and the given members."""
    path = folder / "x.npz"
    with zipfile.ZipFile(path, "w", method) as zipped:
        for name, data in (("arr_0.npy", npy(numbers(2, 3))), *members):
            zipped.writestr(name, data)
    return path


class Shell:
    """Would run a program when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, (CANARY,)


@hostile("NotKerasError", "pickle")
def npz_pickle(folder: Path) -> Path:
    return npz(folder, ("arr_1.npy", npy(np.array([Shell()], dtype=object))))


@hostile("NotKerasError", "pickle")
def npz_pickle_in_a_record(folder: Path) -> Path:
    header = b"{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }"
    return npz(folder, ("arr_1.npy", headed(header, b"\x80\x04.")))


@hostile("NotKerasError", "np.savez")
def npy_pickle(folder: Path) -> Path:
    path = folder / "x.npy"
    path.write_bytes(npy(np.array([Shell()], dtype=object)))
    return path


@hostile("UnsafeFileError", "two members")
def npz_duplicate(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return npz(folder, ("arr_0.npy", npy(numbers(4))))


@hostile("UnsafeFileError", "more than 10000 members")
def npz_of_many_members(folder: Path) -> Path:
    return npz(folder, *((f"arr_{i}.npy", npy(numbers(1))) for i in range(1, 10_002)))


@hostile("UnsafeFileError", "link or a device")
def npz_symlink(folder: Path) -> Path:
    info = zipfile.ZipInfo("arr_1.npy")
    info.external_attr = 0o120777 << 16
    return npz(folder, (info, b"/etc/passwd"))


@hostile("UnsafeFileError", "compression method 14")
def npz_lzma(folder: Path) -> Path:
    return npz(folder, method=zipfile.ZIP_LZMA)


@hostile("tree", "../evil")
def npz_names_elsewhere(folder: Path) -> Path:
    """Names are names: nothing is ever written under them."""
    return npz(folder, ("../evil.npy", npy(numbers(2))), ("/abs.npy", npy(numbers(2))))


@hostile("UnsafeFileError", "the file holds")
def npz_bomb(folder: Path) -> Path:
    return npz(folder, ("arr_1.npy", npy(np.zeros(50 << 20, "u1"))), method=zipfile.ZIP_DEFLATED)


@hostile("UnsafeFileError", "arrays declare more than")
def npz_shape_bomb(folder: Path) -> Path:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000, 8), }"
    return npz(folder, ("arr_1.npy", headed(header)))


@hostile("UnsafeFileError", "arrays declare more than")
def npz_crowd_of_bombs(folder: Path) -> Path:
    zeros = npy(np.zeros(1 << 20, "u1"))
    return npz(folder, *((f"arr_{i}.npy", zeros) for i in range(1, 80)), method=zipfile.ZIP_DEFLATED)


@hostile("UnsafeFileError", "array declares 24 bytes")
def npz_smaller_than_declared(folder: Path) -> Path:
    return npz(folder, ("arr_1.npy", npy(numbers(2, 3))[:-4]))


@hostile("UnsafeFileError", "its member 28")
def npz_larger_than_declared(folder: Path) -> Path:
    return npz(folder, ("arr_1.npy", npy(numbers(2, 3)) + b"more"))


@hostile("FileError", "damaged")
def npz_damaged_compression(folder: Path) -> Path:
    path = npz(folder, method=zipfile.ZIP_DEFLATED)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"arr_0.npy") + 40] ^= 0xFF
    path.write_bytes(raw)
    return path


@hostile("FileError", "damaged")
def npz_wrong_checksum(folder: Path) -> Path:
    path = npz(folder)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK", 4) - 1] ^= 0xFF
    path.write_bytes(raw)
    return path


@hostile("FileError", "cut off in its header")
def npz_short_header(folder: Path) -> Path:
    return npz(folder, ("arr_1.npy", b"\x93NUMPY\x01\x00\xff\x00{'descr'"))


@hostile("UnsafeFileError", "header of the array takes")
def npz_enormous_header(folder: Path) -> Path:
    return npz(folder, ("arr_1.npy", headed(b" " * 100_000, version=2)))


@hostile("FileError", "header of the array is damaged")
def npz_nested_header(folder: Path) -> Path:
    return npz(folder, ("arr_1.npy", headed(b"(" * 4000)))


@hostile("FileError", "header of the array is damaged")
def npz_program_in_header(folder: Path) -> Path:
    return npz(folder, ("arr_1.npy", headed(b"__import__('os').system('true')")))


@hostile("FileError", "shape of the array")
def npz_negative_shape(folder: Path) -> Path:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }"
    return npz(folder, ("arr_1.npy", headed(header)))


@hostile("UnsafeFileError", "9 axes")
def npz_many_axes(folder: Path) -> Path:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1), }"
    return npz(folder, ("arr_1.npy", headed(header, b"\0" * 4)))


@hostile("FileError", "no NumPy array")
def npz_without_magic(folder: Path) -> Path:
    return npz(folder, ("arr_1.npy", b"PK\x03\x04 not an array"))


@hostile("NotKerasError", "directory of this archive takes")
def npz_of_a_million(folder: Path) -> Path:
    path = npz(folder)
    raw = path.read_bytes()
    start = raw.index(b"PK\x01\x02")
    end = bytearray(raw[raw.rindex(b"PK\x05\x06") :])
    entry = raw[start : raw.rindex(b"PK\x05\x06")]
    end[12:16] = struct.pack("<I", len(entry) * 1_000_000)
    path.write_bytes(raw[:start] + entry * 1_000_000 + end)
    return path
