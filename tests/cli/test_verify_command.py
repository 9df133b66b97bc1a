"""``regraft verify`` as a user runs it: exit codes, one screen, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regraft.cli import main
from regraft.samples import path as sample

DIGITS = str(sample("digits.keras"))


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.chdir(tmp_path)
    assert main(["convert", DIGITS, "-o", "out", "--no-verify", "--quiet"]) == 0
    capsys.readouterr()
    return "out"


@pytest.mark.oracle
def test_a_result_that_is_right(out: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", out, "--against", DIGITS, "--low-memory"]) == 0
    text = capsys.readouterr().out
    assert "equal to Keras" in text
    assert "The result computes what the Keras model does" in text
    assert len(text.splitlines()) <= 23, "one screen"


@pytest.mark.oracle
def test_a_wrong_setting_is_named_with_the_line_to_change(out: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = Path(out, "model.py")
    code.write_text(code.read_text().replace("20, 3, stride=2)", "20, 3, stride=2, padding=1)"))
    assert main(["verify", out, "--against", DIGITS]) == 1
    text = capsys.readouterr().out
    assert "the code raises an error" in text
    assert "self.conv2d_1 = nn.Conv2d(12, 20, kernel_size=(3, 3)" in text
    assert "regraft convert" in text


@pytest.mark.oracle
def test_json_and_quiet(out: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = Path(out, "model.py")
    code.write_text(code.read_text().replace("eps=0.001", "eps=0.2", 1))
    assert main(["verify", out, "--against", DIGITS, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["status"], found["exit_code"]) == ("regraft-verification/1", "different", 1)
    assert found["comparison"]["first"]["layer"] == "stem_bn"
    assert main(["verify", out, "--against", DIGITS, "--quiet", "--patience", "1"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "first at layer 'stem_bn'" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing", "--against", DIGITS], "there is no such folder"),
        (["out", "--against", "missing.h5"], "no such file"),
        (["out", "--against", "missing.py:build"], "there is no such file"),
        (["out", "--against", DIGITS, "--samples", "missing.npy"], "cannot be read as samples"),
    ],
)
def test_what_cannot_be_used(arguments: list[str], words: str, out: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert out == "out"
    assert main(["verify", *arguments]) == 2
    assert words in capsys.readouterr().err
