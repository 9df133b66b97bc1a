"""``regraft compare`` as a user runs it: exit codes, the screen, state dicts of all kinds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.graft import twins
from tests.graft.twins import Twin

import regraft
from regraft import samples
from regraft.cli import main

DIGITS = str(samples.path("digits.h5"))


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    monkeypatch.chdir(tmp_path)
    Path("my_net.py").write_text(Path(twins.__file__).read_text())
    module = Twin()
    regraft.graft(DIGITS, module, torch.randn(2, 1, 8, 8))
    torch.save(module.state_dict(), "net.pth")
    np.save("x.npy", np.random.default_rng(1).random((2, 8, 8, 1)))
    return module.state_dict()


def run(*arguments: str) -> int:
    return main(["compare", DIGITS, *arguments, "--no-verify"])


@pytest.mark.usefixtures("state")
def test_equal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("my_net.py:Twin", "--weights", "net.pth", "--samples", "x.npy") == 0
    text = capsys.readouterr().out
    assert "equal: the outputs differ by" in text
    assert "Both models compute the same. (exit code 0)" in text


@pytest.mark.usefixtures("state")
def test_a_mistake_is_named_with_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("my_net.py:Twin(epsilon=1e-5)", "-w", "net.pth") == 1
    text = capsys.readouterr().out
    line = next(i for i, line in enumerate(Path("my_net.py").read_text().splitlines(), 1) if "self.norm1 =" in line)
    for words in (
        "stem_bn (BatchNormalization)",
        f"norm1 in my_net.py:{line}",
        "epsilon is 1e-05; in Keras 0.001",
        "eps=0.001",
    ):
        assert words in text
    assert len(text.splitlines()) <= 50
    assert run("my_net.py:Twin(epsilon=1e-5)", "-w", "net.pth", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert [cause["what"] for cause in report["causes"]] == ["epsilon", "epsilon"]
    assert run("my_net.py:Twin(softmax=False)", "-w", "net.pth", "--quiet") == 1
    assert "first at digit" in capsys.readouterr().err


def test_state_dicts_of_all_kinds(state: dict[str, torch.Tensor], capsys: pytest.CaptureFixture[str]) -> None:
    save_file({k: v.contiguous() for k, v in state.items()}, "net.safetensors")
    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}, "checkpoint.pth")
    for name in ("net.safetensors", "checkpoint.pth"):
        assert run("my_net.py:Twin", "-w", name, "--quiet") == 0
    torch.save({k: v for k, v in state.items() if "running" not in k}, "partly.pth")
    assert run("my_net.py:Twin", "-w", "partly.pth") == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "partly.pth lacks norm2.running_mean" in text
    assert "the moving statistics were not loaded: mean 0 and variance 1" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["my_net.py:Twin", "-w", "none.pth"], "cannot be read as a state dict"),
        (["my_net.py:Twin", "-w", "x.npy"], "cannot be read as a state dict"),
        (["my_net.py:Twin(classes=7)", "-w", "net.pth"], "is the state dict of another module"),
        (["my_net.py:Twin", "-w", "net.pth", "--samples", "net.pth"], "holds several arrays"),
        (["my_net.py:Twin", "-w", "net.pth", "--input-shape", "2,3,8,8"], "is no input of the file's model"),
    ],
)
@pytest.mark.usefixtures("state")
def test_what_cannot_be_used(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("state")
def test_a_model_of_ours_takes_the_weights_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", DIGITS, "-o", "ours", "--no-verify", "--quiet"]) == 0
    assert run("ours/model.py") == 0
    assert run("my_net.py:Twin") == 1
    assert "no --weights were given" in capsys.readouterr().out


def test_a_keras_side_that_nobody_stated_is_not_taken_for_the_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = str(samples.path("digits.weights.h5"))
    for name, file in (("right", DIGITS), ("assumed", weights)):
        main(["convert", file, "--input-shape", "8,8,1", "-o", str(tmp_path / name), "--no-verify", "--quiet"])
    capsys.readouterr()
    shape = ["--input-shape", "2,1,8,8", "--no-verify"]

    assert main(["compare", weights, str(tmp_path / "right" / "model.py"), *shape]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "A difference may lie there and not in your module." in text
    assert "the mistake may be on either side. (exit code 1)" in text
    assert main(["compare", weights, str(tmp_path / "assumed" / "model.py"), *shape]) == 3
    text = " ".join(capsys.readouterr().out.split())
    assert "Both compute the same, if the architecture of the Keras side is what was assumed. (exit code 3)" in text
