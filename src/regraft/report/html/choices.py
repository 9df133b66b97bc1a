"""What the file leaves open, what was assumed, and the command that answers each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regraft.report.command import shape_text, shown
from regraft.report.graph import LABELS, layer_of
from regraft.report.html.bounds import MOST_CHOICES
from regraft.report.printable import plural
from regraft.report.value import ChoiceRow, Report

#: What a choice may be about and ``--set`` does not answer, since it is no setting of a layer.
NO_SETTINGS = frozenset({"input", "type", "batch_shape"})


@dataclass(frozen=True)
class Option:
    """
    One candidate value.

    Attributes:
        words: The value.
        answer: What is added to the command to choose it, ready for a shell; empty if no option of the command does.
    """

    words: str
    answer: str


@dataclass(frozen=True)
class ChoiceGroup:
    """
    Choices that have label, value, candidates and evidence in common.

    Attributes:
        subjects: What they are about.
        layers: The layers they are about, as far as they are about layers.
        options: The candidates, the chosen value first.
        command: The whole command that states the chosen value; empty if there is none.
        advice: What to do where no command answers it.
    """

    subjects: tuple[str, ...]
    layers: tuple[str, ...]
    label: str
    value: str
    evidence: str
    options: tuple[Option, ...]
    command: str
    advice: str = ""


@dataclass(frozen=True)
class Way:
    """A command that may settle several choices at once, and when to use it."""

    when: str
    command: str


@dataclass(frozen=True)
class Choices:
    """
    All choices of a report.

    Attributes:
        unsure: Open and assumed ones, the open first.
        settled: Proved and supported ones.
        base: The command that repeats the conversion, in front of ``-o``, and from there on; ready for a shell.
        ways: What else may settle them.
        left_out: What is not shown, in words.
    """

    unsure: tuple[ChoiceGroup, ...]
    settled: tuple[ChoiceGroup, ...]
    base: tuple[str, str]
    ways: tuple[Way, ...]
    left_out: str = ""


def choices_of(report: Report) -> Choices:
    """The choices of a report, grouped, with commands."""
    names = {node.layer for node in report.graph} | {row.name for row in report.layers}
    alike: dict[tuple[object, ...], list[ChoiceRow]] = {}
    for row in report.choices:
        alike.setdefault((row.label, row.value, row.candidates, row.evidence), []).append(row)
    order = sorted(alike.values(), key=lambda rows: -LABELS.index(rows[0].label) if rows[0].label in LABELS else -9)
    groups = [group_of(report, rows, names) for rows in order[:MOST_CHOICES]]
    weak = ("open", "assumed")
    left_out = len(order) - len(groups)
    return Choices(
        tuple(g for g in groups if g.label in weak),
        tuple(g for g in groups if g.label not in weak),
        (shown(command(report)[0]), shown(command(report)[1])),
        tuple(ways(report)),
        f"{plural(left_out, 'choice')} more: report.json has them all." if left_out else "",
    )


def command(report: Report) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of the command that repeats the conversion, split in front of ``-o``; ``--force`` at the end."""
    folder = next(iter(report.files.values()), "").rpartition("/")[0] or "."
    words = report.command or ("regraft", "convert", report.source.file, "-o", folder)
    place = max(i for i, word in enumerate(words) if word == "-o")
    return words[:place], (*words[place:], "--force")


def whole(report: Report, *extra: str, but: str = "") -> str:
    """The command with something more; ``but`` is an option of one value that is left out."""
    front, back = command(report)
    while but in front:
        place = front.index(but)
        front = front[:place] + front[place + 2 :]
    return shown((*front, *extra, *back))


def group_of(report: Report, rows: Sequence[ChoiceRow], names: set[str]) -> ChoiceGroup:
    """Choices that are alike as one."""
    first = rows[0]
    values = list(dict.fromkeys((first.value, *first.candidates)))
    options = tuple(
        Option(value, shown(words) if (words := answer(report, rows, value, names)) else "") for value in values
    )
    stated = answer(report, rows, first.value, names)
    layers = tuple(name for row in rows if (name := layer_of(row.subject, names)))
    return ChoiceGroup(
        tuple(row.subject for row in rows),
        layers,
        first.label,
        first.value,
        once(first.evidence),
        options,
        whole(report, *stated) if stated else "",
        "" if stated else advice(first),
    )


def once(evidence: str) -> str:
    """
    The sentences of an evidence, each said once.

    >>> once("a relu; likely; a relu")
    'a relu; likely'
    """
    return "; ".join(dict.fromkeys(evidence.split("; ")))


def answer(report: Report, rows: Sequence[ChoiceRow], value: str, names: set[str]) -> tuple[str, ...]:
    """The words of the command that choose a value for all of these; empty if there are none."""
    subject = rows[0].subject
    if subject == "theano_kernels":
        return ("--theano-kernels",) if value == "yes" else ("--no-theano-kernels",)
    if not report.candidates:
        return ()
    settings = [row.subject for row in rows if layer_of(row.subject, names)]
    if len(settings) < len(rows) or any(s.rpartition(".")[2] in NO_SETTINGS for s in settings):
        return ()
    return tuple(word for s in settings for word in ("--set", f"{s}={value}"))


def advice(row: ChoiceRow) -> str:
    """What to do about a choice that no option of the command answers."""
    key = row.subject.rpartition(".")[2]
    if key == "batch_shape":
        return "State the shape of the inputs with --input-shape, in Keras order and without the batch axis."
    if key == "input" or row.subject == "edges":
        return "If a layer takes something else, change its inputs in blueprint.toml and convert with --blueprint."
    if row.subject == "assignment":
        return "Known inputs and outputs (--pairs) show whether the arrays went to the right layers."
    return "If it is otherwise, change it in blueprint.toml and convert with --blueprint."


def ways(report: Report) -> list[Way]:
    """Commands for a model that was recovered, and for an edited blueprint."""
    found: list[Way] = []
    if report.candidates:
        found += [
            Way(
                "You have inputs and the outputs that the original model gave for them. They prove an architecture.",
                whole(report, "--pairs", "inputs.npy", "outputs.npy"),
            ),
            Way(
                "You have real inputs: their statistics tell strides, pools and scaling apart.",
                whole(report, "--samples", "inputs.npy"),
            ),
            Way(
                "You want to see the next best architectures too.",
                whole(report, "--candidates", "5", but="--candidates"),
            ),
        ]
        if shapes := input_shapes(report):
            found.append(Way("You know the shape of the inputs.", whole(report, *shapes, but="--input-shape")))
    if report.candidates or report.open_choices:
        folder = next(iter(report.files.values()), "").rpartition("/")[0] or "."
        edited = (
            "regraft",
            "convert",
            report.source.file,
            "--blueprint",
            f"{folder}/blueprint.toml",
            "-o",
            folder,
            "--force",
        )
        found.append(Way("You know the architecture: edit blueprint.toml, then run this.", shown(edited)))
    return [way for way in found if way.command]


def input_shapes(report: Report) -> list[str]:
    """The shapes that the model has now, as options."""
    known: Mapping[str, object] = {port.name: port.keras_shape for port in report.inputs}
    shapes = [shape[1:] for shape in known.values() if isinstance(shape, tuple)]
    return (
        [word for shape in shapes for word in ("--input-shape", shape_text(shape))] if len(shapes) == len(known) else []
    )
