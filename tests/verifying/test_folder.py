"""A result as it lies in its folder; code that is the same, or not; settings that differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from regraft.blueprint import Blueprint
from regraft.convert import convert
from regraft.errors import FileError
from regraft.samples import path as sample
from regraft.stated import read_blueprint
from regraft.verifying.folder import Folder, read_folder, same_code
from regraft.verifying.settings import command_for, setting_rows
from regraft.weights import read


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result whose architecture was recovered, and not rightly."""
    out = tmp_path_factory.mktemp("recovered") / "out"
    convert(sample("digits.weights.h5"), out, input_shape=(8, 8, 1), verify=False)
    return out


@pytest.fixture(scope="module")
def stated() -> Blueprint:
    return read_blueprint(read(sample("digits.h5")), None, None)


def test_what_lies_there(result: Path) -> None:
    found = read_folder(result)
    assert [path.name for path in found.weights] == ["model.pth"]
    assert (Path(found.file).name, found.recovered, found.orders) == ("digits.weights.h5", True, ("channels first",))
    assert found.blueprint is not None
    assert found.notes == ()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (None, "there is no such folder"),
        ({}, "has no model.py"),
        ({"model.keras": "x"}, "holds model.keras and no model.py"),
        ({"model.py": "x = 1"}, "has no model.pth and no model.safetensors"),
        ({"model.py": "def (", "model.pth": ""}, "cannot be read as Python"),
    ],
)
def test_what_is_no_result(files: dict[str, str] | None, words: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    if files is not None:
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
    with pytest.raises(FileError, match=words):
        read_folder(folder)


def test_a_damaged_blueprint_is_a_note(result: Path, tmp_path: Path) -> None:
    for name in ("model.py", "model.pth"):
        (tmp_path / name).write_bytes((result / name).read_bytes())
    (tmp_path / "blueprint.toml").write_text("no toml")
    (tmp_path / "report.json").write_text("[1, 2]")
    found = read_folder(tmp_path)
    assert (found.blueprint, found.file, found.orders) == (None, "", ())
    assert "blueprint.toml was not used" in found.notes[0]


CODE = '"""Head."""\nimport torch\n\nclass Model:\n    """Doc."""\n    def forward(self, x):\n        return x + 1  # (batch, 3)\n'


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (CODE, True),
        (CODE.replace("Head.", "Converted from another file."), True),
        (CODE.replace('    """Doc."""\n', ""), True),
        (CODE.replace("# (batch, 3)", ""), True),
        (CODE.replace("x + 1", "x + 2"), False),
        (CODE.replace("import torch\n", "import torch\nprint('ran')\n"), False),
    ],
)
def test_same_code(other: str, same: bool) -> None:
    assert same_code(CODE, other) is same


def test_settings_that_differ_and_the_command(result: Path, stated: Blueprint) -> None:
    folder = read_folder(result)
    assert folder.blueprint is not None
    rows = setting_rows(folder.blueprint, stated)
    found = {row.subject: (row.here, row.there, row.training) for row in rows}
    assert found["max_pooling2d.pool_size"] == ("2, 2", "2, 1", False)
    assert found["residual_conv.activation"] == ("relu", "linear", False)
    assert found["dropout.rate"] == ("0.5", "0.3", True)
    assert {row.label for row in rows if not row.training} <= {"assumed", "open"}
    command = command_for(folder, rows, stated, "digits.h5", is_file=True)
    assert command.startswith(f"regraft convert {folder.file} --input-shape 8,8,1 --set ")
    assert "--set max_pooling2d.pool_size=2,1" in command
    assert "dropout" not in command


def test_connections_that_differ(stated: Blueprint) -> None:
    calls = tuple(replace(call, inputs=call.inputs[::-1]) if call.layer == "skip" else call for call in stated.calls)
    (row,) = setting_rows(replace(stated, calls=calls), stated)
    assert (row.subject, row.here, row.there) == ("skip.input", "residual_conv, re_lu", "re_lu, residual_conv")


def test_without_recovery_the_model_is_converted_again(result: Path, stated: Blueprint) -> None:
    folder = Folder(result, "", (), None, "", False, (), ())
    assert (
        command_for(folder, (), stated, "my model.h5", is_file=True)
        == f"regraft convert 'my model.h5' -o {result} --force"
    )
    assert command_for(folder, (), stated, "m.py:build", is_file=False) == ""
