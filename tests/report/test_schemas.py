"""What the commands print with --json keeps to the schemas in docs/schemas, and those to the code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from regraft import samples
from regraft.cli import main
from regraft.report.as_json import finite

ROOT = Path(__file__).parents[2]
DIGITS = str(samples.path("digits.h5"))
WEIGHTS = str(samples.path("digits.weights.h5"))


def schema(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "docs" / "schemas" / f"{name}.json").read_text())


def check(text: str, name: str) -> dict[str, Any]:
    found = json.loads(text, parse_constant=pytest.fail)
    Draft202012Validator(schema(name)).validate(found)
    assert found["schema"] == name.replace("-1", "/1")
    return found


def test_the_schemas_are_up_to_date() -> None:
    made = subprocess.run(
        [sys.executable, "scripts/schemas.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "schemas").glob("*.json")), ids=lambda path: path.stem)
def test_every_schema_is_one_and_every_field_is_described(path: Path) -> None:
    found = json.loads(path.read_text())
    Draft202012Validator.check_schema(found)
    assert found["title"] == found["properties"]["schema"]["const"] == path.stem.replace("-1", "/1")
    reports = {"regraft-report-1", "regraft-graft-1", "regraft-comparison-1", "regraft-verification-1"}
    assert ("exit_code" in found["properties"]) == (path.stem in reports)


@pytest.mark.parametrize(
    ("arguments", "name", "code"),
    [
        (["inspect", DIGITS], "regraft-inspection-1", 0),
        (["inspect", WEIGHTS], "regraft-inspection-1", 0),
        (["convert", DIGITS, "--no-verify"], "regraft-report-1", 0),
        (["convert", WEIGHTS, "--no-verify", "--input-shape", "8,8,1"], "regraft-report-1", 3),
    ],
)
def test_what_is_printed_keeps_to_its_schema(
    arguments: list[str], name: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["-o", str(tmp_path / "out")] if arguments[0] == "convert" else []
    assert main([*arguments, *out, "--json"]) == code
    found = check(capsys.readouterr().out, name)
    if out:
        assert found["exit_code"] == code
        check((tmp_path / "out" / "report.json").read_text(), name)


def test_a_graft_keeps_to_its_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", DIGITS, "--no-verify", "--quiet", "-o", str(tmp_path / "out")]) == 0
    target = f"{tmp_path / 'out' / 'model.py'}:Model"
    code = main(["graft", DIGITS, target, "-o", str(tmp_path / "m.pth"), "--no-verify", "--json"])
    assert check(capsys.readouterr().out, "regraft-graft-1")["exit_code"] == code == 0


@pytest.mark.parametrize("text", ["\x89HDF", "<html>", "version https://git-lfs.github.com/spec/v1\n", ""])
def test_an_error_keeps_to_its_schema(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.h5").write_text(text, encoding="latin-1")
    assert main(["convert", str(tmp_path / "m.h5"), "-o", str(tmp_path / "out"), "--json"]) == 2
    assert check(capsys.readouterr().out, "regraft-error-1")["error"]["message"]


def test_a_field_more_or_less_is_found() -> None:
    main_schema = schema("regraft-report-1")
    with pytest.raises(ValidationError):
        Draft202012Validator(main_schema).validate({"schema": "regraft-report/1"})


def test_no_number_that_json_does_not_have() -> None:
    assert finite({"a": [float("nan"), 1.5], "b": (float("-inf"), "x")}) == {"a": [None, 1.5], "b": [None, "x"]}
