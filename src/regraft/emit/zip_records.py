"""
The zip archive that PyTorch reads: records stored as they are, each starting at a multiple of 64 bytes.

So a reader can map a tensor into memory. The form of every header is that of PyTorch's own writer
(``caffe2/serialize/inline_container.cc`` over ``miniz``): date and version zero, checksum and sizes behind the data,
and always the 64-bit directory. Numbers from 4 GiB up stand in an extra field (zip APPNOTE 4.5.3).
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

ALIGNMENT = 64
TOO_LARGE = 0xFFFFFFFF  # for a field of 32 bits: look in the extra field
TOO_MANY = 0xFFFF
UTF8_NAME = 1 << 11
SIZES_BEHIND_DATA = 1 << 3
ZIP64 = 1  # id of the extra field with 64-bit numbers
PADDING = int.from_bytes(b"FB", "little")  # id of the extra field that moves the data to its place

LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END_64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR_64 = struct.Struct("<4sIQI")
END = struct.Struct("<4s4H2IH")


class ZipRecords:
    """
    Writes records one after another: ``begin``, any number of ``write``, ``end``; at last ``close``.

    The file needs no seeking. Sizes are known beforehand, since a record's place depends on them.
    """

    def __init__(self, file: BinaryIO, folder: str) -> None:
        self.file = file
        self.folder = folder
        self.place = 0
        self.directory: list[bytes] = []

    def add(self, name: str, data: bytes) -> None:
        """Write a whole record."""
        self.begin(name, len(data))
        self.write(data)
        self.end()

    def begin(self, name: str, size: int) -> None:
        """Start the record ``folder/name`` of ``size`` bytes."""
        self.name, self.size, self.start = f"{self.folder}/{name}".encode(), size, self.place
        self.flags = UTF8_NAME | (SIZES_BEHIND_DATA if size else 0)
        self.checksum = self.written = 0
        self.wide = _wide(size, self.start)
        extra = self.wide + struct.pack("<2H", PADDING, 0)
        padding = -(self.start + LOCAL.size + len(self.name) + len(extra)) % ALIGNMENT
        extra = self.wide + struct.pack("<2H", PADDING, padding) + b"Z" * padding
        head = LOCAL.pack(b"PK\3\4", 0, self.flags, 0, 0, 0, 0, 0, 0, len(self.name), len(extra))
        self._put(head + self.name + extra)

    def write(self, data: bytes | memoryview) -> None:
        """Write the next bytes of the record."""
        self.checksum = zlib.crc32(data, self.checksum)
        self.written += len(data)
        self._put(data)

    def end(self) -> None:
        """
        Finish the record.

        Raises:
            ValueError: More or fewer bytes came than ``begin`` was told.
        """
        if self.written != self.size:
            msg = f"record {self.name!r}: expected {self.size} bytes, found {self.written}"
            raise ValueError(msg)
        if self.size:
            sizes = struct.pack("<2Q" if self.wide else "<2I", self.size, self.size)
            self._put(b"PK\7\x08" + struct.pack("<I", self.checksum) + sizes)
        size, start = min(self.size, TOO_LARGE), min(self.start, TOO_LARGE)
        numbers = (
            0,
            0,
            self.flags,
            0,
            0,
            0,
            self.checksum,
            size,
            size,
            len(self.name),
            len(self.wide),
            0,
            0,
            0,
            0,
            start,
        )
        self.directory.append(CENTRAL.pack(b"PK\1\2", *numbers) + self.name + self.wide)

    def close(self) -> None:
        """Write the directory. The file itself stays open."""
        start, count = self.place, len(self.directory)
        self._put(b"".join(self.directory))
        size, end = self.place - start, self.place
        self._put(END_64.pack(b"PK\6\6", END_64.size - 12, 0x031E, 45, 0, 0, count, count, size, start))
        self._put(LOCATOR_64.pack(b"PK\6\7", 0, end, 1))
        few = min(count, TOO_MANY)
        self._put(END.pack(b"PK\5\6", 0, 0, few, few, min(size, TOO_LARGE), min(start, TOO_LARGE), 0))

    def _put(self, data: bytes | memoryview) -> None:
        self.file.write(data)
        self.place += len(data)


def _wide(size: int, start: int) -> bytes:
    """The extra field with those numbers that do not fit into 32 bits; empty if all do."""
    numbers = [size, size] if size >= TOO_LARGE else []
    numbers += [start] if start >= TOO_LARGE else []
    return struct.pack(f"<2H{len(numbers)}Q", ZIP64, 8 * len(numbers), *numbers) if numbers else b""
