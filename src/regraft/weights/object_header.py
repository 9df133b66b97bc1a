"""
The two facts of an HDF5 object header that the HDF5 library does not tell: parsed from the bytes, every read bounded.

- The order in which links were made. Old-style groups, the ones h5py writes by default, do not index it,
  but their local heap holds the link names one after another as they came.
- How many bytes a variable-length text attribute takes. HDF5 says 16 a string, whatever its length, and many
  strings may share one piece of text.

Source: HDF5 File Format Specification 3.0, sections III.D (local heap), IV.A.1 (version 1 object header),
IV.A.2.m (attribute message), IV.A.2.r (symbol table message).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

ReadAt = Callable[[int, int], bytes]

_CONTINUATION, _ATTRIBUTE, _SYMBOL_TABLE = 0x10, 0x0C, 0x11
_SHARED = 0x02
_MAX_BLOCKS, _MAX_HEADER, _MAX_HEAP = 1024, 16 << 20, 64 << 20
_VLEN_CLASS = 9


class _MalformedError(Exception):
    """The bytes are not what the specification says; the caller falls back."""


def _exactly(read_at: ReadAt, offset: int, count: int) -> bytes:
    data = read_at(offset, count) if 0 <= offset < 1 << 62 and 0 <= count <= _MAX_HEAP else b""
    if len(data) != count:
        raise _MalformedError
    return data


def _messages(read_at: ReadAt, address: int) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and body of every message of a version 1 object header (8-byte offsets and lengths)."""
    prefix = _exactly(read_at, address, 16)
    if prefix[0] != 1:
        raise _MalformedError
    blocks = [(address + 16, struct.unpack_from("<I", prefix, 8)[0])]
    total = 0
    for start, length in blocks:  # grows while it is walked: continuation blocks are appended
        total += length
        if len(blocks) > _MAX_BLOCKS or total > _MAX_HEADER:
            raise _MalformedError
        block, at = _exactly(read_at, start, length), 0
        while at + 8 <= length:
            kind, size, flags = struct.unpack_from("<HHB", block, at)
            body = block[at + 8 : at + 8 + size]
            if len(body) != size:
                raise _MalformedError
            if kind == _CONTINUATION and size >= 16:
                blocks.append(struct.unpack_from("<QQ", body))
            yield kind, flags, body
            at += 8 + size


def link_order(read_at: ReadAt, address: int) -> list[bytes] | None:
    """
    Names of the links of an old-style group in the order in which they were made, or None if it cannot be told.

    Args:
        read_at: Reads bytes of the file by offset and count.
        address: Of the group's object header.
    """
    try:
        for kind, _, body in _messages(read_at, address):
            if kind == _SYMBOL_TABLE and len(body) >= 16:
                return _heap_names(read_at, struct.unpack_from("<QQ", body)[1])
    except (_MalformedError, struct.error):
        return None
    return None


def _heap_names(read_at: ReadAt, address: int) -> list[bytes]:
    head = _exactly(read_at, address, 32)
    if head[:4] != b"HEAP":
        raise _MalformedError
    size, free, start = struct.unpack_from("<QQQ", head, 8)
    segment = _exactly(read_at, start, size)
    unused: dict[int, int] = {}
    while free + 16 <= size and free not in unused:  # the list ends with 1, or with all bits set
        if free == 1:
            break
        following, unused[free] = struct.unpack_from("<QQ", segment, free)
        free = following
    names, at = [], 0
    while at < size:
        if at in unused:
            at += max(8, unused[at])
            continue
        end = segment.find(b"\0", at)
        if end < 0:
            break
        if end > at:
            names.append(segment[at:end])
        at += (end - at + 8) // 8 * 8  # names are padded to eight bytes, with at least one zero
    return names


def text_bytes(read_at: ReadAt, address: int, name: bytes) -> int | None:
    """Total bytes of the strings of a variable-length text attribute, or None if it cannot be told."""
    try:
        for kind, flags, body in _messages(read_at, address):
            if kind == _ATTRIBUTE and not flags & _SHARED:
                found, data = _attribute(body)
                if found == name:
                    return None if data is None else _vlen_total(data)
    except (_MalformedError, struct.error):
        return None
    return None


def _attribute(body: bytes) -> tuple[bytes, bytes | None]:
    """Name and data of an attribute message; no data unless its type is variable-length."""
    version, flags, name_size, type_size, space_size = struct.unpack_from("<BBHHH", body)
    if version not in (1, 2, 3):
        raise _MalformedError

    def padded(size: int) -> int:
        return (size + 7) // 8 * 8 if version == 1 else size

    at = 9 if version == 3 else 8
    name = body[at : at + name_size].rstrip(b"\0")
    at += padded(name_size)
    is_vlen = at < len(body) and body[at] & 0x0F == _VLEN_CLASS and not (version > 1 and flags & 1)
    at += padded(type_size) + padded(space_size)
    return name, body[at:] if is_vlen else None


def _vlen_total(data: bytes) -> int:
    return sum(length for length, _, _ in struct.iter_unpack("<IQI", data[: len(data) // 16 * 16]))
