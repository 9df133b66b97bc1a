"""
The emitted code of a few models, line by line; a change shows up in review.

``scripts/golden`` writes the files anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.golden.cases import CASES
from tests.twin import converted

from regraft.samples import path as sample

HERE = Path(__file__).parent
WRITE = os.environ.get("REGRAFT_GOLDEN") == "write"


def compare(name: str, source: str) -> None:
    """The emitted source against the kept file; with ``REGRAFT_GOLDEN=write`` the file is made anew."""
    kept = HERE / f"{name}.py"
    if WRITE:
        kept.write_text(source, encoding="utf-8")
    assert source == kept.read_text(encoding="utf-8"), (
        f"{kept.name} has changed: look at the difference, then run scripts/golden"
    )


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_emitted_code(name: str, tmp_path: Path) -> None:
    import keras

    keras.backend.clear_session()  # automatic layer names count from the beginning, whatever ran before
    file = tmp_path / "model.keras"
    CASES[name]().save(file)
    compare(name, converted(file, selftest=True).source)


@pytest.mark.parametrize("name", ["digits.h5", "digits.keras"])
def test_emitted_code_of_the_sample(name: str) -> None:
    compare(name.replace(".", "_"), converted(sample(name), selftest=True).source)


@pytest.mark.parametrize(
    "arguments", [["format", "--check"], ["check", "--select", "E,F,W,I,UP,B,C4,SIM"]], ids=["format", "lint"]
)
def test_golden_files_are_as_ruff_would_have_them(arguments: list[str]) -> None:
    files = [
        str(path)
        for path in sorted(HERE.glob("*.py"))
        if path.name not in ("cases.py", "test_golden.py", "__init__.py")
    ]
    command = [
        sys.executable,
        "-m",
        "ruff",
        *arguments,
        "--isolated",
        "--line-length",
        "120",
        "--target-version",
        "py311",
        *files,
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
