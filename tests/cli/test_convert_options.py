"""--custom and --format keras from the command line."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from tests.cli.test_main import DIGITS, lambda_model

from regraft.cli import main

TWICE = "from regraft.layers import Form, Layer\n\nclass Twice(Layer):\n    lambda_layers = ('code',)\n"
TWICE += "    def torch(self, site):\n        return Form(('2 * %0',))\n"


def test_a_file_of_layers_completes_the_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(lambda_model(tmp_path / "m.h5"))
    (tmp_path / "mine.py").write_text(TWICE)
    options = ["-o", str(tmp_path / "out"), "--no-verify", "--custom", str(tmp_path / "mine.py")]

    assert main(["convert", model, *options]) == 0

    text = " ".join(capsys.readouterr().out.split())
    assert "gives the PyTorch form of code (Twice)" in text
    assert "x = 2 * x" in (tmp_path / "out" / "model.py").read_text()
    assert main(["convert", model, "-o", str(tmp_path / "without"), "--no-verify"]) == 3


def test_a_placeholder_says_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(lambda_model(tmp_path / "m.h5"))
    main(["convert", model, "-o", str(tmp_path / "out"), "--no-verify"])
    assert "--all shows every layer, and the start of the file for --custom" in capsys.readouterr().out
    main(["convert", model, "-o", str(tmp_path / "out"), "--no-verify", "--force", "--all"])

    text = capsys.readouterr().out
    assert "Next: write that layer in PyTorch, and convert again with --custom my_layers.py\n" in text
    assert '  class Code(Layer):\n      lambda_layers = ("code",)\n' in text
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["next_step"].startswith("from regraft.layers import Form, Layer, Site, Weight\n")


def test_a_wrong_file_of_layers_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text("x = 1")
    assert main(["convert", DIGITS, "-o", str(tmp_path / "out"), "--custom", str(tmp_path / "mine.py")]) == 2
    assert "declares no layer" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_back_to_keras(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["convert", DIGITS, "-o", str(out), "--no-verify", "--format", "keras"]) == 0
    assert "architecture.json, blueprint.toml, report.json, report.html, model.keras" in " ".join(
        capsys.readouterr().out.split()
    )
    with zipfile.ZipFile(out / "model.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert json.loads(archive.read("metadata.json")) == {"keras_version": "3.15.0"}
    assert main(["convert", DIGITS, "-o", str(out), "--no-verify", "--format", "keras"]) == 2
    assert "already holds" in capsys.readouterr().err


def test_a_placeholder_has_no_way_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(lambda_model(tmp_path / "m.h5"))
    assert main(["convert", model, "-o", str(tmp_path / "out"), "--no-verify", "--format", "keras"]) == 2
    assert "is a placeholder" in " ".join(capsys.readouterr().err.split())
