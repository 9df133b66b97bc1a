"""Every row of the threat model: a typed error, no byte of another file, bounded memory and time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.weights import hostile_npz  # noqa: F401 - enters its cases
from tests.weights.hostile import CASES, build_all

MEGABYTES, SECONDS = 300, 2.0


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What came of reading every hostile file in another process, by name."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = folder / "paths.json"
    paths.write_text(json.dumps(build_all(folder)))
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.weights.hostile", str(paths)],
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": f"src{os.pathsep}.", "PATH": "", "HDF5_PLUGIN_PATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"after {lines[-1]['name'] if lines else 'nothing'}: {done.stderr[-2000:]}"
    return {line["name"]: line for line in lines}


@pytest.mark.parametrize("name", CASES)
def test_hostile_file(name: str, outcomes: dict[str, dict[str, Any]]) -> None:
    _, expected, says = CASES[name]
    outcome = outcomes[name]
    assert outcome["outcome"] == expected, outcome["message"]
    assert says in outcome["message"]
    assert not outcome["leaked"]
    assert outcome["seconds"] < SECONDS


def test_memory(outcomes: dict[str, dict[str, Any]]) -> None:
    peaks = {name: outcome["megabytes"] for name, outcome in outcomes.items()}
    assert max(peaks.values()) < MEGABYTES, sorted(peaks.items(), key=lambda item: item[1])[-3:]
