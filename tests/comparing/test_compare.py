"""``regraft.compare`` on the sample model: samples, modes, weights, what cannot be compared."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.graft import twins
from tests.graft.twins import Twin
from torch import nn
from torch.nn import functional

import regraft
from regraft import samples
from regraft.errors import OutputError, ShapeMismatchError

DIGITS = samples.path("digits.h5")
IMAGES = np.random.default_rng(5).random((3, 8, 8, 1)).astype("float32")


@pytest.fixture(scope="module")
def filled() -> Twin:
    module = Twin()
    regraft.graft(DIGITS, module, torch.randn(2, 1, 8, 8))
    return module.eval()


@pytest.fixture
def right(filled: Twin) -> Twin:
    return copy.deepcopy(filled)


def causes(module: nn.Module, given: object = IMAGES) -> list[tuple[str, str]]:
    return [(cause.layer, cause.what) for cause in regraft.compare(DIGITS, module, given).causes]


@contextmanager
def changed(module: nn.Module, **values: torch.Tensor) -> Iterator[nn.Module]:
    state = module.state_dict()
    module.load_state_dict({**state, **{k.replace("__", "."): v for k, v in values.items()}})
    yield module


def test_equal(right: Twin) -> None:
    report = regraft.compare(DIGITS, right, IMAGES)
    assert (report.status, report.exit_code, report.inputs) == ("equal", 0, ((3, 1, 8, 8),))
    assert report.outputs[0] is not None
    assert report.outputs[0] < 1e-12
    assert "also equal on inputs times 100" in report.notes


def test_neither_side_is_changed(right: Twin) -> None:
    right.train()
    before = {key: value.clone() for key, value in right.state_dict().items()}
    report = regraft.compare(DIGITS, right)
    assert right.training
    assert any("call model.eval()" in note for note in report.notes)
    assert all(torch.equal(before[key], value) for key, value in right.state_dict().items())


def test_settings_and_weights_together(right: Twin) -> None:
    right.norm1.eps = 1e-5
    with changed(right, down__weight=right.down.weight.flip(2, 3), hidden__bias=torch.zeros(32)):
        assert causes(right) == [("stem_bn", "epsilon"), ("conv2d_1", "kernel flipped"), ("dense", "missing bias")]
        report = regraft.compare(DIGITS, right, IMAGES)
    assert report.exit_code == 1
    assert report.first is not None
    assert (report.first.layer, report.first.module, report.first.input_error) == ("stem_bn", "norm1", 0)
    assert report.first.where.startswith("twins.py:")
    assert {row.layer for row in report.rows if row.ok is False} == {"stem_bn", "conv2d_1", "dense"}
    assert {(row.parameter, row.how) for row in report.weights} == {
        ("down.weight", "turned by 180 degrees"),
        ("hidden.bias", "0 throughout: not loaded"),
    }
    assert all(
        c.after is not None and c.after < 1e-9 and c.before is not None and c.before > 1e-6 for c in report.causes
    )


def test_a_part_left_in_training_mode(right: Twin) -> None:
    right.norm2.train()
    assert causes(right) == [("batch_normalization", "batch norm in training mode")]


def test_weights_for_no_known_reason_are_named(right: Twin) -> None:
    with changed(right, second__weight=right.second.weight + 0.1 * torch.randn(12, 12, 3, 3)):
        report = regraft.compare(DIGITS, right, IMAGES)
    assert report.first is not None
    assert report.first.layer == "residual_conv"
    assert [(c.module, c.what, c.evidence) for c in report.causes] == [("second", "weights", "weights")]
    assert [row.layer for row in report.rows if row.ok is False] == ["residual_conv"]


def test_a_limit_that_the_inputs_do_not_reach(right: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = SimpleNamespace(**{**vars(functional), "relu": functional.relu6})
    monkeypatch.setattr(twins, "functional", limited)
    small = IMAGES * 1e-3
    report = regraft.compare(DIGITS, right, small)
    assert report.status == "different"
    assert report.causes
    assert any("relu6" in cause.words for cause in report.causes)


class Dropping(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(nn.functional.dropout(x, 0.5))


def test_dropout_that_is_active(right: Twin) -> None:
    report = regraft.compare(DIGITS, Dropping(right).eval(), IMAGES)
    assert [cause.what for cause in report.causes] == ["dropout active"]
    assert report.causes[0].where.startswith("test_compare.py:")


class Last(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[1:] == (8, 8, 1)
        return self.inner(x.permute(0, 3, 1, 2))


def test_a_module_that_takes_channels_last(right: Twin) -> None:
    report = regraft.compare(DIGITS, Last(right).eval(), IMAGES)
    assert report.status == "equal"
    assert "the module takes its inputs in the axis order of Keras" in report.notes


def test_what_cannot_be_run(right: Twin) -> None:
    with pytest.raises(OutputError, match="cannot be run on an input of shape"):
        regraft.compare(DIGITS, nn.Linear(5, 3), IMAGES)
    with pytest.raises(ShapeMismatchError, match="takes 1 inputs, 2 samples are given"):
        regraft.compare(DIGITS, right, [IMAGES, IMAGES])


def test_the_report_as_json(right: Twin, tmp_path: Path) -> None:
    text = regraft.compare(DIGITS, right, IMAGES).to_json()
    assert '"schema": "regraft-comparison/1"' in text
    assert '"exit_code": 0' in text
