"""The SHA-256 of the input, computed beside the conversion."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path


class Digest:
    """Starts hashing a file in a thread of its own; ``hex`` waits for the result. Empty for a folder."""

    def __init__(self, file: str | os.PathLike[str]) -> None:
        pool = ThreadPoolExecutor(1, thread_name_prefix="regraft-digest")
        self._result: Future[str] = pool.submit(_sha256, Path(file))
        pool.shutdown(wait=False)

    def hex(self) -> str:
        """The digest in hexadecimal."""
        return self._result.result()


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
