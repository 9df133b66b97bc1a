"""
Arrays of an HDF5 file: checked before anything is allocated, then read into memory that we sized.

A dataset can name other files as its storage, declare terabytes in a few bytes, hold one enormous compressed
chunk, or ask for a filter that HDF5 would load from a shared library. Keras does none of this.
"""

from __future__ import annotations

import math

import numpy as np
from h5py import h5a, h5d, h5p, h5s, h5t

from regraft.errors import FileError, UnsafeFileError
from regraft.weights.attributes import read_text
from regraft.weights.limits import MIB, Budget
from regraft.weights.nodes import Dataset

GZIP, SHUFFLE, FLETCHER32, LZF = 1, 2, 3, 32000
ALLOWED_FILTERS = {GZIP, SHUFFLE, FLETCHER32, LZF}
ALLOWED_LAYOUTS = {h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED}
NUMBER_SIZES = {"i": {1, 2, 4, 8}, "u": {1, 2, 4, 8}, "f": {2, 4, 8}, "b": {1}, "V": {2}}


def probe(did: h5d.DatasetID, path: str, address: int, budget: Budget) -> Dataset:
    """
    Look at everything a dataset declares, without touching its data.

    Args:
        did: The open dataset.
        path: Where it lies in the file.
        address: Of its object header.
        budget: Counts the bytes it declares.

    Raises:
        UnsafeFileError: External or virtual storage, an odd filter, or more data than the file can hold.
    """
    plist = did.get_create_plist()
    _check_storage(did, plist, path, budget)
    space = did.get_space()
    dtype, problem = _dtype(did.get_type())
    if space.get_simple_extent_type() == h5s.NULL:
        return Dataset(path, (), np.dtype("V1"), address, "it has no data space (an empty value)")
    shape = tuple(int(n) for n in space.get_simple_extent_dims())
    if len(shape) > budget.limits.rank:
        raise UnsafeFileError(budget.file, f"an array of {len(shape)} axes; Keras has at most 8.", path=path)
    if problem:
        return Dataset(path, shape, np.dtype("V1"), address, problem)
    nbytes = math.prod(shape) * dtype.itemsize
    budget.add_decoded(nbytes, path)
    _check_size(did, plist, shape, nbytes, path, budget)
    tag = read_text(did, "dtype", path, budget) if dtype.kind == "V" and h5a.get_num_attrs(did) else ""
    if tag not in ("", "bfloat16"):
        problem = "it is of a type that only Keras' own reader knows"
    return Dataset(path, shape, dtype, address, problem, tag)


def _check_storage(did: h5d.DatasetID, plist: h5p.PropDCID, path: str, budget: Budget) -> None:
    if plist.get_layout() not in ALLOWED_LAYOUTS:
        raise UnsafeFileError(budget.file, "a virtual dataset: its data would come from other files.", path=path)
    if plist.get_external_count():
        raise UnsafeFileError(budget.file, "external storage: its data would come from another file.", path=path)
    for index in range(plist.get_nfilters()):
        code = plist.get_filter(index)[0]
        if code not in ALLOWED_FILTERS:
            raise UnsafeFileError(
                budget.file,
                f"HDF5 filter {code}; reading it could load a plug-in library.",
                path=path,
                hint="Re-save the file without compression, or with gzip.",
            )


def _check_size(
    did: h5d.DatasetID,
    plist: h5p.PropDCID,
    shape: tuple[int, ...],
    nbytes: int,
    path: str,
    budget: Budget,
) -> None:
    """A few stored bytes must not become many in memory."""
    if not nbytes:
        return
    limits, stored = budget.limits, did.get_storage_size()
    if plist.get_layout() != h5d.CHUNKED:
        offset = did.get_offset() if plist.get_layout() == h5d.CONTIGUOUS else 0
        if stored != nbytes or offset is None or offset + nbytes > budget.file_size:
            raise UnsafeFileError(
                budget.file, f"the array declares {nbytes} bytes that the file does not hold.", path=path
            )
        return
    chunk = plist.get_chunk()
    chunk_bytes = math.prod(chunk) * (nbytes // math.prod(shape))
    if chunk_bytes > min(limits.chunk, max(4 * nbytes, 16 * MIB)):
        raise UnsafeFileError(budget.file, f"a chunk of {chunk_bytes} bytes for an array of {nbytes} bytes.", path=path)
    if math.prod(-(-n // c) for n, c in zip(shape, chunk, strict=True)) > limits.chunks:
        raise UnsafeFileError(budget.file, f"an array of more than {limits.chunks} chunks.", path=path)
    expansion = limits.array_expansion if plist.get_nfilters() else 1
    if stored == 0 or stored > budget.file_size or (nbytes > stored * expansion and nbytes > MIB):
        raise UnsafeFileError(
            budget.file,
            f"the array declares {nbytes} bytes, but the file holds {stored} for it.",
            path=path,
            hint="If you trust it, raise Limits.array_expansion." if stored and expansion > 1 else "",
        )


def _dtype(kind: h5t.TypeID) -> tuple[np.dtype, str]:
    """The NumPy type in native byte order, and what is wrong with it for a weight."""
    nothing, size = np.dtype("V1"), kind.get_size()
    code = kind.get_class()
    if code not in (h5t.INTEGER, h5t.FLOAT, h5t.ENUM, h5t.OPAQUE):
        words = {h5t.STRING: "text", h5t.COMPOUND: "records", h5t.REFERENCE: "references", h5t.VLEN: "lists"}
        return nothing, f"it holds {words.get(code, 'something other than numbers')}"
    try:
        dtype = np.dtype(kind.dtype)
    except (TypeError, ValueError):
        return nothing, "it holds numbers of an unknown type"
    bool_only = code == h5t.ENUM and dtype.kind != "b"
    if bool_only or dtype.itemsize != size or size not in NUMBER_SIZES.get(dtype.kind, ()):
        return nothing, f"it holds numbers of an unusual type ({size} bytes)"
    if dtype.kind == "V" and (dtype.names or dtype.subdtype):
        return nothing, "it holds records"
    return dtype.newbyteorder("="), ""


def load(did: h5d.DatasetID, dataset: Dataset, file: str) -> np.ndarray:
    """Read a probed dataset into one new array: native byte order, C order."""
    if did.shape != dataset.shape:
        raise FileError(file, "the file changed while it was being read.", path=dataset.path)
    array = np.empty(dataset.shape, dataset.dtype)
    if array.size:
        did.read(h5s.ALL, h5s.ALL, array)
    return array
