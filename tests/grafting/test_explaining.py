"""A file that does not fit a module, explained: with and without architecture, for modules that run and that do not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.graft import twins
from tests.graft.twins import EXAMPLE, Twin
from torch import Tensor, nn

from regraft import graft, samples
from regraft.cli import main
from regraft.errors import RegraftError
from regraft.grafting.explaining import explanation, unfit
from regraft.grafting.files import graft_file
from regraft.grafting.source import converted
from regraft.weights import read

DIGITS = samples.path("digits.h5")


class Wide(nn.Module):
    """The digits network of another width, with one block more, or without the normalisations."""

    def __init__(self, wide: int = 12, *, blocks: int = 1, cin: int = 1, norm: bool = True, bias: bool = True) -> None:
        super().__init__()
        self.entry = nn.Conv2d(cin, wide, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(wide) if norm else nn.Identity()
        self.norms = nn.ModuleList(nn.BatchNorm2d(wide) if norm else nn.Identity() for _ in range(blocks))
        self.ones = nn.ModuleList(nn.Conv2d(wide, wide, 3, padding=1) for _ in range(blocks))
        self.twos = nn.ModuleList(nn.Conv2d(wide, wide, 3, padding=1, bias=bias) for _ in range(blocks))
        self.down = nn.Conv2d(wide, wide * 5 // 3, 3, stride=2, padding=1)
        self.hidden, self.head = nn.Linear(8 * (wide * 5 // 3), 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.entry(x)).relu()
        for norm, one, two in zip(self.norms, self.ones, self.twos, strict=True):
            x = x + two(norm(one(x)).relu())
        x = nn.functional.max_pool2d(self.down(x).relu(), (2, 1))
        return self.head(self.hidden(x.flatten(1)).relu()).softmax(-1)


CASES: list[tuple[str, nn.Module, list[str]]] = [
    (
        "classes",
        Twin(classes=7),
        ["another number of classes: 10 in the file, 7 in the module (head)", "7 pairs, 1 but for"],
    ),
    ("width", Wide(24), ["every width x 2", "8 layers with weights, the module has 8"]),
    ("depth", Wide(blocks=3), ["another depth of the same family", "the module has 14"]),
    ("no normalisations", Wide(norm=False), ["normalisations are missing: the file has 2 more (batch norm: stem_bn"]),
    ("no biases", Wide(bias=False), ["biases are missing in the module: twos.0 has bias=False"]),
]


@pytest.mark.parametrize(("module", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_mismatch_is_explained(module: nn.Module, said: list[str]) -> None:
    lines = explanation(graft(DIGITS, module, torch.zeros(EXAMPLE)))
    text = " ".join(" ".join(lines).split())
    assert all(words in text for words in said), "\n".join(lines)
    assert all(len(line) <= 78 for line in lines)


def test_what_fits_needs_no_explanation() -> None:
    assert explanation(graft(DIGITS, Wide(), torch.zeros(EXAMPLE))) == ()


def test_a_file_without_architecture_is_explained_too() -> None:
    source = converted(read(samples.path("digits_legacy_weights.h5")), None, [EXAMPLE])
    assert not source.stated
    lines = unfit(source, Twin(classes=7))
    assert any("another number of classes: 10 in the file, 7" in line for line in lines)


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("my_net.py").write_text(Path(__file__).read_text().partition("CASES")[0])
    Path("twin.py").write_text(Path(twins.__file__).read_text())
    return "my_net.py:Wide"


@pytest.mark.parametrize("shapes", [(), ((1, 3, 8, 8),)], ids=["the file's own input", "the module's input"])
def test_a_module_that_does_not_run_on_the_files_input_is_explained(
    net: str, shapes: tuple[tuple[int, ...], ...]
) -> None:
    with pytest.raises(RegraftError) as raised:
        graft_file(DIGITS, f"{net}(cin=3)", shapes=shapes)
    text = " ".join(str(raised.value).split())
    assert "another number of input channels: 1 in the file, 3 in the module (entry) (gray against colour)" in text


def test_the_command_shows_it(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graft", str(DIGITS), "twin.py:Twin(classes=7)", "--no-verify"]) == 2
    text = capsys.readouterr().out
    assert "File and module side by side" in text
    assert "cout (features that leave) 10 in the file, 7 in the module" in text


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_recurrent_layers_that_pytorch_does_not_have(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")

    class Reader(nn.Module):
        def __init__(self, *, both: bool = False) -> None:
            super().__init__()
            self.gru = nn.GRU(4, 6, batch_first=True, bidirectional=both)
            self.out = nn.Linear(12 if both else 6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.gru(x)[0][:, -1])

    old = keras.Sequential([keras.Input((5, 4)), keras.layers.GRU(6, reset_after=False), keras.layers.Dense(3)])
    old.save(tmp_path / "old.keras")
    lines = explanation(graft(tmp_path / "old.keras", Reader(), torch.ones(2, 5, 4)))
    assert any("GRU with reset_after=False" in line for line in lines), lines
    two = keras.Sequential(
        [keras.Input((5, 4)), keras.layers.Bidirectional(keras.layers.GRU(6)), keras.layers.Dense(3)]
    )
    two.save(tmp_path / "two.keras")
    lines = explanation(graft(tmp_path / "two.keras", Reader(), torch.ones(2, 5, 4)))
    assert any("gru runs both ways in the file and one way in the module" in line for line in lines), lines
