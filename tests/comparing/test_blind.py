"""Modules as people write them, with edits of their text: what the first version did not say, and the pairs that are equal."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import keras
import pytest
from benchmarks.diagnosis_blind import TEXTS, edited, explains, imported, same, weights_of
from benchmarks.diagnosis_blind_mistakes import MISTAKES
from benchmarks.diagnosis_blind_pairs import KERAS, samples

import regraft
from regraft.report.compared import ComparisonReport

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::UserWarning")]

SLICE = [
    ("convnet", "dropout always on"),
    ("speech", "only the kernels of the GRU reordered"),
    ("speech", "update gate the other way"),
    ("words", "no mask"),
    ("words", "cell for output"),
    ("encoder", "mask of the padding inverted"),
    ("encoder", "the past hidden for the future"),
    ("encoder", "number of heads"),
    ("encoder", "first token for the mean"),
    ("siamese", "mean not subtracted"),
    ("nhwc", "normalised over another axis"),
    ("series", "mask inverted in the mean"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blind")


@cache
def saved(pair: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    model = KERAS[pair](keras)
    weights = weights_of(model)
    file = folder / f"{pair}.keras"
    model.save(file)
    return file, weights


def compared(pair: str, folder: Path, name: str = "") -> ComparisonReport:
    file, weights = saved(pair, folder)
    text = (TEXTS / f"{pair}.py").read_text()
    mistake = next((m for m in MISTAKES if (m.pair, m.name) == (pair, name)), None)
    code = imported(text if mistake is None else edited(text, mistake), folder, hash((pair, name)))
    module = code.Net()
    code.load(module, {key: array.copy() for key, array in weights.items()})
    return regraft.compare(file, module.eval(), samples(pair))


@pytest.mark.parametrize("pair", ["words", "encoder", "siamese"])
def test_equal_modules_are_called_equal(pair: str, folder: Path) -> None:
    report = compared(pair, folder)
    assert report.status == "equal", report.causes


@pytest.mark.parametrize(("pair", "name"), SLICE)
def test_layer_and_cause_are_right(pair: str, name: str, folder: Path) -> None:
    mistake = next(m for m in MISTAKES if (m.pair, m.name) == (pair, name))
    report = compared(pair, folder, name)
    assert report.status == "different"
    assert report.first is not None
    assert same(report.first.layer, mistake.layers), report.first
    assert explains(report, mistake), report.causes
    if report.causes[0].evidence == "values":
        assert report.causes[0].after is not None
        assert report.causes[0].after <= report.tolerance


def test_padding_at_the_start_is_a_note_where_the_samples_are_padded_at_the_end(folder: Path) -> None:
    notes = " ".join(compared("words", folder).notes)
    assert "not equal with masked steps at the start" in notes
    assert "also equal with masked steps at the end" in notes
