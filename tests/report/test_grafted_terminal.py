"""A graft on the terminal: order of what differs, folding, hostile names."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from regraft.report import ChoiceRow, SelfCheckRow, VerificationRow
from regraft.report.console import console_for
from regraft.report.grafted import DifferenceRow, GraftReport, PairRow, TensorRow
from regraft.report.grafted_terminal import MOST_ROWS, show
from regraft.report.value import StatisticRow

PAIR = PairRow(
    "conv", "features.0", "structure", (TensorRow(("/conv/kernel",), "a b -> b a", ("features.0.weight",)),), 0.5, 0.25
)
REPORT = GraftReport(
    "0", "w.h5", "net.py:Net", "keras-2", "2.3", "the file", "equal", 1, 1, ((2, 3, 5, 7),), (PAIR,), outputs=(0.0,)
)


def shown(report: GraftReport, *, everything: bool = False) -> str:
    file = io.StringIO()
    show(report, console_for(file, 100), everything=everything)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({}, 0, "Done: the module has the weights, and computes what the file's model does. (exit code 0)"),
        ({"status": "different"}, 1, "computes something else. Change what the table shows first. (exit code 1)"),
        (
            {"verification": VerificationRow("different")},
            1,
            "the file's model differs from Keras. Do not use the result.",
        ),
        (
            {"architecture": "recovered", "statistics": SelfCheckRow("", (StatisticRow("bn", 3.0, "contradicts"),))},
            1,
            "The statistics in the file contradict the module, first at bn. Do not use it. (exit code 1)",
        ),
        ({"statistics": SelfCheckRow("", (StatisticRow("bn", 3.0, "contradicts"),))}, 0, "Done: the module"),
        ({"status": "does not fit"}, 2, "The weights do not fit: nothing was written. (exit code 2)"),
        ({"status": "filled"}, 3, "Done, and nothing was compared: run the module on inputs whose results you know."),
        ({"unfilled": ("head.bias",)}, 3, "Done, and not certain"),
        ({"choices": (ChoiceRow("conv.strides", "2", ("1",), "assumed", "why"),)}, 3, "Done, and not certain"),
        ({"choices": (ChoiceRow("conv.strides", "2", ("1",), "supported", "why"),)}, 0, "Done: the module"),
    ],
)
def test_verdicts(changes: dict[str, object], code: int, words: str) -> None:
    report = replace(REPORT, **changes)
    assert report.exit_code == code
    assert words in shown(report)
    assert json.loads(report.to_json())["exit_code"] == code


def test_differences_stand_by_their_effect_and_equal_ones_on_one_line() -> None:
    rows = (
        DifferenceRow("a", "bn_a", "epsilon", "0.001", "1e-05", 0.001),
        DifferenceRow("a", "bn_a", "momentum", "0.01", "0.1", 0.001),
        DifferenceRow("b", "bn_b", "epsilon", "0.001", "1e-05", 0.002),
        DifferenceRow("c", "conv_c", "padding", "0 1 0 1", "1 1 1 1", 0.515, "pad it"),
    )
    text = shown(replace(REPORT, status="different", differences=rows))
    start = text.index("What the weights do not carry")
    lines = [line.strip("- ") for line in text[start:].splitlines()[1:] if line.startswith("  ")]
    assert " ".join(lines) == (
        "c: padding is 1 1 1 1, in Keras 0 1 0 1 (conv_c); makes 51.5% of the largest value there; pad it "
        "2 modules, first a: epsilon is 1e-05, in Keras 0.001 (bn_a); makes up to 0.20% of the largest value there; "
        "--fix sets it "
        "a: momentum is 0.1, in Keras 0.01 (bn_a); counts in training only; --fix sets it"
    )


def test_of_many_pairs_those_that_are_off_by_themselves_are_shown() -> None:
    many = tuple(replace(PAIR, module=f"layer{i}", alone=0.25 if i == 17 else 0.0) for i in range(MOST_ROWS + 30))
    text = shown(replace(REPORT, status="different", pairs=many))
    assert "layer17" in text
    assert "layer16" not in text
    assert f"... {MOST_ROWS + 29} pairs more: --all shows them" in text
    assert "layer16" in shown(replace(REPORT, pairs=many), everything=True)


@pytest.mark.parametrize("name", ["[red]x[/red]", "\x1b]0;x\x07", "two\nlines", "abc\u202edcba"])
def test_names_cannot_steer_the_terminal(name: str) -> None:
    row = DifferenceRow(name, name, "epsilon", name, name, 0.1)
    report = replace(
        REPORT, target=name, status="does not fit", pairs=(replace(PAIR, layer=name, module=name),), differences=(row,),
        problems=(name,), unfilled=(name,), ties=(((name, name), name),), notes=(name,), explanation=(name,), first=name,
    )  # fmt: skip
    text = shown(report)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "two\nlines" not in text
    if name.startswith("[red]"):
        assert "[red]x[/red]" in text
