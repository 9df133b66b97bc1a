from __future__ import annotations

import io
from dataclasses import replace

import pytest

from regraft.report.console import console_for
from regraft.report.screen import SCREEN, Block, cut, dealt, show_screen
from regraft.report.value import CandidateRow, CheckRow, ChoiceRow, LayerRow, Port, Report, Source, VerificationRow

HOSTILE = "\x1b]0;x\x07" + "a\nb" * 400 + "[red]"


def check(layer: str, error: float, *, ok: bool = True) -> CheckRow:
    return CheckRow(layer, "Dense", (2, 3), error, 1e8 * error, 2.5, ok)


def large(name: str = "layer") -> Report:
    """Everything at once: 400 layers, half of them wrong, placeholders, open and assumed choices, candidates, notes."""
    layers = [
        LayerRow(f"{name}_{i}", "Dense", (None, 4), 20, placeholder="" if i % 5 else "no code") for i in range(400)
    ]
    choices = [
        ChoiceRow(f"{name}_{i}.strides", "1", ("1", "2"), "open" if i % 2 else "assumed", "why " * 40)
        for i in range(90)
    ]
    return Report(
        regraft="0.1.0",
        model=name,
        source=Source(
            f"{name}.h5", "ab", 204_800, "keras-2", "2.3.1", "tensorflow", "whole model", "the file", "names"
        ),
        inputs=tuple(Port(f"{name}_in_{i}", (None, 5, 7, 3), (None, 3, 5, 7), "channels first") for i in range(9)),
        outputs=tuple(Port(f"{name}_out_{i}", (None, 10), (None, 10), "as in Keras") for i in range(9)),
        layers=tuple(layers),
        transfers=(),
        variables_stored=30,
        variables_used=20,
        variables_listed=tuple((f"/{name}/{i}", "a metric") for i in range(50)),
        parameters_filled=20,
        verification=VerificationRow(
            "different",
            reason="because " * 60,
            oracle="keras 3.15.1",
            layers=tuple(check(f"{name}_{i}", 1e-15 + i, ok=i < 200) for i in range(400)),
            compared=400,
            total=400,
            first_failure=f"{name}_200",
            notes=tuple(f"note {i}" for i in range(60)),
        ),
        choices=tuple(choices),
        candidates=tuple(CandidateRow(0.2, "", "", ("a = b",) * 9, "out") for _ in range(9)),
        files={f"file{i}.py": f"out/file{i}.py" for i in range(20)},
    )


def shown(value: Report, *, width: int = 80, height: int | None = None) -> list[str]:
    file = io.StringIO()
    show_screen(value, console_for(file, width), height=height)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("height", [SCREEN, 40, 60])
@pytest.mark.parametrize("name", ["layer", HOSTILE])
def test_everything_at_once_fits_one_screen(width: int, height: int, name: str) -> None:
    lines = shown(large(name), width=width, height=height)
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    assert "\x1b" not in "".join(lines)


def test_what_is_urgent_is_on_the_screen() -> None:
    text = "\n".join(shown(large()))
    assert "What differs from Keras (1 of 200)" in text or "What differs from Keras (2 of 200)" in text
    assert "first at layer_200" in text
    assert "Placeholders: these raise in forward" in text
    assert "A check failed: do not use the result. The first layer that differs is" in text
    assert "(exit code 1)" in text
    assert "and 8 more" in text


def test_a_small_report_is_shown_whole() -> None:
    value = replace(
        large(),
        inputs=large().inputs[:1],
        outputs=large().outputs[:1],
        layers=(LayerRow("answer", "Dense", (None, 10), 1060),),
        variables_listed=(),
        choices=(),
        candidates=(),
        verification=VerificationRow(
            "equal", oracle="keras 3.15.1", layers=(check("answer", 1e-15),), compared=1, total=1
        ),
        files={"model.py": "out/model.py", "report.html": "out/report.html"},
    )
    assert [line.rstrip() for line in shown(value, width=100)] == [
        "layer.h5",
        "  read          whole model, 204.8 kB, written by Keras 2.3.1 on tensorflow",
        "  model         layer: 1 layer, 1,060 parameters (1 Dense)",
        "  input         layer_in_0 (batch, 3, 5, 7), channels first; in Keras (batch, 5, 7, 3)",
        "  output        layer_out_0 (batch, 10), as in Keras",
        "  variables     20 of 30 used, none left over",
        "  checked       equal to Keras (keras 3.15.1): 1 of 1 tensor, largest error 1.0e-15 in float64,",
        "                1.0e-07 in float32",
        "",
        "Largest errors against Keras (float64, float32)",
        "  - answer (Dense): 1.0e-15, 1.0e-07",
        "",
        "out: model.py, report.html",
        "--all shows every layer; report.html draws it.",
        "Done: every layer equals Keras. (exit code 0)",
    ]


def test_lines_are_dealt_in_turn() -> None:
    found = [Block(title, [str(i) for i in range(n)]) for title, n in (("a", 5), ("b", 1), ("c", 3))]
    assert [(block.title, count) for block, count in dealt(found, 9)] == [("a", 3), ("b", 1), ("c", 2)]
    assert [(block.title, count) for block, count in dealt(found, 4)] == [("a", 1), ("b", 1)]
    assert dealt(found, 1) == []
    assert sum(1 + count for _, count in dealt(found, 100)) == 12


def test_of_a_long_path_the_end_is_shown() -> None:
    value = replace(large(), source=replace(large().source, file="/folder" * 20 + "/model.h5"))
    first = shown(value)[0]
    assert len(first) == 80
    assert first.startswith("...")
    assert first.endswith("/model.h5")


def test_cut() -> None:
    assert cut("a" * 81, 80) == "a" * 77 + "..."
