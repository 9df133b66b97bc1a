"""A module that cannot be traced: by order of definition, which is said, and judged by the outputs where there are any."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.graft.twins import EXAMPLE
from torch import Tensor, nn
from torch.nn import functional

from regraft import graft, samples
from regraft.cli import main
from regraft.grafting.explaining import explanation

DIGITS = samples.path("digits.h5")


class Net(nn.Module):
    """The digits network; ``first`` and ``second`` have one shape."""

    def __init__(self, *, turned: bool = False, six: bool = False) -> None:
        super().__init__()
        self.six = six
        self.entry, self.norm1 = nn.Conv2d(1, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12, eps=1e-3)
        convolutions = [nn.Conv2d(12, 12, 3, padding=1), nn.Conv2d(12, 12, 3, padding=1)]
        if turned:
            self.second, self.first = convolutions
        else:
            self.first, self.second = convolutions
        self.norm2, self.down = nn.BatchNorm2d(12, eps=1e-3), nn.Conv2d(12, 20, 3, stride=2)
        self.hidden, self.head = nn.Linear(160, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm1(self.entry(x)))
        y = functional.relu(self.norm2(self.first(x)))
        if self.six:
            y = y.clamp(max=6.0)
        x = functional.relu(self.down(functional.pad(self.second(y) + x, (0, 1, 0, 1))))
        x = functional.max_pool2d(x, (2, 1)).flatten(1)
        return functional.softmax(self.head(functional.relu(self.hidden(x))), -1)


class Turned(Net):
    """A class of its own: TorchScript orders the modules of one class as it saw them first."""


def scripted(**options: bool) -> nn.Module:
    return torch.jit.script((Turned if options.get("turned") else Net)(**options))


def test_code_of_torchscript_is_filled_by_order_and_compared_at_its_outputs() -> None:
    module = scripted()
    result = graft(DIGITS, module, torch.zeros(EXAMPLE))
    assert result.equal
    assert any("TorchScript" in note and "order in which they are defined" in note for note in result.notes)
    plain = Net()
    assert graft(DIGITS, plain, torch.zeros(EXAMPLE)).equal
    inputs = torch.rand(EXAMPLE)
    torch.testing.assert_close(module.eval()(inputs), plain.eval()(inputs))


def test_an_order_that_gives_another_function_is_refused() -> None:
    module = scripted(turned=True)
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    result = graft(DIGITS, module, torch.zeros(EXAMPLE))
    assert not result.filled
    (problem,) = result.problems
    assert "outputs differ" in problem
    assert "first" in problem
    assert "--mapping" in problem
    assert all(torch.equal(before[key], tensor) for key, tensor in module.state_dict().items())
    assert not any("likely" in line for line in explanation(result))


def test_a_limit_that_the_example_does_not_reach_is_seen() -> None:
    assert not graft(DIGITS, scripted(six=True), torch.zeros(EXAMPLE)).equal


TWO_ARGUMENTS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.one, self.two = nn.Linear(4, width), nn.Linear(width, 3)

    def forward(self, x, scale):
        return self.two(torch.relu(self.one(x))) * scale
"""


@pytest.mark.oracle
@pytest.mark.parametrize(("width", "code"), [(6, 3), (4, 2)], ids=["one way only", "two layers of one shape"])
def test_a_module_that_cannot_be_run_is_filled_only_where_there_is_one_way(
    width: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import keras

    monkeypatch.chdir(tmp_path)
    layers = [keras.Input((4,)), keras.layers.Dense(width, "relu"), keras.layers.Dense(3 if width == 6 else 4)]
    keras.Sequential(layers).save("model.h5")
    Path("net.py").write_text(
        TWO_ARGUMENTS.replace("nn.Linear(width, 3)", f"nn.Linear(width, {3 if width == 6 else 4})")
    )
    assert main(["graft", "model.h5", f"net.py:Net({width=})", "--no-verify"]) == code
    told = capsys.readouterr()
    text = " ".join((told.out + told.err).split())
    assert "missing 1 required positional argument: 'scale'" in text
    assert Path("model.pth").exists() is (code == 3)
    if code == 3:
        assert "nothing was compared" in text
