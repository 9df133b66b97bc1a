"""
NumPy archives (``.npz``): arrays and their names, without layers; what ``np.savez(path, *model.get_weights())`` writes.

A zip archive of ``.npy`` members, so its directory goes through the same checks as that of a ``.keras`` archive.
Arrays are read one at a time, when they are asked for.
"""

from __future__ import annotations

import re
import weakref
import zipfile
from pathlib import Path

import numpy as np

from regraft.errors import FileError, RegraftError, UnsafeFileError, quote
from regraft.weights.archive import check_members, refuse_hidden_hdf5
from regraft.weights.limits import MIB, Budget, Limits
from regraft.weights.npy import LONGEST_HEAD, Head, parse_head
from regraft.weights.tree import Variable, WeightTree
from regraft.weights.window import Window, open_regular

_NUMBERED = re.compile(r"arr_(\d{1,9})")
BLOCK = 16 * MIB


class NumpyArchive:
    """An open archive. It stays open until the last variable that reads from it is gone."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.window = Window(open_regular(path))
        # Where the garbage collector finds archive and file together, it may come to the open file first, and warn.
        weakref.finalize(self, self.window.close)
        self.budget = Budget(str(path), self.window.size, limits)
        try:
            self.zip = zipfile.ZipFile(self.window)
            self.members = self.zip.infolist()
            check_members(path, self.window, self.members, limits)
            refuse_hidden_hdf5(path, self.window)
        except RegraftError:
            self.window.close()
            raise
        except Exception as error:  # zipfile raises about ten kinds on damaged archives
            self.window.close()
            raise self.damaged(error) from None

    def damaged(self, error: Exception, path: str = "") -> FileError:
        """What to say of an archive that zipfile cannot read."""
        reason = f"the archive is damaged ({quote(str(error))[1:-1] or type(error).__name__})."
        return FileError(self.path, reason, path=path, hint="Download or copy it again.")

    def head(self, member: zipfile.ZipInfo) -> Head:
        """
        What an array declares, checked against what the archive holds of it.

        Raises:
            UnsafeFileError: It declares more than its member can hold.
            FileError: It is damaged.
        """
        name, limits = member.filename, self.budget.limits
        if len(name) > limits.name:
            raise UnsafeFileError(self.path, f"a name of {len(name)} characters.", path=name)
        self.budget.add_nodes(1, name)
        with self._open(member) as stream:
            raw = self._take(stream, min(LONGEST_HEAD, member.file_size), name)
        head = parse_head(bytes(raw), self.path, name, rank=limits.rank)
        if head.problem:
            return head
        self.budget.add_decoded(head.nbytes * (2 if head.bfloat16 else 1), name)
        if head.start + head.nbytes != member.file_size:
            raise UnsafeFileError(
                self.path,
                f"the array declares {head.nbytes} bytes, its member {member.file_size - head.start}.",
                path=name,
            )
        if head.nbytes > MIB and head.nbytes > limits.array_expansion * member.compress_size:
            raise UnsafeFileError(
                self.path,
                f"the array declares {head.nbytes} bytes, but the file holds {member.compress_size} for it.",
                path=name,
                hint="If you trust it, raise Limits.array_expansion.",
            )
        return head

    def read(self, member: zipfile.ZipInfo, head: Head) -> np.ndarray:
        """One array, in native byte order and C order."""
        with self._open(member) as stream:
            self._take(stream, head.start, member.filename)
            data = self._take(stream, head.nbytes, member.filename)
            # The checksum of the member is compared at its end only.
            self._take(stream, 1, member.filename, exact=False)
        flat = np.frombuffer(data, head.dtype)
        array = flat.reshape(head.shape[::-1]).T if head.fortran else flat.reshape(head.shape)
        array = np.array(array, head.dtype.newbyteorder("="), order="C")
        return (array.astype("u4") << 16).view("f4") if head.bfloat16 else array

    def _open(self, member: zipfile.ZipInfo) -> zipfile.ZipExtFile:
        try:
            return self.zip.open(member)  # type: ignore[return-value]
        except Exception as error:
            raise self.damaged(error, member.filename) from None

    def _take(self, stream: zipfile.ZipExtFile, count: int, name: str, *, exact: bool = True) -> bytearray:
        """So many bytes, in blocks: memory grows with what is there, not with what is declared."""
        data = bytearray()
        try:
            while len(data) < count and (block := stream.read(min(BLOCK, count - len(data)))):
                data += block
        except Exception as error:
            raise self.damaged(error, name) from None
        if exact and len(data) < count:
            raise FileError(self.path, "the array is cut off.", path=name, hint="Download or copy the file again.")
        return data


def read_npz(path: Path, limits: Limits) -> WeightTree:
    """
    A NumPy archive as a weight tree without layers.

    The arrays stand in the order of their numbers where NumPy numbered them (``arr_0``, ``arr_1``), else as they
    lie in the archive.

    Raises:
        NotKerasError: An array is a pickle.
        UnsafeFileError: Duplicate, overlapping, encrypted or exploding members, arrays larger than their members.
        FileError: The archive is damaged.
    """
    archive = NumpyArchive(path, limits)
    try:
        variables, ignored = _members(archive)
        if not variables:
            raise FileError(path, "the archive holds no array of numbers.", hint="Give the file with the weights.")
    except RegraftError:
        archive.window.close()
        raise
    if all(_NUMBERED.fullmatch(v.name) for v in variables):
        variables.sort(key=lambda v: int(v.name[4:]))
    return WeightTree(str(path), "arrays", (), "npz", own=tuple(variables), ignored=tuple(ignored))


def _members(archive: NumpyArchive) -> tuple[list[Variable], list[tuple[str, str]]]:
    """Arrays of numbers, and the other members with the reason."""
    variables: list[Variable] = []
    ignored: list[tuple[str, str]] = []
    for member in archive.members:
        name = member.filename
        head = archive.head(member) if name.endswith(".npy") else None
        if head is None or head.problem:
            ignored.append((quote(name)[1:-1], "no array" if head is None else head.problem))
        else:
            variables.append(_variable(archive, member, head))
    return variables, ignored


def _variable(archive: NumpyArchive, member: zipfile.ZipInfo, head: Head) -> Variable:
    name = member.filename.removesuffix(".npy")
    dtype = "bfloat16" if head.bfloat16 else head.dtype.name
    stored = "two opaque bytes" if head.bfloat16 else ""
    return Variable(f"/{name}", name, head.shape, dtype, lambda: archive.read(member, head), stored)
