"""Mistakes that stand in no benchmark: two in one layer, forms that PyTorch lacks, modules that cannot be seen into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import regraft
from regraft.report.compared import ComparisonReport

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::UserWarning")]


class Recurrent(nn.Module):
    def __init__(self, cell: type[nn.RNNBase]) -> None:
        super().__init__()
        self.rnn, self.head = cell(5, 4, batch_first=True), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x)[0][:, -1])


def ordered(array: np.ndarray) -> np.ndarray:
    z, r, h = np.split(array, 3, -1)
    return np.concatenate([r, z, h], -1)


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def compared(folder: Path, layer: Any, cell: type[nn.RNNBase], moved: Any = lambda a: a) -> ComparisonReport:
    """A recurrent layer of Keras and a Dense against PyTorch's, their weights copied by hand."""
    import keras

    model = keras.Sequential([keras.Input((7, 5)), layer, keras.layers.Dense(3, name="head")])
    for weight in model.weights:
        weight.assign(0.6 * np.random.default_rng(1).standard_normal(weight.shape))
    model.save(folder / "model.keras")
    module = Recurrent(cell).eval()
    kernel, recurrent, bias = (np.asarray(weight) for weight in model.layers[0].weights)
    with torch.no_grad():
        module.rnn.weight_ih_l0.copy_(tensor(moved(kernel).T))
        module.rnn.weight_hh_l0.copy_(tensor(moved(recurrent).T))
        module.rnn.bias_ih_l0.copy_(tensor(moved(bias)))
        module.rnn.bias_hh_l0.zero_()
        module.head.weight.copy_(tensor(np.asarray(model.layers[1].kernel).T))
        module.head.bias.copy_(tensor(np.asarray(model.layers[1].bias)))
    return regraft.compare(folder / "model.keras", module)


@pytest.mark.parametrize(
    ("layer", "cell", "moved", "causes"),
    [
        ("gru", nn.GRU, ordered, ["reset_after"]),
        ("gru", nn.GRU, lambda a: a, ["reset_after", "gate order"]),
        ("lstm", nn.LSTM, lambda a: a, ["activation of gates"]),
    ],
    ids=["another form", "another form, gates as they are", "hard sigmoid"],
)
def test_recurrent_layers(tmp_path: Path, layer: str, cell: type[nn.RNNBase], moved: Any, causes: list[str]) -> None:
    import keras

    made = (
        keras.layers.GRU(4, reset_after=False)
        if layer == "gru"
        else keras.layers.LSTM(4, recurrent_activation="hard_sigmoid")
    )
    report = compared(tmp_path, made, cell, moved)
    assert [cause.what for cause in report.causes] == causes
    assert all(cause.after == pytest.approx(0, abs=1e-12) for cause in report.causes)


class Padded(nn.Module):
    """Two blocks of a ZeroPadding and a convolution, each with the symmetric padding of PyTorch and its epsilon."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 5, 3, 2, 1)
        self.norm1, self.norm2 = nn.BatchNorm2d(4), nn.BatchNorm2d(5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm2(self.second(torch.relu(self.norm1(self.first(x))))).mean((2, 3))


def test_one_mistake_everywhere_is_said_once_a_layer(tmp_path: Path) -> None:
    import keras

    la = keras.layers
    ends = ((0, 1), (0, 1))
    model = keras.Sequential(
        [
            keras.Input((12, 8, 3)), la.ZeroPadding2D(ends, name="pad1"), la.Conv2D(4, 3, strides=2, name="conv1"),
            la.BatchNormalization(name="bn1"), la.ReLU(), la.ZeroPadding2D(ends, name="pad2"),
            la.Conv2D(5, 3, strides=2, name="conv2"), la.BatchNormalization(name="bn2"), la.GlobalAveragePooling2D(),
        ]
    )  # fmt: skip
    for weight in model.weights:
        numbers = np.random.default_rng(2).standard_normal(weight.shape)
        weight.assign(np.abs(numbers) + 0.3 if "variance" in weight.path else numbers)
    model.save(tmp_path / "model.keras")
    module = Padded().eval()
    regraft.graft(tmp_path / "model.keras", module, torch.randn(2, 3, 12, 8))
    report = regraft.compare(tmp_path / "model.keras", module)
    found = {cause.layer: cause.words for cause in report.causes}
    pads = "pads 1 on every side; Keras pads 0 before and 1 after (ZeroPadding2D)"
    epsilon = "epsilon is 1e-05; in Keras 0.001"
    assert found == {"pad1": pads, "bn1": epsilon, "pad2": pads, "bn2": epsilon}


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace:DeprecationWarning")
@pytest.mark.parametrize("wrong", [False, True])
def test_code_of_torchscript_is_compared_at_its_outputs(tmp_path: Path, wrong: bool) -> None:
    import keras

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(3)])
    model.save(tmp_path / "model.keras")
    module = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    regraft.graft(tmp_path / "model.keras", module, torch.randn(2, 6))
    if wrong:
        module[1] = nn.Identity()
    report = regraft.compare(tmp_path / "model.keras", torch.jit.trace(module.eval(), torch.randn(2, 6)))
    assert report.status == ("different" if wrong else "equal")
    assert report.first is None
    assert any("outputs alone were compared" in note for note in report.notes)
