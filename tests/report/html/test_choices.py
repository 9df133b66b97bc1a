from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from tests.report.html.reports import report

from regraft.cli.app import app
from regraft.report.html.choices import ChoiceGroup, choices_of
from regraft.report.value import ChoiceRow, Report


def with_choices(*choices: ChoiceRow, recovered: bool = True) -> Report:
    return replace(report(["conv", "head"], recovered=recovered), choices=choices)


def one(choice: ChoiceRow, *, recovered: bool = True) -> ChoiceGroup:
    found = choices_of(with_choices(choice, recovered=recovered))
    return (found.unsure + found.settled)[0]


def test_choices_that_are_alike_are_one_with_one_answer_for_all() -> None:
    row = ChoiceRow("conv.strides", "2, 2", ("2, 2", "1, 1"), "assumed", "habit; habit; more")
    found = choices_of(with_choices(row, replace(row, subject="head.strides")))

    (group,) = found.unsure
    assert group.subjects == ("conv.strides", "head.strides")
    assert group.layers == ("conv", "head")
    assert group.evidence == "habit; more"
    assert [(o.words, o.answer) for o in group.options] == [
        ("2, 2", "--set 'conv.strides=2, 2' --set 'head.strides=2, 2'"),
        ("1, 1", "--set 'conv.strides=1, 1' --set 'head.strides=1, 1'"),
    ]


def test_the_open_come_first_and_what_is_settled_stands_apart() -> None:
    rows = [
        ChoiceRow(f"conv.{label}", "1", ("1",), label, label) for label in ("proved", "assumed", "supported", "open")
    ]
    found = choices_of(with_choices(*rows))
    assert [group.label for group in found.unsure] == ["open", "assumed"]
    assert [group.label for group in found.settled] == ["supported", "proved"]


@pytest.mark.parametrize(
    ("subject", "value", "words"),
    [
        ("conv.strides", "2, 2", ["--set", "conv.strides=2, 2"]),
        ("theano_kernels", "no", ["--no-theano-kernels"]),
        ("theano_kernels", "yes", ["--theano-kernels"]),
    ],
)
def test_the_command_repeats_the_conversion_with_the_answer(subject: str, value: str, words: list[str]) -> None:
    command = shlex.split(one(ChoiceRow(subject, value, (value,), "open", "")).command)

    assert command == ["regraft", "convert", "/models/my net.h5", *words, "-o", "/out dir", "--force"]
    _, bound, _ = app.parse_args(command[1:], exit_on_error=False)
    assert bound.arguments["force"] is True


@pytest.mark.parametrize(
    ("subject", "advice"),
    [
        ("conv.batch_shape", "--input-shape"),
        ("conv.input", "blueprint.toml"),
        ("edges", "blueprint.toml"),
        ("assignment", "--pairs"),
        ("keras_version", "blueprint.toml"),
    ],
)
def test_what_no_option_answers_has_advice(subject: str, advice: str) -> None:
    group = one(ChoiceRow(subject, "x", ("x", "y"), "open", ""))
    assert group.command == ""
    assert [option.answer for option in group.options] == ["", ""]
    assert advice in group.advice


def test_a_stated_architecture_takes_no_answers() -> None:
    assert one(ChoiceRow("conv.strides", "2", ("2",), "open", ""), recovered=False).command == ""


def test_a_subject_that_could_deceive_has_no_command() -> None:
    value = replace(with_choices(ChoiceRow("conv.a\u202eb", "2", ("2",), "open", "")))
    (group,) = choices_of(value).unsure
    assert (group.command, group.options[0].answer) == ("", "")


def test_other_ways_are_commands_that_the_program_takes() -> None:
    value = with_choices(ChoiceRow("conv.strides", "2", ("2",), "open", ""))
    value = replace(value, command=(*value.command[:3], "--candidates", "2", *value.command[3:]))
    ways = [shlex.split(way.command) for way in choices_of(value).ways]

    assert [next(word for word in way if word.startswith("--") and word != "--force") for way in ways] == [
        "--candidates", "--candidates", "--candidates", "--candidates", "--blueprint",
    ]  # fmt: skip
    assert [word for word in ways[2] if word.isdigit()] == ["5"]
    assert [way[way.index(option) + 1] for option, way in (("--pairs", ways[0]), ("--samples", ways[1]))] == [
        "inputs.npy"
    ] * 2
    assert "--input-shape 5,7,11" in " ".join(ways[3])
    for way in ways:
        app.parse_args(way[1:], exit_on_error=False)
