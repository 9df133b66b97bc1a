from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import regraft
import regraft.inspection
from regraft import samples
from regraft.cli import main
from regraft.cli.options import shape_of

DIGITS = str(samples.path("digits.h5"))


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "regraft", *arguments], capture_output=True, text=True, check=False, **options
    )


def lambda_model(path: Path, name: str = "code") -> Path:
    """A whole model with one layer that is code."""
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 3]}},
        {"class_name": "Dense", "config": {"name": "dense", "units": 5, "activation": "relu"}},
        {"class_name": "Lambda", "config": {"name": name}},
    ]
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": layers}})
        file.attrs["keras_version"], file.attrs["backend"] = "2.3.1", "tensorflow"
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = np.array(["dense", name], h5py.string_dtype())
        group = weights.create_group("dense")
        group.attrs["weight_names"] = np.array(["dense/kernel:0", "dense/bias:0"], h5py.string_dtype())
        group["dense/kernel:0"], group["dense/bias:0"] = np.ones((3, 5), np.float32), np.zeros(5, np.float32)
        weights.create_group(name).attrs["weight_names"] = np.zeros(0)
    return path


# ---- arguments


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{regraft.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["convert", "--help"], ["inspect", "--help"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "Usage: regraft" in text
    assert "Exit codes: 0 done and checked; 1 a check failed; 2" in text


def test_every_option_of_convert_is_in_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    main(["convert", "--help"])
    text = capsys.readouterr().out
    options = (
        "-o --out --architecture --input-shape --samples --labels --pairs --set --candidates --format --force "
        "--no-verify --theano-kernels --no-theano-kernels"
    )
    for option in f"{options} --quiet --json --all --debug".split():
        assert f"{option} " in text
    assert "--empty-" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect"], "FILE"),
        (["inspekt", DIGITS], 'Did you mean "inspect"?'),
        (["inspect", DIGITS, "--nope"], "--nope"),
        (["convert", DIGITS, "--format", "onnx"], '"pth", "safetensors", "both"'),
        (["convert", DIGITS, "--input-shape", "64,a"], "expected axis lengths without the batch"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert message in re.sub(r"[\s│]+", " ", seen.err)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("64,48,1", (64, 48, 1)),
        ("?,48,none", (None, 48, None)),
        ("(64, 48, 1)", (64, 48, 1)),
        ("10,", (10,)),
        ("7", (7,)),
    ],
)
def test_input_shapes(text: str, shape: tuple[int | None, ...]) -> None:
    assert shape_of(text) == shape


@pytest.mark.parametrize("text", ["", "0", "-1,3", "64x64", "64,,1", "1e3", "9" * 30, "\u0664"])
def test_input_shapes_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected axis lengths"):
        shape_of(text)


# ---- errors


def test_a_file_that_is_not_keras_is_said_to_be_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.h5"
    path.write_text("<!doctype html><html>", encoding="utf-8")

    assert main(["inspect", str(path)]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert (
        seen.err
        == f"""\
regraft: NotKerasError (web page)
  {path}: this is a web page, so the download failed.
  Download again through the link to the raw file, and check the size.
"""
    )


@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_errors_for_programs(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.h5"
    path.write_bytes(b"")

    assert main([command, str(path), "--json"]) == 2
    seen = capsys.readouterr()
    assert json.loads(seen.out) == {
        "schema": "regraft-error/1",
        "error": {
            "type": "NotKerasError",
            "message": f"{path}: the file is empty. Download or copy the file again.",
            "file": str(path),
            "reason": "the file is empty.",
            "path": "",
            "hint": "Download or copy the file again.",
            "kind": "empty file",
        },
    }
    assert seen.err.startswith("regraft: NotKerasError (empty file)\n")


def test_weights_without_an_architecture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The architecture is recovered; what rests on convention is listed, and the exit code says that nobody stated it."""
    path = samples.path("digits.weights.h5")

    options = ["--input-shape", "8,8,1", "--candidates", "2", "--set", "max_pooling2d.pool_size=2,1", "--no-verify"]
    assert main(["convert", str(path), "-o", str(tmp_path / "out"), *options]) == 3
    seen = capsys.readouterr()
    assert seen.err == ""
    assert "recovered from the weights" in seen.out
    assert "Assumed: convention, not in the file" in seen.out
    assert "It may also be" in seen.out
    for folder in (tmp_path / "out", tmp_path / "out" / "candidate_2"):
        assert {"model.py", "model.pth", "architecture.json", "blueprint.toml"} <= {f.name for f in folder.iterdir()}
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    choices = {choice["subject"]: choice for choice in report["choices"]}
    assert (choices["max_pooling2d.pool_size"]["value"], choices["max_pooling2d.pool_size"]["label"]) == (
        "2, 1",
        "proved",
    )
    assert report["source"]["architecture"] == "recovered"
    assert report["statistics"]["layers"][0]["verdict"] in ("fits", "cannot tell")
    assert len(report["candidates"]) >= 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("nowhere.strides=2", "no such layer"),
        ("stem.colour=2", "no setting"),
        ("stem.strides=many", "strides"),
    ],
)
def test_an_answer_that_fits_nothing(
    answer: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = samples.path("digits.weights.h5")
    assert main(["convert", str(path), "-o", str(tmp_path / "out"), "--input-shape", "8,8,1", "--set", answer]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_text_from_a_hostile_file_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["\x1b]0;x\x07[red]"] = np.zeros(3)

    assert main(["inspect", str(tmp_path / "x.h5")]) == 2
    seen = capsys.readouterr()
    assert "[red]" in seen.err
    assert "\x1b" not in seen.err
    assert "\x07" not in seen.err


def test_a_bug_is_called_a_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_: object) -> None:
        raise KeyError("axis\x1b")

    monkeypatch.setattr(regraft.inspection, "inspect", broken)

    assert main(["inspect", DIGITS]) == 2
    assert (
        capsys.readouterr().err
        == r"""regraft: internal error
  KeyError: 'axis\x1b'
  This is a bug in regraft. Please report it: https://github.com/regraft/regraft/issues
  --debug shows where it arose.
"""
    )
    assert main(["inspect", DIGITS, "--debug"]) == 2
    assert "Traceback (most recent call last):" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (KeyboardInterrupt(), 130, "regraft: interrupted\n  Stopped before the end; no file is left half written.\n"),
        (
            PermissionError(13, "Permission denied", "x"),
            2,
            "regraft: PermissionError\n  [Errno 13] Permission denied: 'x'\n",
        ),
        (MemoryError(), 2, "regraft: MemoryError\n  MemoryError\n"),
    ],
)
def test_what_the_system_says(
    error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_: object) -> None:
        raise error

    monkeypatch.setattr(regraft.inspection, "inspect", stopped)
    assert main(["inspect", DIGITS]) == code
    assert capsys.readouterr().err == text


# ---- inspect


def test_inspect_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", DIGITS, "--json"]) == 0
    seen = capsys.readouterr()
    assert json.loads(seen.out)["schema"] == "regraft-inspection/1"
    assert seen.err == ""


def test_a_reader_that_leaves_is_no_error() -> None:
    code = "import sys; from regraft.cli import main; sys.stdin.read(); sys.exit(main(['inspect', sys.argv[1]]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, DIGITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stdin is not None
    process.stdin.close()
    assert process.stderr is not None
    with process.stderr as stderr:
        assert stderr.read() == b""
    assert process.wait() == 0


def test_an_output_without_unicode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert main(["inspect", str(lambda_model(tmp_path / "m.h5", name="größe"))]) == 0
    assert b"  gr\\xf6\\xdfe " in raw.getvalue()


# ---- convert


def test_convert_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", DIGITS, "-o", str(tmp_path), "--no-verify", "--json"]) == 0
    seen = capsys.readouterr()
    assert seen.out == (tmp_path / "report.json").read_text(encoding="utf-8")
    assert json.loads(seen.out)["verification"]["status"] == "not verified"
    assert seen.err == ""
    assert {p.name for p in tmp_path.iterdir()} == {
        "architecture.json", "blueprint.toml", "model.pth", "model.py", "report.html", "report.json",
    }  # fmt: skip


def test_convert_with_an_architecture_beside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", DIGITS, "-o", str(tmp_path / "a"), "--no-verify", "--quiet"]) == 0
    weights, beside = str(samples.path("digits_legacy_weights.h5")), str(tmp_path / "a" / "architecture.json")
    arguments = ["convert", weights, "--architecture", beside, "-o", str(tmp_path / "b"), "--no-verify"]

    assert main([*arguments, "--format", "both"]) == 0
    seen = capsys.readouterr()
    assert "  architecture  architecture.json\n" in seen.out
    assert "Done, not verified against Keras. (exit code 0)\n" in seen.out
    assert not any(line.endswith(" ") for line in seen.out.splitlines())
    assert (tmp_path / "b" / "model.safetensors").is_file()


def test_quiet_says_nothing_if_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", DIGITS, "-o", str(tmp_path), "--no-verify", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_nothing_is_overwritten_without_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.py").write_text("mine", encoding="utf-8")
    arguments = ["convert", DIGITS, "-o", str(tmp_path), "--no-verify", "--quiet"]

    assert main(arguments) == 2
    assert "regraft: OutputError\n" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["model.py"]
    assert main([*arguments, "--force"]) == 0
    assert "class Model" in (tmp_path / "model.py").read_text(encoding="utf-8")


def test_placeholders_end_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lambda_model(tmp_path / "m.h5", name="[red]x[/red]")

    assert main(["convert", str(path), "-o", str(tmp_path / "out"), "--no-verify"]) == 3
    text = capsys.readouterr().out
    assert "Placeholders: these raise in forward\n  - [red]x[/red] (Lambda): " in text
    assert text.endswith("Done, and not complete: 1 placeholder. (exit code 3)\n")


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["convert", DIGITS, "-o", str(tmp_path / "file" / "out"), "--no-verify"]) == 2
    assert "regraft: OutputError\n" in capsys.readouterr().err


def test_a_failed_check_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from regraft.report import VerificationRow

    _ = regraft.convert
    failed = VerificationRow("different", first_failure="stem\x1b", compared=3, total=5)
    _ = regraft.verify
    monkeypatch.setattr(sys.modules["regraft.verification"], "check", lambda *_, **__: failed)

    assert main(["convert", DIGITS, "-o", str(tmp_path)]) == 1
    assert "first layer that differs is stem\\x1b. (exit code 1)" in " ".join(capsys.readouterr().out.split())
    assert main(["convert", DIGITS, "-o", str(tmp_path), "--force", "--quiet"]) == 1
    expected = "regraft: CheckFailed\n  the result differs from Keras, first at layer 'stem\\x1b'. Do not use it.\n"
    assert capsys.readouterr() == ("", expected)


def test_converting_without_a_check_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from regraft.cli import main; code = main(sys.argv[1:]);"
        "print(code, {'torch', 'keras', 'tensorflow', 'safetensors.torch'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "convert", DIGITS, "-o", tmp_path, "--no-verify", "--quiet", "--format", "both"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("0 set()\n", "")


def test_the_module_can_be_run() -> None:
    done = run("inspect", DIGITS, env={"PYTHONPATH": str(Path(regraft.__file__).parents[1]), "PATH": ""})
    assert done.returncode == 0
    assert done.stdout.startswith(f"{DIGITS}\n  what  ")
