"""A Keras model and a module with weights of its own, compared: the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import regraft
from regraft.comparing.finding import Index
from regraft.comparing.further import ends_masked, more_trials, structure
from regraft.comparing.model import CannotRunError
from regraft.comparing.rows import cause_rows, divergence, rows_of
from regraft.comparing.running import Pair, both, graph_of, prepared
from regraft.comparing.weights import foreign, throughout, weight_rows
from regraft.errors import RegraftError
from regraft.graft.scripted import scripted
from regraft.grafting.example import telling
from regraft.grafting.result import Graft
from regraft.grafting.source import Converted
from regraft.grafting.unrunnable import unrunnable
from regraft.report import ChoiceRow
from regraft.report.compared import NOT_VERIFIED, CauseRow, ComparisonReport, DivergenceRow, VerificationRow, WeightRow
from regraft.report.grafted import DifferenceRow
from regraft.report.printable import plural

TOLERANCE = 1e-6
#: How long to look for causes, in seconds.
PATIENCE = 120.0
TRAINING = "the module is in training mode: it was compared in evaluation mode, so call model.eval() before you use it"


def compare_models(
    source: Converted,
    module: Any,
    inputs: Sequence[Any],
    *,
    keras: str = "",
    torch: str = "",
    tolerance: float = TOLERANCE,
    further: bool = True,
    seconds: float = PATIENCE,
    notes: Sequence[str] = (),
    verification: VerificationRow = NOT_VERIFIED,
) -> ComparisonReport:
    """
    Compare a file's model with a module that has weights of its own; neither is changed.

    Args:
        source: The file's model, as ``regraft.grafting.source.converted`` gives it.
        module: A ``torch.nn.Module``. If it is in evaluation mode, its parts run in the mode in which they are.
        inputs: Tensors as the module takes them, batch first.
        keras: The Keras side, as the user named it.
        torch: The module, as the user named it.
        tolerance: Relative difference up to which two tensors are equal.
        further: Whether other inputs are tried where these show no difference.
        seconds: How long to look for causes.
        notes: What the report says besides.
        verification: The Keras side against the real Keras.

    Raises:
        OutputError: The module cannot be run on these inputs.
        ShapeMismatchError: The file's model does not take them.
    """
    report = ComparisonReport(
        regraft=regraft.__version__,
        keras=keras or source.tree.file,
        torch=torch or type(module).__name__,
        status="cannot compare",
        inputs=tuple(tuple(tensor.shape) for tensor in inputs),
        choices=tuple(
            ChoiceRow(c.subject, c.value, c.candidates, c.label, c.evidence) for c in source.blueprint.choices
        ),
        notes=tuple(notes),
        verification=verification,
        tolerance=tolerance,
    )
    if unknown := unrunnable(source):
        words = ", ".join(unknown[:8])
        return replace(
            report, problems=(f"the Keras model has layers that regraft cannot run: {words}; --custom declares them",)
        )
    inputs = telling(source, inputs)
    found = structure(source, module, inputs, run=False)
    known = [] if found is None or found.problems else list(weight_rows(source, found.grafting, state_of(module)))
    strange = foreign(known, 0 if found is None else len(found.grafting.carried))
    if scripted(module):
        seconds = 0.0
    try:
        pair = run(source, module, inputs, tolerance, seconds, strange)
    except CannotRunError as error:
        return replace(report, problems=(f"the Keras model does not run on these inputs: {error}",))
    tried: list[str] = []
    if pair.equal and further:
        for trial in more_trials(source, inputs):
            foreign_to_it = trial.masked and ends_masked(source, inputs) and not ends_masked(source, trial.inputs)
            try:
                other = run(source, module, trial.inputs, tolerance, 0.0 if foreign_to_it else seconds, strange)
            except (RegraftError, RuntimeError, ValueError) as error:
                tried.append(f"cannot be run {trial.words}: {str(error).strip().partition(chr(10))[0][:200]}")
                continue
            if (
                not other.equal
                and trial.masked
                and ends_masked(source, inputs)
                and not ends_masked(source, trial.inputs)
            ):
                tried.append(
                    f"not equal {trial.words}; those of the samples are masked at the end, and there both are equal"
                )
                continue
            if not other.equal:
                tried.append(f"equal on the first inputs, and not {trial.words}")
                pair, inputs = other, trial.inputs
                break
            tried.append(f"also equal {trial.words}")
    found = structure(source, module, inputs, run=True) if pair.equal else found
    report = replace(
        report, notes=(*report.notes, *tried, *([TRAINING] if module.training and has_modes(module) else []))
    )
    shapes = tuple(tuple(tensor.shape) for tensor in inputs)
    return finished(report, module, pair, found, () if pair.equal else known, shapes)


def state_of(module: Any) -> dict[str, np.ndarray]:
    """The parameters of a module."""
    return {key: value.detach().cpu().numpy() for key, value in module.state_dict().items()}


def run(
    source: Converted, module: Any, inputs: Sequence[Any], tolerance: float, seconds: float, strange: frozenset[str]
) -> Pair:
    """
    One comparison.

    Raises:
        OutputError: The module cannot be run.
    """
    twin = prepared(module, as_is=not module.training)
    return both(source, graph_of(source), twin, inputs, tolerance, seconds, strange)


def has_modes(module: Any) -> bool:
    """Whether something in a module depends on the mode."""
    return any("Dropout" in type(part).__name__ or "BatchNorm" in type(part).__name__ for part in module.modules())


def finished(
    report: ComparisonReport,
    module: Any,
    pair: Pair,
    found: Graft | None,
    known: Sequence[tuple[str, WeightRow]],
    shapes: tuple[tuple[int, ...], ...],
) -> ComparisonReport:
    """The report with what was found."""
    index = Index(pair.watched, report.tolerance)
    base = pair.diagnosis.base
    assert base is not None
    causes = tuple(cause_rows(pair, module, report.tolerance))
    weights = tuple(row for _, row in known)
    if unseen := scripted(module):
        status = "equal" if pair.equal else "different"
        note = f"{unseen}: its layers cannot be seen, and the outputs alone were compared"
        return replace(report, status=status, inputs=shapes, outputs=base[2].outputs, notes=(*report.notes, note))
    hidden = found is not None and found.comparison is not None and bool(found.comparison.hidden)
    differences = tuple(quiet(found)) if pair.equal or not causes else ()
    if known and found is not None and throughout(known, len(found.grafting.carried)):
        causes = (others(known, len(found.grafting.carried)), *causes)
    elif pair.diagnosis.unknown:
        causes = (*causes, *unexplained(pair, found, known))
    if pair.equal and hidden and found is not None:
        causes = tuple(from_settings(found))
        differences = ()
    status = "different" if not pair.equal or (hidden and pair.equal) else "equal"
    rows = tuple(rows_of(pair, index))
    notes = report.notes
    if pair.diagnosis.tried:
        notes = (*notes, f"{plural(pair.diagnosis.tried, 'known mistake')} tried")
    told = {cause.layer for cause in causes}
    if lost := [call.layer for call in pair.diagnosis.unknown if call.layer not in told]:
        notes = (*notes, f"no known mistake explains {', '.join(lost)}")
    first = divergence(pair, index)
    if first is not None and first.layer in lost and causes:
        causes = (unknown(first), *causes)
    if pair.diagnosis.unknown and any(row.ok is None for row in rows):
        notes = (*notes, "layers behind it could not be judged: mend it first, and compare again")
    if pair.diagnosis.stopped:
        notes = (*notes, "time was up before all known mistakes were tried: --patience gives more")
    return replace(
        report, status=status, inputs=shapes, outputs=base[2].outputs, rows=rows,
        first=first, causes=causes, differences=differences, weights=weights, notes=notes,
    )  # fmt: skip


def unknown(first: DivergenceRow) -> CauseRow:
    """The first layer that differs, where its mistake is none of those that are known, and others stand behind it."""
    words = "no known mistake explains what it computes; causes at layers behind it rest on its numbers as they are"
    return CauseRow(first.layer, first.module, first.where, "unknown", words, "values", first.output_error)


def kind_of(what: str) -> str:
    """The kind of mistake that a difference of settings is."""
    kinds = {"output padding": "padding", "the order of what it takes": "input order"}
    return kinds.get(what, what if what in ("padding", "stride", "dilation", "epsilon", "groups") else "setting")


def quiet(found: Graft | None) -> Iterator[DifferenceRow]:
    """Settings that differ and make no difference here."""
    if found is None or found.problems:
        return
    effects = {} if found.comparison is None else found.comparison.effects
    for d in found.grafting.differences:
        yield DifferenceRow(d.where, d.layer, d.what, d.expected, d.found, effects.get(d.place), d.fix)


def from_settings(found: Graft) -> Iterator[CauseRow]:
    """Settings that differ, and whose effect shows beyond the numbers that the inputs make."""
    assert found.comparison is not None
    for d in found.grafting.differences:
        if d.place in found.comparison.hidden:
            off = found.comparison.hidden[d.place]
            words = f"{d.what}: {d.found}; in Keras {d.expected}. It shows with greater numbers only"
            yield CauseRow(d.layer, d.where, "", kind_of(d.what), words, "settings", off, None, d.fix)


def others(known: Sequence[tuple[str, WeightRow]], count: int) -> CauseRow:
    """A module that has other weights from its first layer to its last."""
    layer, row = known[0]
    words = f"{len(known)} of its {count} parameters are not the file's: its weights were not loaded, or are another model's"
    return CauseRow(
        layer, row.parameter.rpartition(".")[0], "", "weights", words, "weights", row.error, None,
        "load the module's state dict: --weights model.pth",
    )  # fmt: skip


def unexplained(pair: Pair, found: Graft | None, known: Sequence[tuple[str, WeightRow]]) -> Iterator[CauseRow]:
    """Layers that differ for no known reason: what their parameters and settings say."""
    for call in pair.diagnosis.unknown:
        layer = call.layer.partition(" (")[0]
        own = [row for name, row in known if name == layer]
        for row in own:
            how = f": {row.how}" if row.how else ": trained on, another file's, or not loaded"
            yield CauseRow(
                call.layer, row.parameter.rpartition(".")[0], "", "weights", f"{row.parameter} is not what the file has{how}",
                "weights", row.error, None, f"load {row.parameter} from {', '.join(row.variables)}",
            )  # fmt: skip
        if own or found is None:
            continue
        for d in found.grafting.differences:
            if layer in (d.layer, *d.layer.split(" -> ")):
                words = f"{d.what}: {d.found}; in Keras {d.expected}"
                yield CauseRow(call.layer, d.where, "", kind_of(d.what), words, "settings", None, None, d.fix)
