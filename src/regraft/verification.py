"""The emitted module against the real Keras: what the pipeline knows, handed to ``verify`` in its own terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from regraft import keras_config
from regraft.back_to_keras import Revived
from regraft.blueprint import Blueprint
from regraft.emit.module import Module
from regraft.emit.outputs import Format, weight_files
from regraft.errors import OracleError
from regraft.layers.binding import Binding
from regraft.layers.custom import active, current
from regraft.report import CheckRow, VerificationRow
from regraft.verify import Check, Oracle, Subject, Verification
from regraft.verify import verify as compare
from regraft.verify.how import USUAL, How
from regraft.verify.opened import verify_opened as compare_opened
from regraft.weights import WeightTree

if TYPE_CHECKING:
    from regraft.convert import Conversion

Progress = Callable[[str, int, int], None]


def verify(
    conversion: Conversion, *, oracle: Oracle | None = None, progress: Progress | None = None, how: How = USUAL
) -> VerificationRow:
    """
    Compare a conversion with the real Keras, layer by layer, as ``convert`` does unless told not to.

    The code and weights in ``conversion.folder`` are run as they lie there, in float64 and float32, on several seeded
    inputs in Keras order (batch first); every error is relative to the largest value of its tensor.

    Args:
        conversion: What ``convert`` gave.
        oracle: A running Keras process to use and leave running, for many verifications in a row.
        progress: Called with a word for the step, how much is done, and 0.
        how: Inputs, precisions and memory.

    Returns:
        The verdict, with one row a tensor; ``not verified`` with the reason where Keras is not installed.
    """
    c = conversion
    with active(c.custom):
        return check(
            c.folder,
            c.format,
            c.module,
            c.blueprint,
            c.binding,
            c.tree,
            c.config,
            oracle=oracle,
            progress=progress,
            keras_reads=c.report.source.dialect != "arrays",
            how=how,
        )


def check(
    folder: Path,
    format: Format,
    module: Module,
    blueprint: Blueprint,
    binding: Binding,
    tree: WeightTree,
    config: str | None,
    *,
    oracle: Oracle | None = None,
    progress: Progress | None = None,
    keras_reads: bool = True,
    how: How = USUAL,
    low_memory: bool = False,
) -> VerificationRow:
    """
    Compare the files in ``folder`` with Keras, which gets ``config`` if that is what was converted; or say why not.

    ``keras_reads`` is false for a file that no Keras can load, a list of arrays.
    """
    written = format != "keras"
    subject = subject_of(
        module,
        blueprint,
        binding,
        tree,
        config,
        source=(folder / "model.py").read_text(encoding="utf-8") if written else None,
        state=folder / weight_files(format)[0] if written else None,
        keras_reads=keras_reads,
    )
    return checked(subject, oracle=oracle, progress=progress, how=How(low_memory=True) if low_memory else how)


def subject_of(
    module: Module,
    blueprint: Blueprint,
    binding: Binding,
    tree: WeightTree,
    config: str | None,
    *,
    source: str | None = None,
    state: Path | None = None,
    keras_reads: bool = True,
) -> Subject:
    """What is verified: a module with its own code and parameters, or with those that lie in files."""
    return Subject(
        blueprint=blueprint,
        binding=binding,
        tree=tree,
        file=Path(tree.file) if keras_reads else None,
        config=config,
        regenerate=lambda part, version: keras_config.dump(part, version=version),
        source=module.source if source is None else source,
        probes=module.probes,
        input_orders=module.input_orders,
        output_orders=module.output_orders,
        state=partial(state_of, module) if state is None else state,
        custom=current(),
    )


def checked(
    subject: Subject, *, oracle: Oracle | None = None, progress: Progress | None = None, how: How = USUAL
) -> VerificationRow:
    """A comparison with Keras as part of a report; where its process fails, that is the reason why there is none."""
    try:
        return row(compare(subject, oracle=oracle, progress=counted(progress), how=how))
    except OracleError as error:
        return VerificationRow("not verified", reason=f"not verified against Keras: {error}")


def state_of(module: Module) -> dict[str, np.ndarray]:
    """The state dict of a module whose files were not written."""
    return {n: a for t in module.transfers for n, a in zip(t.parameters, t.read(), strict=True)}


#: Steps of a check that needs no second try: build, fill, and for two inputs run, compare in float64, in float32.
STEPS = 8


def counted(progress: Progress | None) -> Callable[[str], None]:
    """Progress of a check, whose steps are numbered as they come."""
    steps = 0

    def say(words: str) -> None:
        nonlocal steps
        if progress is not None:
            progress(f"verify: {words}", steps, max(STEPS, steps + 1))
        steps += 1

    return say


def check_opened(
    file: Path,
    back: Revived,
    module: Module,
    tree: WeightTree,
    *,
    oracle: Oracle | None = None,
    progress: Progress | None = None,
    low_memory: bool = False,
) -> VerificationRow:
    """Let the Keras of today open a ``.keras`` file that was written, and compare it with the module of the old one."""
    probes = [replace(p, layer=renamed_path(p.layer, back.names)) for p in module.probes]
    subject = Subject(
        blueprint=back.blueprint,
        binding=back.binding,
        tree=tree,
        file=file,
        config=None,
        regenerate=lambda part, version: keras_config.dump(part, version=version),
        source=module.source,
        probes=probes,
        input_orders=module.input_orders,
        output_orders=module.output_orders,
        state=partial(state_of, module),
        custom=current(),
    )
    try:
        return row(
            compare_opened(subject, file, oracle=oracle, progress=counted(progress), how=How(low_memory=low_memory))
        )
    except OracleError as error:
        return VerificationRow("not verified", reason=f"not opened in Keras: {error}")


def renamed_path(path: str, names: Mapping[str, str]) -> str:
    """The path of a tensor, with the new name of its layer in the model."""
    for old, new in names.items():
        if path == old or path.startswith(f"{old}/"):
            return new + path[len(old) :]
    return path


def row(found: Verification) -> VerificationRow:
    """A verdict as part of the report."""
    return VerificationRow(
        status=found.status,
        reason=found.reason,
        oracle=found.oracle,
        config_route=found.config,
        weights_route=found.weights,
        inputs=found.inputs,
        layers=tuple(check_row(item) for item in found.checks),
        compared=found.compared,
        total=found.total,
        first_failure="" if found.first_failure is None else found.first_failure.layer,
        notes=(
            *found.notes,
            *(f"{name} was not compared: {reason}" for name, reason in found.not_reached),
            *found.weight_mismatches,
        ),
        gates=found.gates,
    )


def check_row(item: Check) -> CheckRow:
    """One compared tensor as a row of the report; a row of JSON holds no infinities."""
    return CheckRow(
        layer=item.layer,
        type=item.type,
        shape=item.shape,
        error64=finite(item.error64),
        error32=finite(item.error32),
        scale=finite(item.scale) or 0.0,
        ok=item.ok,
        note=item.note,
        limit64=finite(item.limit64),
        limit32=finite(item.limit32),
    )


def finite(value: float | None) -> float | None:
    """None where a number is infinite or not a number: JSON has neither, and the note says what happened."""
    return value if value is not None and abs(value) < float("inf") else None
