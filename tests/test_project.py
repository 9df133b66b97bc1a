"""Laws of the repository itself: what is promised about scripts, versions and imports is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import regraft

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SCRIPTS = ["bench", "browser", "check", "conformance", "demo", "docs", "environment", "format", "picture", "test"]


def canonical(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {canonical(line): line.split("==")[1] for line in lines if not line.startswith("#")}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_can_be_run(name: str) -> None:
    script = ROOT / "scripts" / name
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


@pytest.mark.parametrize("extra", ["", "dev", "docs", "oracle"])
def test_every_requirement_is_pinned(extra: str) -> None:
    wanted = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    assert {canonical(requirement) for requirement in wanted} <= pinned().keys()


def test_pins_name_no_build() -> None:
    assert all(re.fullmatch(r"[\d.]+(post\d+)?", version) for version in pinned().values())


def test_the_changelog_knows_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{regraft.__version__}]" in changelog
    assert f"version: {regraft.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_command_line_starts_without_the_frameworks() -> None:
    code = "import sys, regraft, regraft.cli; print({'torch', 'keras', 'tensorflow', 'tf_keras'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
