"""The whole command: a folder that ``convert`` wrote, and a Keras model that the user names, become a report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np

import regraft
from regraft.comparing.run import compared, tensors
from regraft.errors import OutputError
from regraft.graft.loading import load_into
from regraft.graft.target import load_target
from regraft.grafting.example import example_for
from regraft.grafting.source import running
from regraft.layers.custom import Custom, active
from regraft.layers.custom import load as load_custom
from regraft.report import ChoiceRow
from regraft.report.verified import VerifiedReport
from regraft.verification import checked
from regraft.verify import Oracle
from regraft.verify.how import How, Precision
from regraft.verify.origin import Origin, resolved
from regraft.verify.samples import checked as checked_samples
from regraft.verify.samples import load_samples
from regraft.verifying.crash import crashed
from regraft.verifying.folder import Folder, read_folder, same_code
from regraft.verifying.settings import command_for, setting_rows
from regraft.verifying.twin import Twin, parameter_rows, subject_for, twin_of, unsettled

Progress = Callable[[str, int, int], None]
File = str | os.PathLike[str]
#: How long to look for causes, in seconds.
PATIENCE = 120.0
SAME = "the code is what regraft writes for this model: its files were run as they lie there"
OTHER = "the code is not what regraft writes for this model: every tensor that both have was compared by its numbers"
OWN_BLUEPRINT = (
    "the Keras file holds weights only, so its architecture is that of the result's own blueprint.toml: what was checked "
    "is the arithmetic and the weights, not the architecture"
)


def verify_folder(
    out: File,
    against: File,
    *,
    architecture: File | None = None,
    input_shape: tuple[tuple[int | None, ...], ...] | None = None,
    samples: Sequence[File | np.ndarray] = (),
    precision: Precision = "both",
    low_memory: bool = False,
    custom: File | Custom | None = None,
    seconds: float = PATIENCE,
    oracle: Oracle | None = None,
    progress: Progress | None = None,
) -> VerifiedReport:
    """
    Check a result that lies in a folder against a Keras model.

    Args:
        out: The folder that ``convert`` wrote. If its ``model.py`` was edited, that is run.
        against: A Keras file; ``module.py:build(num_classes=7)``, imported in the process that runs Keras, because you
            name it; or the folder of a SavedModel.
        architecture: Keras JSON beside a file of weights.
        input_shape: Shape of each input in Keras order without the batch, where the model leaves it open.
        samples: Inputs in Keras order, batch first, one for each input: arrays or ``.npy`` files. By default seeded.
        precision: ``both``, ``float64`` or ``float32``.
        low_memory: Let Keras run layer by layer, so that neither process holds all activations.
        custom: A Python file of yours that declares layers; it is imported.
        seconds: How long to look for the cause where the two differ.
        oracle: A running Keras process to use.
        progress: Called with a word for the step, how much is done, and of how much (0 if that is not known).

    Raises:
        FileError: The folder, the samples or the Keras model cannot be used.
        OracleError: The function or SavedModel gives no model.
    """
    folder = read_folder(out)
    say = progress or (lambda *_: None)
    own = load_custom(custom)
    with active(own), resolved(against, architecture, oracle, None if own is None else own.path) as origin:
        arrays = given(samples)
        if origin.graph is not None:
            from regraft.verifying.graph import verify_against_graph

            return verify_against_graph(folder, origin, arrays, say)
        assert origin.file is not None
        say("convert the Keras model in memory", 0, 0)
        shape = input_shape[0] if input_shape and len(input_shape) == 1 else input_shape
        twin = twin_of(origin.file, origin.architecture, folder, shape)
        if arrays:
            names = [str(path) for path in samples if not isinstance(path, np.ndarray)]
            arrays = checked_samples(twin.blueprint, arrays, names)
        how = How(arrays or None, precision, low_memory)
        check = layer_by_layer if same_code(folder.source, twin.module.source) else by_values
        return check(folder, origin, twin, how, seconds, progress)


def given(samples: Sequence[File | np.ndarray]) -> tuple[np.ndarray, ...]:
    """Samples as arrays."""
    return tuple(s if isinstance(s, np.ndarray) else load_samples([s])[0] for s in samples)


def layer_by_layer(
    folder: Folder, origin: Origin, twin: Twin, how: How, seconds: float, progress: Progress | None
) -> VerifiedReport:
    """The result has our code: its files are run as they lie there, and watched at every layer."""
    del seconds
    notes = list(folder.notes)
    weights = list(folder.weights)
    parameters = parameter_rows(twin, weights[0])
    for other in weights[1:]:
        others = parameter_rows(twin, other)
        if others != parameters:
            notes.append(f"{other.name} holds other parameters than {weights[0].name}, which was checked")
    row = checked(subject_for(twin, folder.weights[0]), oracle=origin.oracle, progress=progress, how=how)
    choices = () if twin.stated else tuple(choice_rows(twin))
    command = command_for(folder, (), twin.blueprint, origin.text, is_file=origin.kind == "file")
    if not twin.stated:
        notes.append(OWN_BLUEPRINT)
    return VerifiedReport(
        regraft.__version__, str(folder.path), origin.text, origin.kind, "layer by layer", SAME, row,
        parameters=parameters, choices=choices, notes=(*origin.notes, *notes),
        command=command if row.status == "different" else "",
    )  # fmt: skip


def by_values(
    folder: Folder, origin: Origin, twin: Twin, how: How, seconds: float, progress: Progress | None
) -> VerifiedReport:
    """The result has other code: it is compared with ours, tensor by tensor, and ours with Keras."""
    say = progress or (lambda *_: None)
    row = checked(subject_for(twin, None), oracle=origin.oracle, progress=progress, how=how)
    say("run the result", 0, 0)
    module = load_target(str(folder.path / "model.py"))
    loading = load_into(module, folder.weights[0])
    source = running(twin.tree, twin.blueprint, stated=twin.stated)
    say("find the cause", 0, 0)
    arrays = list(how.samples or ())
    try:
        comparison = compared(
            source, module.eval(), arrays, seconds=seconds, notes=loading, verification=row,
            keras=origin.text, torch=str(folder.path / "model.py"),
        )  # fmt: skip
    except OutputError as error:
        inputs = tensors(source, arrays, ()) if arrays else list(example_for(source, ()))
        comparison = crashed(
            source,
            module,
            inputs,
            str(error).partition(". Give the shape")[0],
            origin.text,
            str(folder.path / "model.py"),
        )
    rows = () if folder.blueprint is None or not twin.stated else setting_rows(folder.blueprint, twin.blueprint)
    wrong = comparison.status == "different"
    return VerifiedReport(
        regraft.__version__, str(folder.path), origin.text, origin.kind, "by values", OTHER, row, comparison, rows,
        choices=() if twin.stated else tuple(choice_rows(twin)),
        notes=(*origin.notes, *folder.notes, *([] if twin.stated else [OWN_BLUEPRINT])),
        command=command_for(folder, rows, twin.blueprint, origin.text, is_file=origin.kind == "file") if wrong else "",
    )  # fmt: skip


def choice_rows(twin: Twin) -> list[ChoiceRow]:
    """What the result's own blueprint assumes, where no model says otherwise."""
    found = unsettled(twin.blueprint)
    whole = ChoiceRow("architecture", "that of blueprint.toml", (), "assumed", OWN_BLUEPRINT)
    return [whole] + [ChoiceRow(c.subject, c.value, c.candidates, c.label, c.evidence) for c in found]


__all__ = ["verify_folder"]
