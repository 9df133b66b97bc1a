"""Where the real files lie that some tests read; they are third-party data and not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CORPUS = Path(os.environ.get("REGRAFT_CORPUS", Path(__file__).resolve().parents[3] / "shared" / "corpus"))


def corpus_file(name: str) -> Path:
    """A file of the corpus; the test is skipped, saying so, where it is not there."""
    path = CORPUS / name
    if not path.exists():
        pytest.skip(f"the corpus has no {name}: set REGRAFT_CORPUS to its folder")
    return path
