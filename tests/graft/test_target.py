"""What the user may name, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from regraft.errors import FileError, OutputError
from regraft.graft.target import load_target

SOURCE = """
from torch import nn
from beside import WIDTH

class Net(nn.Module):
    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.head = nn.Linear(WIDTH, classes)

Model = Net

def build(classes):
    return Net(classes)

def other():
    return 5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("WIDTH = 7\n")
    path = tmp_path / "my_net.py"
    path.write_text(SOURCE)
    return path


@pytest.mark.parametrize(
    ("call", "classes"), [("", 3), (":Net", 3), (":Net(5)", 5), (":Net(classes=4)", 4), (":build(classes=6)", 6)]
)
def test_a_class_or_function_of_a_file(file: Path, call: str, classes: int) -> None:
    found = load_target(f"{file}{call}")
    assert isinstance(found, nn.Module)
    assert tuple(found.head.weight.shape) == (classes, 7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (":Nothing", "its classes: Net"),
        (":Net(__import__('os'))", "plain arguments"),
        (":Net(classes=x)", "plain arguments"),
        (":Net(1, 2, 3)", "cannot be made"),
        (":other", "no torch.nn.Module"),
    ],
)
def test_what_is_refused(file: Path, call: str, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        load_target(f"{file}{call}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        load_target(str(tmp_path / "nothing.py:Net"))


def test_a_file_that_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import a_module_that_is_not_there\n")
    with pytest.raises(FileError, match="a_module_that_is_not_there"):
        load_target(str(tmp_path / "broken.py:Net"))
