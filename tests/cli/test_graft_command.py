"""``regraft graft`` as a user runs it: exit codes, files, the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.graft import twins
from tests.graft.twins import Twin

from regraft import samples
from regraft.cli import main

DIGITS = str(samples.path("digits.h5"))


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("my_net.py").write_text(Path(twins.__file__).read_text())
    return "my_net.py:Twin"


def test_a_module_that_fits(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graft", DIGITS, net, "--no-verify"]) == 0
    text = capsys.readouterr().out
    assert "the module computes what the file's model does" in text
    assert "Done: the module has the weights" in text
    module = Twin()
    module.load_state_dict(torch.load("digits.pth", weights_only=True))
    assert not torch.equal(module.norm1.weight, torch.ones(12))
    assert 'to = ["entry.weight"]' in Path("mapping.toml").read_text()


@pytest.mark.oracle
def test_the_files_model_is_checked_against_keras(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graft", DIGITS, net, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verification"]["status"] == "equal"
    assert report["statistics"]["layers"]
    assert report["schema"] == "regraft-graft/1"


def test_what_differs_is_listed_with_its_effect(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graft", DIGITS, f"{net}(epsilon=1e-5)", "--no-verify", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    first = report["differences"][0]
    assert (first["where"], first["what"], first["expected"]) == ("norm1", "epsilon", "0.001")
    assert 0.01 < first["effect"] < 1
    assert (report["status"], report["first"]) == ("different", "norm1")
    errors = {pair["module"]: (pair["error"], pair["alone"]) for pair in report["pairs"]}
    assert errors["down"][0] > 0.01, "what comes behind is off"
    assert errors["down"][1] < 1e-12, "and not by its own fault"


def test_fix_sets_what_can_be_set(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graft", DIGITS, f"{net}(epsilon=1e-5)", "--no-verify", "--fix", "--json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert all(row["fixed"] for row in report["differences"])
    module = Twin(epsilon=1e-5)
    module.load_state_dict(torch.load("digits.pth", weights_only=True))
    assert module.norm1.eps == 1e-5, "the state dict does not hold it"
    for line in report["settings"]:
        exec(line, {"model": module})  # noqa: S102 - our own output
    assert module.norm1.eps == module.norm2.eps == 0.001


def test_what_was_set_is_shown_as_lines_for_the_users_code(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graft", DIGITS, f"{net}(epsilon=1e-5)", "--no-verify", "--fix"]) == 3
    text = capsys.readouterr().out
    assert "Set these in your code too: digits.pth holds weights only" in text
    assert 'model.get_submodule("norm1").eps = 0.001' in text


def test_nothing_is_written_where_weights_do_not_fit(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graft", DIGITS, f"{net}(classes=7)", "--no-verify"]) == 2
    assert "The weights do not fit: nothing was written." in capsys.readouterr().out
    assert not Path("digits.pth").exists()
    assert not Path("mapping.toml").exists()


def test_results_are_not_replaced_without_force(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("digits.pth").write_text("mine")
    assert main(["graft", DIGITS, net, "--no-verify"]) == 2
    assert "digits.pth exists" in capsys.readouterr().err
    assert Path("digits.pth").read_text() == "mine"
    assert main(["graft", DIGITS, net, "--no-verify", "--force", "--quiet"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the module"),
        (["nothing.py:Net"], "no such file"),
        (["my_net.py:Other"], "its classes: Twin"),
        (["my_net.py:Twin", "--input-shape", "2,8,8,1"], "--input-shape N,C,H,W"),
        (["my_net.py:Twin", "--input-shape", "2,1,8,8", "--input-shape", "2,3"], "1 inputs, 2 shapes"),
        (["--reverse"], "--mapping mapping.toml and --into"),
    ],
)
def test_what_cannot_be_done_is_said(
    net: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graft", DIGITS, *arguments, "--no-verify"]) == 2
    assert message in capsys.readouterr().err


def test_an_edited_mapping_is_applied(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graft", DIGITS, net, "--no-verify", "--quiet"]) == 0
    text = Path("mapping.toml").read_text()
    swapped = text.replace("first.", "x.").replace("second.", "first.").replace("x.", "second.")
    assert swapped != text
    Path("mapping.toml").write_text(swapped)
    assert main(["graft", DIGITS, f"{net}(swapped=True)", "--mapping", "mapping.toml", "--force", "--no-verify"]) == 0
    assert Path("mapping.toml").read_text() == swapped
    capsys.readouterr()
    assert main(["graft", DIGITS, net, "--mapping", "mapping.toml", "--force", "--no-verify", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["first"] == "first"


def test_the_way_back(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graft", DIGITS, net, "--no-verify", "--quiet"]) == 0
    back = ["graft", "--reverse", "digits.pth", "--mapping", "mapping.toml", "--into", "again.h5"]
    assert main(back) == 2
    assert "--from" in capsys.readouterr().err
    assert main([*back, "--from", DIGITS]) == 0
    assert Path("again.h5").read_bytes() == Path(DIGITS).read_bytes()
    state = torch.load("digits.pth", weights_only=True)
    state["head.bias"] += 1
    torch.save(state, "digits.pth")
    assert main(back) == 0
    assert "1 array has new numbers" in capsys.readouterr().out
    assert main([*back, "--from", DIGITS]) == 2
    assert "again.h5 exists" in capsys.readouterr().err
