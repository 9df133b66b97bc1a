from __future__ import annotations

import io
from dataclasses import replace

import pytest

from regraft.report.console import console_for
from regraft.report.layer_table import MOST_ROWS
from regraft.report.terminal import show
from regraft.report.value import CheckRow, ChoiceRow, LayerRow, Port, Report, Source, Status, VerificationRow

HOSTILE = ["[red]x[/red]", "\x1b]0;x\x07", "two\nlines", "<script>", "abc\u202edcba", ":smile:"]


def check(layer: str, error: float = 1e-15, *, ok: bool = True, note: str = "") -> CheckRow:
    return CheckRow(layer, "Dense", (2, 3), error, 1e8 * error, 2.5, ok, note)


def verification(status: Status, *checks: CheckRow, first: str = "", reason: str = "") -> VerificationRow:
    return VerificationRow(
        status,
        reason=reason,
        oracle="keras 3.15.1, tensorflow 2.21.0",
        config_route="file",
        weights_route="loaded by Keras",
        inputs=("batch of 2: 2x5x7x3 normal numbers",),
        layers=checks,
        compared=len(checks),
        total=len(checks),
        first_failure=first,
    )


def report(verified: VerificationRow, *layers: LayerRow) -> Report:
    return Report(
        regraft="0.1.0",
        model="net",
        source=Source(
            "net.h5", "ab", 204_800, "keras-2", "2.3.1", "tensorflow", "whole model", "the file", "layer_names"
        ),
        inputs=(Port("image", (None, 5, 7, 3), (None, 3, 5, 7), "channels first"),),
        outputs=(Port("answer", (None, 10), (None, 10), "as in Keras"),),
        layers=layers or (LayerRow("answer", "Dense", (None, 10), 1060),),
        transfers=(),
        variables_stored=3,
        variables_used=2,
        variables_listed=(("/seen/total:0", "a metric"),),
        parameters_filled=2,
        verification=verified,
        files={"model.py": "out/model.py", "model.pth": "out/model.pth"},
    )


def shown(value: Report, *, width: int = 100, everything: bool = False) -> str:
    file = io.StringIO()
    show(value, console_for(file, width), everything=everything)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def test_the_whole_text_of_a_small_report() -> None:
    text = shown(report(verification("equal", check("answer"))))

    assert (
        text
        == """\
net.h5
  read          whole model, 204.8 kB, written by Keras 2.3.1 on tensorflow
  layout        the .h5 layout of Keras 2 and tf.keras, which Keras 3 still writes
  model         net: 1 layer (1 Dense)
  input         image (batch, 3, 5, 7), channels first; in Keras (batch, 5, 7, 3)
  output        answer (batch, 10), as in Keras
  parameters    1,060
  variables     2 of 3 used, 1 listed with a reason; they fill 2 tensors of the module
  checked       equal to Keras (keras 3.15.1, tensorflow 2.21.0): 1 of 1 tensor, largest error
                1.0e-15 in float64, 1.0e-07 in float32
  tried on      batch of 2: 2x5x7x3 normal numbers; architecture: file; weights: loaded by Keras
  files         out: model.py, model.pth

  layer  type  output in Keras parameters float64 float32
  answer Dense (batch, 10)          1,060 1.0e-15 1.0e-07 ok
  Errors: largest difference from Keras, relative to the largest value of the same tensor.

Variables that are not in the model
  - /seen/total:0: a metric

Done: every layer equals Keras. (exit code 0)"""
    )


@pytest.mark.parametrize(
    ("status", "reason", "line"),
    [
        ("not verified", "--no-verify was given", "not verified against Keras: --no-verify was given"),
        ("not verified", "not verified against Keras: no Keras", "not verified against Keras: no Keras"),
        (
            "partly verified",
            "a Lambda hides the rest",
            "partly compared with Keras (keras 3.15.1, tensorflow 2.21.0): ",
        ),
        ("different", "kernel turned", "DIFFERENT from Keras (keras 3.15.1, tensorflow 2.21.0), first at answer: "),
    ],
)
def test_what_was_checked(status: Status, reason: str, line: str) -> None:
    checks = () if status == "not verified" else (check("answer", 0.5, ok=status != "different"),)
    first = "answer" if status == "different" else ""
    text = shown(report(verification(status, *checks, first=first, reason=reason)), width=200)
    assert f"  checked       {line}" in text


