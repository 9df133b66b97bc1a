"""
Every model of keras.applications onto its twin in torchvision or timm: what is paired, filled, equal, or else different.

    python benchmarks/graft_twins.py [--only TEXT] [--largest MILLIONS] [--mended] [--json OUT]

Each model is built by the real Keras at a small input size with random weights and statistics, saved, and grafted from the
file alone onto the twin as the library makes it. A row says how many units were paired and tensors filled, how the outputs
differ, and the named differences with what each does at its own place. Then the module is changed as the differences say
(epsilon, stride, borders, what is done to the input, the softmax), grafted again, and must be equal: so that nothing was left
unnamed. torchvision and timm are needed for this alone. Exit code 1 if a model is not equal after that, or is refused for a
reason that is not expected.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
import types
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from benchmarks.graft_twins_mended import mended, with_bias
from benchmarks.graft_twins_table import MODELS, Twin

#: Largest relative difference of two outputs that are the same.
EQUAL = 1e-5


@dataclass(frozen=True)
class Row:
    """
    One model.

    Attributes:
        paired: Units of both sides that became a pair, of all of the file's model and of the module.
        filled: Tensors of the module that got a value, of all.
        used: Variables of the file that went somewhere, of all.
        output: Largest difference of the outputs relative to the largest value, as the library makes the module.
        differences: Named ones: how often, what, and the greatest effect at its own place (None: sizes differ, so none can be
            measured).
        mended: The greatest difference of any unit or output after the changes that were named; None if there is no such
            number. (Outputs alone say little: random weights make softmax all but one-hot.)
        refused: The first reason, if the weights do not fit as the library makes the module.
    """

    model: str
    twin: str
    paired: tuple[int, int, int]
    filled: tuple[int, int]
    used: tuple[int, int]
    output: float | None
    differences: tuple[tuple[int, str, float | None], ...]
    mended: float | None
    refused: str
    seconds: float
    megabytes: float


def build(twin: Twin, folder: Path) -> Path:
    """The Keras model with random weights, saved."""
    import keras
    from tests.twin import randomise

    keras.backend.clear_session()
    model = getattr(keras.applications, twin.model)(weights=None, input_shape=(twin.size, twin.size, 3), **twin.options)
    randomise(model)
    file = folder / f"{twin.model}.keras"
    model.save(file)
    return file


def one(twin: Twin, file: Path) -> Row:
    """Graft one model, change its twin as was said, and graft it again."""
    import torch

    from regraft import graft
    from regraft.graft.target import load_target
    from regraft.grafting.report import report_of

    generator = torch.Generator().manual_seed(0)
    example = torch.rand((1, 3, twin.size, twin.size), generator=generator) * 2 - 0.5
    module = load_target(twin.target)
    began = time.perf_counter()
    result = graft(file, module, example)
    seconds = time.perf_counter() - began
    report = report_of(result, twin.target)
    refused = report.problems[0] if report.problems else ""
    if refused:
        result = graft(file, with_bias(module, report.problems), example)
        report = report_of(result, twin.target)
    counted = [key for key in module.state_dict() if not key.endswith("num_batches_tracked")]
    units = len(report.pairs)
    right = None
    if report.status in ("equal", "different"):
        try:
            right = greatest(graft(file, mended(module, result, twin), example))
        except RuntimeError as error:
            print(f"{twin.model}: changed as said, the module does not run: {error}")
    return Row(
        twin.model,
        twin.target,
        (units, units + len(report.lone_layers), units + len(report.lone_modules)),
        (report.parameters, len(counted)),
        (
            report.variables,
            len([v for v in result.source.tree.variables() if "count" not in v.path.rsplit("/", 1)[-1]]),
        ),
        report.outputs[0] if report.outputs else None,
        grouped(report.differences),
        right,
        refused,
        seconds,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def greatest(result: Any) -> float | None:
    """The greatest relative difference of all units and outputs; None if one of them cannot be compared."""
    if result.comparison is None or not result.comparison.outputs:
        return None
    errors = [*result.comparison.outputs, *(unit.error for unit in result.comparison.units)]
    return None if None in errors else max(errors)


def grouped(rows: Sequence[Any]) -> tuple[tuple[int, str, float | None], ...]:
    """Differences of one kind together: how many, in words, and the greatest effect."""
    found: dict[str, list[float | None]] = {}
    for row in rows:
        words = f"{row.what}: Keras {row.expected}, module {row.found}"
        found.setdefault(words, []).append(row.effect)
    return tuple(
        (len(effects), words, max((e for e in effects if e is not None), default=None))
        for words, effects in found.items()
        if not words.startswith("momentum")
    )


def right(row: Row) -> bool:
    """Whether the twin is equal once it is changed as was said."""
    return row.mended is not None and row.mended <= EQUAL


def shown(row: Row) -> str:
    """One row as text."""
    number = "-" if row.mended is None else f"{row.mended:.1e}"
    lines = [
        f"{row.model:20} {row.twin:36} {row.paired[0]:4} of {row.paired[1]}/{row.paired[2]} "
        f"tensors {row.filled[0]} of {row.filled[1]} variables {row.used[0]} of {row.used[1]} "
        f"{'refused' if row.refused else 'grafted'}, mended {number} {row.seconds:.1f} s {row.megabytes:.0f} MB"
    ]
    lines += [f"    refused: {row.refused}"] if row.refused else []
    lines += [
        f"    {count:3} x {words[:150]} (effect {'another size' if effect is None else f'{effect:.1e}'})"
        for count, words, effect in row.differences
    ]
    return "\n".join(lines)


def main() -> int:
    """Build, graft and compare each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of the table that contain this, several with commas")
    parser.add_argument("--largest", type=float, default=1e9, help="leave out models with more million parameters")
    parser.add_argument(
        "--keep", type=Path, help="a folder where the Keras files stay, and are taken from if they are there"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sys.modules.setdefault(
        "torchvision._meta_registrations", types.ModuleType("stub")
    )  # for a CPU torch of another build
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="regraft-twins-") as name:
        folder = options.keep or Path(name)
        for twin in MODELS:
            if not any(part in f"{twin.model} {twin.target}" for part in options.only.split(",")):
                continue
            if twin.millions > options.largest:
                continue
            file = folder / f"{twin.model}.keras"
            rows.append(one(twin, file if file.exists() else build(twin, folder)))
            print(shown(rows[-1]), flush=True)
            if options.keep is None:
                file.unlink()
    filled, tensors = sum(row.filled[0] for row in rows), sum(row.filled[1] for row in rows)
    print(f"{len(rows)} models, {sum(map(right, rows))} equal once changed as said, "
          f"{sum(bool(row.refused) for row in rows)} refused as they are, {filled} of {tensors} tensors")  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    return 0 if all(map(right, rows)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
