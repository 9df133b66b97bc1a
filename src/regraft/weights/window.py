"""A stretch of a regular file, opened read-only: the whole file, or one uncompressed member of an archive."""

from __future__ import annotations

import errno
import io
import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from regraft.errors import FileError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def open_regular(path: Path) -> io.FileIO:
    """
    Open a regular file for reading, without buffering.

    Pipes and devices are refused before they are opened, because opening alone can block or have effects.

    Raises:
        FileError: If there is no such file, or it is not a regular file, or it cannot be opened.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileError(path, "this is not a regular file.", hint="Give the path of a Keras weights file.")
        file = io.FileIO(path, "r")
    except FileNotFoundError:
        raise FileError(path, "there is no such file.") from None
    except (OSError, ValueError) as error:
        raise FileError(path, f"the file cannot be opened ({_reason(error)}).") from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise FileError(path, "this is not a regular file.")
    return file


def _reason(error: OSError | ValueError) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__


class Window(io.RawIOBase):
    """
    Bytes ``start`` to ``start + size`` of a file, as a read-only file of their own.

    h5py reads the HDF5 file inside a .keras archive through this in place. ``ZipFile.open`` would start again
    from the beginning of the member at every seek back.
    """

    def __init__(self, file: io.FileIO, start: int = 0, size: int | None = None) -> None:
        self._file, self._start = file, start
        self.size = os.fstat(file.fileno()).st_size - start if size is None else size
        self._position = 0
        self._lock = threading.Lock()

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position from the start of the window."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move; positions past the end read as the end, as in any file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "negative position")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """
        Fill the buffer as far as the window goes.

        One system call reads at most 2 GiB, and h5py does not look at the count: a short read would leave old
        memory in an array.

        Raises:
            OSError: If the file is shorter than it was when it was opened.
        """
        view = memoryview(buffer).cast("B")
        done = self._read_at(self._position, view)
        if done < min(len(view), self.size - self._position):
            raise OSError(errno.EIO, "the file became shorter while it was being read")
        self._position += done
        return done

    def read_at(self, offset: int, count: int) -> bytes:
        """``count`` bytes at ``offset``; fewer at the end of the window. Does not move the position."""
        data = bytearray(max(0, min(count, self.size - offset)) if offset >= 0 else 0)
        return bytes(data[: self._read_at(offset, memoryview(data))])

    def _read_at(self, offset: int, view: memoryview) -> int:
        wanted = max(0, min(len(view), self.size - offset))
        done = 0
        if not wanted:
            return 0
        with self._lock:
            self._file.seek(self._start + offset)
            while done < wanted:
                count = self._file.readinto(view[done:wanted])
                if not count:
                    break
                done += count
        return done

    def close(self) -> None:
        """Close the window and the file below it."""
        if not self.closed:
            self._file.close()
        super().close()
