"""The emitted module against the real Keras: what the pipeline knows, handed to ``verify`` in its own terms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from regraft import keras_config
from regraft.blueprint import Blueprint
from regraft.emit.module import Module
from regraft.emit.outputs import Format, weight_files
from regraft.errors import OracleError
from regraft.layers.binding import Binding
from regraft.layers.custom import active, current
from regraft.report import CheckRow, VerificationRow
from regraft.verify import Check, Oracle, Subject, Verification
from regraft.verify import verify as compare
from regraft.weights import WeightTree

if TYPE_CHECKING:
    from regraft.convert import Conversion

Progress = Callable[[str, int, int], None]


def verify(
    conversion: Conversion, *, oracle: Oracle | None = None, progress: Progress | None = None
) -> VerificationRow:
    """
    Compare a conversion with the real Keras, layer by layer, as ``convert`` does unless told not to.

    The code and weights in ``conversion.folder`` are run as they lie there, in float64 and float32, on several seeded
    inputs in Keras order (batch first); every error is relative to the largest value of its tensor.

    Args:
        conversion: What ``convert`` gave.
        oracle: A running Keras process to use and leave running, for many verifications in a row.
        progress: Called with a word for the step, how much is done, and 0.

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
) -> VerificationRow:
    """
    Compare the files in ``folder`` with Keras, which gets ``config`` if that is what was converted; or say why not.

    ``keras_reads`` is false for a file that no Keras can load, a list of arrays.
    """
    subject = Subject(
        blueprint=blueprint,
        binding=binding,
        tree=tree,
        file=Path(tree.file) if keras_reads else None,
        config=config,
        regenerate=lambda part, version: keras_config.dump(part, version=version),
        source=(folder / "model.py").read_text(encoding="utf-8"),
        probes=module.probes,
        input_orders=module.input_orders,
        output_orders=module.output_orders,
        state=folder / weight_files(format)[0],
        custom=current(),
    )
    steps = 0

    def say(words: str) -> None:
        nonlocal steps
        steps += 1
        if progress is not None:
            progress(f"verify: {words}", steps, 0)

    try:
        return row(compare(subject, oracle=oracle, progress=say))
    except OracleError as error:
        return VerificationRow("not verified", reason=f"not verified against Keras: {error}")


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
    )


def finite(value: float | None) -> float | None:
    """None where a number is infinite or not a number: JSON has neither, and the note says what happened."""
    return value if value is not None and abs(value) < float("inf") else None
