"""A file with layers that regraft does not know: what has weights finds its place by order, and nothing is claimed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from regraft import graft
from regraft.graft.by_order import by_order, squeezed
from regraft.graft.held import held_by
from regraft.graft.seeing import seen
from regraft.grafting.explaining import explanation
from regraft.grafting.report import report_of
from regraft.grafting.unrunnable import behind_flatten, by_numbers


class Own(nn.Module):
    """A layer of the user's own, as a published port has it."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(1, 1, size))
        self.beta = nn.Parameter(torch.zeros(1, 1, size))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma + self.beta


class Port(nn.Module):
    """The modules are defined in another order than they run in."""

    def __init__(self, *, last: bool = True) -> None:
        super().__init__()
        self.out = nn.Linear(6, 3) if last else nn.Identity()
        self.second = nn.LSTM(6, 6, batch_first=True)
        self.first = nn.LSTM(6, 6, batch_first=True)
        self.norm = Own(6)
        self.entry = nn.Conv1d(4, 6, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.entry(x.transpose(1, 2)).transpose(1, 2))
        return self.out(self.second(self.first(x)[0])[0])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[np.ndarray]]]:
    keras = pytest.importorskip("keras")

    class InstantNorm(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.gamma = self.add_weight(shape=(shape[-1],), initializer="random_normal", name="gamma")
            self.beta = self.add_weight(shape=(shape[-1],), initializer="random_normal", name="beta")

        def call(self, x: Any) -> Any:
            return x * self.gamma + self.beta

    lstm = [
        keras.layers.LSTM(6, return_sequences=True, name=f"lstm_{i}", bias_initializer="random_normal") for i in (1, 2)
    ]
    whole = keras.Sequential([
        keras.Input((5, 4)),
        keras.layers.Conv1D(6, 1, use_bias=False, name="conv"),
        InstantNorm(name="norm"),
        *lstm,
        keras.layers.Dense(3, name="dense"),
    ])  # fmt: skip
    path = tmp_path_factory.mktemp("file") / "own.h5"
    whole.save(path)
    return path, {layer.name: [np.asarray(w) for w in layer.get_weights()] for layer in whole.layers}


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_every_tensor_finds_its_place_and_nothing_is_claimed(model: Any) -> None:
    path, stored = model
    port = Port()
    result = graft(path, port, torch.zeros(2, 5, 4))
    report = report_of(result, "Port")
    assert (report.status, report.exit_code, report.variables) == ("filled", 3, 11)
    assert result.comparison is None
    assert not result.equal
    assert any("norm (" in note and "nothing was compared" in note for note in report.notes)
    assert report.ties == ((("first", "second"), "the order of the file's layers, and that in which they run"),)
    state = {key: value.numpy() for key, value in port.state_dict().items()}
    np.testing.assert_array_equal(state["norm.gamma"][0, 0], stored["norm"][0])
    np.testing.assert_array_equal(state["norm.beta"][0, 0], stored["norm"][1])
    np.testing.assert_array_equal(state["first.weight_ih_l0"], stored["lstm_1"][0].T)
    np.testing.assert_array_equal(state["second.weight_hh_l0"], stored["lstm_2"][1].T)
    np.testing.assert_array_equal(state["entry.weight"][:, :, 0], stored["conv"][0][0].T)
    back = result.mapping.variables(
        state,
        {v.path: v.read() for v in result.source.tree.variables()}.__getitem__,
    )
    assert len(back) == 11


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_a_layer_without_a_place_is_refused_and_nothing_is_changed(model: Any) -> None:
    port = Port(last=False)
    before = {key: value.clone() for key, value in port.state_dict().items()}
    result = graft(model[0], port, torch.zeros(2, 5, 4))
    report = report_of(result, "Port")
    assert (report.status, report.exit_code) == ("does not fit", 2)
    assert report.problems == ("dense of the file has no twin in the module",)
    lines = explanation(result)
    assert "The file has 5 layers with weights, the module has 4: 4 pairs; 1 in the file" in lines
    assert any(line.startswith("likely: the file has a head (dense) and the module ends before it") for line in lines)
    assert "< dense (linear 6 -> 3)" in lines
    assert all(torch.equal(before[key], value) for key, value in port.state_dict().items())


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_a_module_that_cannot_be_run_says_so(model: Any) -> None:
    report = report_of(graft(model[0], Port(), torch.zeros(2, 9, 9)), "Port")
    assert any("order of definition" in note for note in report.notes)
    assert (report.status, report.variables) == ("filled", 11)
    how = {pair.module: pair.how for pair in report.pairs}
    assert how["out"] == how["entry"] == "the only one of its shape"
    assert report.ties == (
        (
            ("second", "first"),
            "the order of the file's layers, and that in which they are defined, for the module was not run",
        ),
    )


def test_a_file_without_order_decides_nothing_between_layers_that_are_alike() -> None:
    one = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    found = by_order(held_by(one, None), held_by(one, None), ran=False, ordered=False)
    assert len(found.pairs) == 2
    assert "does not tell the order" in found.problems[0]
    assert by_order(held_by(one, None), held_by(one, None), ran=False, ordered=True).problems == ()


@pytest.mark.parametrize(("side", "said"), [(4, {"2": "4x4x5"}), (1, {})])
def test_rows_behind_a_flatten_are_not_guessed(side: int, said: dict[str, str]) -> None:
    net = nn.Sequential(nn.Conv2d(3, 5, 1), nn.Flatten(), nn.Linear(5 * side * side, 2))
    run, _ = seen(net, (torch.zeros(1, 3, side, side),))
    assert run is not None
    assert behind_flatten(run) == by_numbers(held_by(net, None)) == said


@pytest.mark.parametrize(
    ("given", "wanted", "fits"),
    [((6,), (1, 6, 1), True), ((6,), (7,), False), ((1, 6), (6,), True), ((2, 3), (3, 2), False)],
)
def test_axes_of_length_1_come_and_go(given: tuple[int, ...], wanted: tuple[int, ...], fits: bool) -> None:
    assert (squeezed(given, wanted) is not None) is fits
