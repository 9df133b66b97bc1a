"""One file at one level: stripped, recovered, compared with the truth, in a process of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.recovery_evidence import evidence_for
from benchmarks.recovery_graph import graph_of
from benchmarks.recovery_judge import Judge
from benchmarks.recovery_memory import memory_peak, memory_restarted
from benchmarks.recovery_row import AMONG, CUSTOM, DIFFERENT, EQUAL, FAILED, NO_TRUTH, UNJUDGED, Row, Task
from benchmarks.recovery_run import (
    CannotRunError,
    Comparison,
    compare,
    runner,
    with_shapes,
)
from benchmarks.recovery_truth import Truth, original_of, trained_norm, truth_of, unknown_layers
from benchmarks.stripping import Original, strip

from regraft.blueprint import Blueprint, Shape
from regraft.errors import NotKerasError, RegraftError
from regraft.layers.binding import bind
from regraft.layers.walk import input_shapes
from regraft.weights import read


def row_of(task: Task, say: Callable[[Row], None] = lambda _: None) -> Row:
    """Do it all; what goes wrong in recovery is a verdict. ``say`` hears what is known before the recovery begins."""
    name = str(task.file.relative_to(task.root)) if task.file != task.root else task.file.name
    row = Row(name, task.level, NO_TRUTH, evidence=task.evidence)
    try:
        original = original_of(task.file, task.root)
    except (NotKerasError, RegraftError) as error:
        return replace(row, reason=f"{type(error).__name__}: {error}"[:200])
    if original is None:
        return row
    unknown = unknown_layers(original.blueprint)
    row = replace(row, norm=trained_norm(original), layers=len(original.blueprint.layers))
    if unknown:
        return replace(row, verdict=CUSTOM, reason=", ".join(unknown[:3]))
    say(row)
    try:
        truth = truth_of(original)
    except CannotRunError as error:
        return replace(row, verdict=UNJUDGED, reason=f"the original does not run: {error}")
    evidence = evidence_for(task, original)
    if evidence is None:
        return replace(row, verdict=UNJUDGED, reason="no samples beside the file fit its inputs")
    shapes = [shape[1:] for shape in input_shapes(original.blueprint) if shape is not None]
    with tempfile.TemporaryDirectory(prefix="regraft-recovery-") as folder:
        stripped = strip(original, task.level, Path(folder))
        before = memory_restarted()
        started = time.perf_counter()
        try:
            candidates = recovered(stripped, shapes if task.shapes_given else [], evidence, task.candidates)
        except RegraftError as error:
            seconds = time.perf_counter() - started
            return replace(row, verdict=FAILED, reason=" ".join(str(error).split())[:300], seconds=seconds)
        row = replace(row, seconds=time.perf_counter() - started, megabytes=memory_peak() - before)
        return judged(row, original, truth, candidates, shapes)


def recovered(file: Path, shapes: Sequence[Any], evidence: dict[str, Any], count: int) -> list[Any]:
    """The candidates for a stripped file."""
    from regraft import recover

    return recover(read(file), input_shapes=shapes, candidates=count, **evidence)


def judged(
    row: Row,
    original: Original,
    truth: Truth,
    candidates: list[Any],
    shapes: Sequence[tuple[int | None, ...]],
) -> Row:
    """The row of a file whose candidates are known."""
    if not candidates:
        return replace(row, verdict=FAILED, reason="no candidate")
    found: list[Comparison] = []
    for candidate in candidates:
        found.append(outcome(candidate, truth))
        if found[-1].equal:
            break
    rank = len(found) if found[-1].equal else 0
    verdict = EQUAL if rank == 1 else AMONG if rank else DIFFERENT
    best = candidates[0]
    row = replace(
        row,
        verdict=verdict,
        rank=rank,
        candidates=len(candidates),
        family=best.family,
        proof=best.proof,
        note="; ".join(filter(None, (found[-1].note if rank else "", truth.note))),
        error=found[0].error,
        sizes=sizes_found(best.blueprint, shapes),
    )
    judge = Judge(original, truth, named=row.level in ("named", "classed"))
    try:
        binding = bind(best.blueprint, best.tree)
        graph = graph_of(best.blueprint)
        names = judge.names(best.blueprint, binding, graph)
    except (RegraftError, KeyError) as error:
        return replace(row, reason=f"the best candidate cannot be bound: {error}"[:300])
    reason = "" if rank == 1 else judge.reason(graph, names)
    if rank != 1 and found[0].reason:
        reason = f"{reason} [{found[0].reason}]"
    choices = judge.choices(best.blueprint, names, graph, equal=rank == 1)
    return replace(row, edges=judge.edges(graph, names), choices=tuple(choices), reason=reason[:500])


def outcome(candidate: Any, truth: Truth) -> Comparison:
    """A candidate run beside the original; with the original's input sizes where its own do not do."""
    first = tried(candidate.blueprint, candidate, truth)
    theirs, ours = input_shapes(truth.blueprint), input_shapes(candidate.blueprint)
    if first.equal or theirs == ours or len(theirs) != len(ours):
        return first
    second = tried(with_shapes(candidate.blueprint, theirs), candidate, truth)
    return second if second.equal or truth.note else first


def tried(blueprint: Blueprint, candidate: Any, truth: Truth) -> Comparison:
    """One blueprint of a candidate."""
    try:
        return compare(runner(blueprint, candidate.tree), truth.inputs, truth.expected)
    except CannotRunError as error:
        return Comparison(False, reason=str(error))


def sizes_found(blueprint: Blueprint, shapes: Sequence[tuple[int | None, ...]]) -> str:
    """Whether the sizes of the input maps are those of the original."""
    maps = [shape for shape in shapes if len(shape) > 1 and None not in shape]
    if not maps:
        return ""
    found: list[Shape] = [shape[1:] if shape else None for shape in input_shapes(blueprint)]
    if all(shape in found for shape in maps):
        return "found"
    return "wrong" if any(f is not None and len(f) > 1 and None not in f for f in found) else "not said"
