"""Checksums: a ``.keras`` archive carries one for each member, which reading in place would not look at."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

from regraft.errors import FileError

CHUNK = 1 << 20


def check_checksums(path: str | os.PathLike[str]) -> None:
    """
    Read every member of a zip archive once and compare its checksum; other files have none and pass.

    Raises:
        FileError: If the bytes of a member are not those that were written.
    """
    file = Path(path)
    if not file.is_file() or not zipfile.is_zipfile(file):
        return
    hint = "The file was damaged after it was written: get another copy."
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            try:
                with archive.open(member) as stream:
                    while stream.read(CHUNK):
                        pass
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
                raise FileError(file, f"the checksum is wrong: {error}.", path=member.filename, hint=hint) from error
