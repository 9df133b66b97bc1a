"""What a user may have beside a file: real inputs, or known outputs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.recovery_row import Task
from benchmarks.recovery_run import Arrays, Runner, inputs_for, runner
from benchmarks.stripping import Original

from regraft.blueprint import Blueprint, Shape
from regraft.layers.walk import input_shapes

PAIRS, SAMPLES = 4, 64


def evidence_for(task: Task, original: Original) -> dict[str, Any] | None:
    """What the user has beside the file; None if there is nothing of the kind."""
    if task.evidence == "none":
        return {}
    samples = samples_beside(task.file, original.blueprint)
    if task.evidence == "samples":
        return None if samples is None else {"samples": samples}
    run = runner(original.blueprint, original.binding)
    batches = [samples] if samples else drawn(original.blueprint, run)
    batches = [tuple(array[:PAIRS] for array in batch) for batch in batches]
    outputs = [tuple(output.astype("float32") for output in run(batch)) for batch in batches]
    if any(len(array) != len(batches[0][0]) for made in outputs for array in made):
        return {"pairs": (batches[0], outputs[0])}  # no batch axis along which more calls could stand
    return {"pairs": (joined(batches), joined(outputs))}


def drawn(blueprint: Blueprint, run: Runner) -> list[Arrays]:
    """Random inputs; several batches for a model that takes only so few at a time."""
    first = inputs_for(blueprint, run, seed=1, batch=PAIRS)[0]
    more = max(1, PAIRS // max(1, len(first[0]))) if first else 1
    return [first, *(inputs_for(blueprint, run, seed=1 + i, batch=PAIRS)[0] for i in range(1, more))]


def joined(batches: Sequence[Arrays]) -> Arrays:
    """Arrays of several calls as those of one."""
    return tuple(np.concatenate(arrays) for arrays in zip(*batches, strict=True))


def samples_beside(file: Path, blueprint: Blueprint) -> Arrays | None:
    """Real inputs in ``samples/``: those named like the file, else the first that fit every input."""
    folder = file.parent / "samples"
    stem = re.sub(r"\.(weights\.h5|keras|h5|hdf5)$", "", file.name)
    files = sorted(p for p in folder.glob("*.np[yz]")) if folder.is_dir() else []
    for path in sorted(files, key=lambda p: p.stem != stem):
        try:
            loaded = np.load(path, allow_pickle=False)
            arrays = [loaded] if isinstance(loaded, np.ndarray) else [loaded[name] for name in loaded.files]
        except (OSError, ValueError):
            continue
        if fits([a.shape for a in arrays], input_shapes(blueprint)):
            return tuple(array[:SAMPLES] for array in arrays)
    return None


def fits(found: Sequence[tuple[int, ...]], declared: Sequence[Shape]) -> bool:
    """Whether arrays can be the inputs of a model, batch first."""
    return len(found) == len(declared) and all(
        shape is not None
        and len(shape) == len(array)
        and all(n is None or n == m for n, m in zip(shape[1:], array[1:], strict=True))
        for array, shape in zip(found, declared, strict=True)
    )
