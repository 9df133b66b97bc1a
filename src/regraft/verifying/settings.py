"""Where the blueprint of a result differs from a model, and how to convert it right."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from regraft.blueprint import Blueprint
from regraft.report.verified import SettingRow
from regraft.reporting import words_of
from regraft.verifying.folder import Folder

#: Settings that matter only in training.
TRAINING = frozenset("rate momentum dropout recurrent_dropout seed stddev noise_shape trainable".split())


def setting_rows(here: Blueprint, there: Blueprint) -> tuple[SettingRow, ...]:
    """Settings and connections that differ, in the order of the model; layers that one side lacks are left to the comparison."""
    labels = {choice.subject: choice.label for choice in here.choices}
    rows = [*settings(here, there), *connections(here, there)]
    return tuple(
        SettingRow(subject, ours, theirs, labels.get(subject, ""), subject.rpartition(".")[2] in TRAINING)
        for subject, ours, theirs in rows
    )


def settings(here: Blueprint, there: Blueprint) -> Iterator[tuple[str, str, str]]:
    """Settings of layers that have the same name and type."""
    for spec in there.layers:
        ours = here.by_name.get(spec.name)
        if ours is None or ours.type != spec.type:
            continue
        for key, value in spec.config.items():
            if key in ours.config and ours.config[key] != value and not isinstance(value, Blueprint):
                yield f"{spec.name}.{key}", words_of(ours.config[key]), words_of(value)


def connections(here: Blueprint, there: Blueprint) -> Iterator[tuple[str, str, str]]:
    """What layers of the same name receive."""
    taken = {(call.layer, call.call): call.inputs for call in here.calls}
    for call in there.calls:
        ours = taken.get((call.layer, call.call))
        known = all(ref.layer in here.by_name for ref in call.inputs)
        if ours is not None and known and ours != call.inputs:
            yield (
                f"{call.layer}.input",
                ", ".join(ref.layer for ref in ours),
                ", ".join(ref.layer for ref in call.inputs),
            )


def command_for(folder: Folder, rows: Sequence[SettingRow], model: Blueprint, against: str, *, is_file: bool) -> str:
    """
    The command that converts it right: with what is known now, where the file did not state it.

    Args:
        folder: The result.
        rows: Where its blueprint differs.
        model: The architecture of the Keras model.
        against: The Keras model, as the user named it.
        is_file: Whether that can be converted itself.
    """
    out = f"-o {shlex.quote(str(folder.path))} --force"
    if folder.recovered and folder.file and rows:
        answers = [row for row in rows if not row.training and not row.subject.endswith(".batch_shape")]
        told = [f"--set {shlex.quote(f'{row.subject}={row.there}'.replace(', ', ','))}" for row in answers]
        return " ".join(["regraft convert", shlex.quote(folder.file), *shapes_of(model), *told, out])
    return f"regraft convert {shlex.quote(against)} {out}" if is_file else ""


def shapes_of(model: Blueprint) -> list[str]:
    """The inputs of a model as options."""
    shapes = [model.by_name[ref.layer].config.get("batch_shape") for ref in model.inputs]
    known = [shape for shape in shapes if isinstance(shape, tuple)]
    return [f"--input-shape {','.join('?' if n is None else str(n) for n in shape[1:])}" for shape in known]
