"""Weights in each other's place are contradicted by the statistics of the BatchNorms behind them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.graft.twins import EXAMPLE, Twin
from torch import Tensor, nn

from regraft import graft, samples
from regraft.graft.mapping import Entry, TensorMap
from regraft.graft.onto import Grafting, Pair, side
from regraft.grafting.report import report_of
from regraft.grafting.result import Graft
from regraft.grafting.run import doubted, grafted
from regraft.grafting.statistics import Contradiction, contradictions

#: Weights alone: the architecture is recovered, and nobody has stated it.
WEIGHTS = samples.path("digits_legacy_weights.h5")


def example() -> Tensor:
    return torch.from_numpy(np.random.default_rng(3).standard_normal(EXAMPLE)).float()


def turned(plan: TensorMap) -> TensorMap:
    """The mapping with both convolutions of equal shape in each other's place."""

    def other(key: str) -> str:
        name, _, role = key.partition(".")
        return f"{ {'first': 'second', 'second': 'first'}.get(name, name) }.{role}"

    def placed(entry: Entry) -> Entry:
        return replace(
            entry, parameters=tuple(map(other, entry.parameters)), then={other(k): v for k, v in entry.then.items()}
        )

    return TensorMap(tuple(map(placed, plan.entries)))


@pytest.fixture(scope="module")
def recovered() -> Graft:
    return graft(WEIGHTS, Twin(), example())


def test_the_right_pairing_is_not_contradicted(recovered: Graft) -> None:
    assert not recovered.stated
    assert recovered.problems == recovered.against == ()


@pytest.mark.parametrize("options", [{}, {"folded": True}, {"swapped": True}, {"late": True}, {"padding": 0}])
def test_nor_is_any_right_pairing_of_a_file_with_architecture(options: dict[str, Any]) -> None:
    """A module that computes something else has the right weights all the same."""
    twin = Twin(**options)
    assert graft(samples.path("digits.h5"), twin, example()).problems == ()
    state = {key: value.numpy() for key, value in twin.state_dict().items()}
    found = contradictions(side(twin, (example(),)).network, state)
    assert not any(one.better for one in found)
    assert not found or options.get("late")


@pytest.mark.parametrize("calls", [False, True], ids=["names as they are", "the names say the opposite of the calls"])
def test_two_layers_of_equal_shape_in_each_others_place_are_named(recovered: Graft, calls: bool) -> None:
    right = grafted(
        recovered.source, Twin(swapped=calls), (example(),), turned(recovered.mapping) if calls else recovered.mapping
    )
    assert right.against == ()
    result = grafted(right.source, Twin(swapped=calls), (example(),), turned(right.mapping))
    report = report_of(result, "Twin")
    first, second = ("second", "first") if calls else ("first", "second")
    assert report.status == "different"
    (told,) = [note for note in report.notes if "contradict this pairing" in note]
    assert f"at {first}: the mean that norm2 stores" in told
    assert f"with the weights of {second} it would fit" in told


class Branches(nn.Module):
    """Two branches of equal shape, whose normalisations run in another order than their convolutions."""

    def __init__(self, *, crossed: bool) -> None:
        super().__init__()
        self.crossed = crossed
        self.entry, self.left, self.right = nn.BatchNorm1d(6), nn.Linear(6, 8), nn.Linear(6, 8)
        self.left_norm, self.right_norm = nn.BatchNorm1d(8), nn.BatchNorm1d(8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.entry(x).relu()
        left, right = self.left(x), self.right(x)
        if self.crossed:
            right = self.right_norm(right)
            return right - self.left_norm(left)
        left = self.left_norm(left)
        return self.right_norm(right) - left


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(5)

    class Mystery(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    inputs = keras.Input((6,))
    norms = [keras.layers.BatchNormalization(name=name) for name in ("entry_norm", "norm_a", "norm_b")]
    dense = [keras.layers.Dense(8, name=name, bias_initializer=keras.initializers.RandomNormal(0, 2)) for name in "ab"]
    x = keras.layers.ReLU()(norms[0](inputs))
    a, b = dense[0](x), dense[1](x)
    a = norms[1](a)
    whole = keras.Model(inputs, Mystery()(keras.layers.Subtract()([norms[2](b), a])))
    data = rng.standard_normal((4000, 6)) * 2 + rng.standard_normal(6)
    seen = np.maximum((data - data.mean(0)) / data.std(0), 0)
    norms[0].set_weights([np.ones(6), np.zeros(6), data.mean(0), data.var(0)])
    for one, layer in zip(norms[1:], dense, strict=True):
        kernel, bias = layer.get_weights()
        out = seen @ kernel + bias
        one.set_weights([np.ones(8), np.zeros(8), out.mean(0), out.var(0)])
    path = tmp_path_factory.mktemp("file") / "branches.h5"
    whole.save(path)
    return path


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_a_pairing_by_order_that_the_statistics_contradict_is_refused(file: Path) -> None:
    module = Branches(crossed=True)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    report = report_of(graft(file, module, torch.randn(4, 6)), "Branches")
    assert (report.status, report.exit_code) == ("does not fit", 2)
    assert "contradict this pairing at right" in report.problems[0]
    assert "with the weights of left it would fit" in report.problems[0]
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_a_pairing_by_order_that_they_confirm_is_filled(file: Path) -> None:
    report = report_of(graft(file, Branches(crossed=False), torch.randn(4, 6)), "Branches")
    assert report.status == "filled"
    assert not any("contradict" in note for note in report.notes)


@pytest.mark.parametrize(("how", "refused"), [("order", 1), ("structure", 0)])
def test_of_a_recovered_architecture_only_what_order_decided_is_refused(how: str, refused: int) -> None:
    found = Grafting((Pair("conv", "first", how, (), (0, 0)),))
    assert len(doubted(found, [Contradiction("norm", "first", 0.9)])) == refused
    tied = replace(found, ties=((("first", "second"), "their names"),))
    assert len(doubted(tied, [Contradiction("norm", "first", 0.9)])) == 1