def test_the_first_failing_layer_is_named_three_times() -> None:
    layers = [LayerRow(name, "Dense", (None, 4), 20) for name in ("a", "b", "c")]
    checks = [check("a"), check("b", 0.25, ok=False, note="axes turned"), check("c", 0.5, ok=False)]
    value = report(verification("different", *checks, first="b"), *layers)
    lines = [line.split() for line in shown(value, width=80).splitlines()]

    assert ["b", "Dense", "2.5e-01", "2.5e+07", "FAILS", "FIRST"] in lines
    assert ["c", "Dense", "5.0e-01", "5.0e+07", "fails"] in lines
    assert "b: error 2.5e-01 in float64, 2.5e+07 in float32, of a largest value of 2.5; axes turned" in shown(value)
    last = "A check failed: do not use the result. The first layer that differs is b. (exit code 1)"
    assert shown(value).endswith(last)


def test_placeholders_and_open_choices_are_listed() -> None:
    value = report(
        VerificationRow("not verified", reason="nothing to compare"),
        LayerRow("fn", "Lambda", None, 0, placeholder="its code is not in the file"),
    )
    value = replace(value, choices=(ChoiceRow("fn.batch_shape", "unknown", ("3", "5, 2"), "open", "no shape stated"),))
    text = shown(value)

    assert "Placeholders: these raise in forward\n  - fn (Lambda): its code is not in the file\n" in text
    assert "Open: what the file does not say\n  - fn.batch_shape: no shape stated (possible: 3, (5, 2))\n" in text
    assert text.endswith("Done, and not complete: 1 placeholder and 1 open choice. (exit code 3)")


def test_a_long_model_is_folded_to_what_matters() -> None:
    names = [f"layer_{i}" for i in range(300)]
    errors = {"layer_250": 1e-12}
    checks = [check(n, errors.get(n, 1e-15), ok=n not in ("layer_100", "layer_200")) for n in names]
    layers = [LayerRow(n, "Dense", (None, 4), 20) for n in names]
    value = report(verification("different", *checks, first="layer_100"), *layers)

    rows = [line.split()[0] for line in shown(value).splitlines() if " Dense " in line and "layer_" in line]
    assert {"layer_100", "layer_200", "layer_250"} < set(rows)
    assert len(rows) <= MOST_ROWS
    assert rows == sorted(rows, key=names.index)
    assert f"... {300 - len(rows)} layers more, none of them failing: --all shows them" in shown(value)

    everything = shown(value, everything=True)
    assert all(f"  {name} " in everything for name in names)
    assert "--all" not in everything


def test_calls_and_inner_layers_find_their_place() -> None:
    layers = (LayerRow("outer", "Functional", (None, 4), 20), LayerRow("dense call 7", "Dense", (None, 4), 20))
    checks = [
        check("outer/dense", 1e-15),
        check("outer/dense call 1.2", 3e-15),
        check("outer output 2", 2e-15),
        check("dense call 7", 4e-15),
        check("(output 1)", 5e-15),
    ]
    value = report(verification("equal", *checks), *layers)
    lines = [line.split() for line in shown(value, width=80).splitlines()]
    start = lines.index(["layer", "type", "float64", "float32"])

    assert lines[start + 1 : start + 5] == [
        ["outer", "Functional", "2.0e-15", "2.0e-07", "ok"],
        ["outer/dense", "Dense", "3.0e-15", "3.0e-07", "ok", "in", "2", "calls"],
        ["dense", "call", "7", "Dense", "4.0e-15", "4.0e-07", "ok"],
        ["(output", "1)", "Dense", "5.0e-15", "5.0e-07", "ok"],
    ]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("terminal", [False, True])
def test_text_from_the_file_stays_text(text: str, terminal: bool) -> None:
    value = replace(
        report(
            replace(verification("different", check(text, 0.5, ok=False, note=text), first=text), notes=(text,)),
            LayerRow(text, text, (None, 4), 3, placeholder=text),
        ),
        model=text,
        inputs=(Port(text, (None, 4), (None, 4), text),),
        choices=(ChoiceRow(text, text, (text,), "open", text),),
        notes=(text,),
        caveats=(text,),
        variables_listed=((text, text),),
    )
    file = io.StringIO()
    show(value, console_for(file, 200, terminal=terminal))

    seen = file.getvalue()
    if not terminal:
        assert "\x1b" not in seen
    assert "\x1b]" not in seen
    assert "\x07" not in seen
    assert "\u202e" not in seen
    assert text not in ("two\nlines",) or text not in seen
    shown_as = text.encode("unicode_escape").decode() if not text.isprintable() else text
    assert seen.count(shown_as) >= 10


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    layers = [
        LayerRow("a_layer_with_a_rather_long_name_" + "x" * i, "BatchNormalization", (None, 4), 20) for i in range(5)
    ]
    value = report(verification("equal", *(check(layer.name) for layer in layers)), *layers)
    assert max(map(len, shown(value, width=width).splitlines())) <= width
