"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from regraft.errors import OutputError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(target: Path, *, force: bool = False) -> Generator[BinaryIO]:
    """
    Open a file to write that takes the place of ``target`` once the block ends without an error.

    Until then the bytes go to a new file beside it; after an error that file is removed and ``target`` is as it was.

    Raises:
        OutputError: ``target`` exists and ``force`` is off, its folder is missing or closed to us, or the disk is full.
    """
    _check(target, force)
    partial = target.with_name(f".regraft-{secrets.token_hex(8)}.part")
    try:
        with partial.open("xb") as file:  # "x" never follows or opens what somebody else put there
            yield file
        _check(target, force)
        partial.replace(target)
    except OSError as error:
        if error.errno in FULL:
            msg = f"{target}: {error.strerror}. Nothing was written; free some space or choose another folder."
            raise OutputError(msg) from error
        if error.filename == str(partial):
            msg = f"{target}: cannot be written: {error.strerror}. Choose another folder with -o."
            raise OutputError(msg) from error
        raise
    finally:
        partial.unlink(missing_ok=True)


def _check(target: Path, force: bool) -> None:
    if target.is_dir():
        msg = f"{target}: expected a file to write, found a folder. Give another name."
        raise OutputError(msg)
    if not target.parent.is_dir():
        msg = f"{target}: the folder {target.parent} does not exist. Create it first."
        raise OutputError(msg)
    if not force and os.path.lexists(target):
        msg = (
            f"{target}: exists already and was left as it is. Give --force to overwrite it, or another folder with -o."
        )
        raise OutputError(msg)
