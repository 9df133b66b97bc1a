"""
A second test of ``regraft compare``: mistakes made by editing the text of modules, as people make them.

    python benchmarks/diagnosis_blind.py [--pair NAME] [--all]

The pairs and the mistakes were written without knowledge of what regraft tries. Each module stands as a person writes it in
``benchmarks/blind``; a mistake is an edit of its text or of its code that copies the weights. It counts as found if the first
divergent layer is right, and as explained if the first cause holds the words that a person would need. An edit without effect
on the output is an error of the list. Exit code 1 if an equal pair is called different or less than 90 % are explained.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import keras
import numpy as np
import torch
from benchmarks.diagnosis_blind_mistakes import MISTAKES, Mistake
from benchmarks.diagnosis_blind_pairs import KERAS, samples

import regraft
from regraft.report.compared import ComparisonReport

TEXTS = Path(__file__).parent / "blind"
#: Of the mistakes, so many must be explained.
REQUIRED = 0.9
#: Outputs that differ by less are equal, and the mistake is none.
EFFECT = 1e-5


def weights_of(model: Any) -> dict[str, np.ndarray]:
    """Seeded weights, put into the model: of a kernel the size keeps the scale of what passes."""
    rng = np.random.default_rng(5)
    found: dict[str, np.ndarray] = {}
    for weight in model.weights:
        kind, shape = weight.path.rpartition("/")[2], tuple(weight.shape)
        if kind in ("mean", "variance", "count"):
            continue
        numbers = rng.standard_normal(shape)
        if "kernel" in kind:
            numbers *= 1.3 / np.sqrt(max(1, np.prod(shape[:-1])))
        elif "variance" in kind:
            numbers = 0.02 + np.abs(numbers)
        elif "gamma" in kind:
            numbers = 1 + 0.3 * numbers
        elif "embeddings" not in kind:
            numbers *= 0.3
        weight.assign(numbers)
        found[weight.path] = np.asarray(weight, dtype=np.float32)
    return found


def imported(text: str, folder: Path, number: int) -> Any:
    """The text as a module of Python."""
    file = folder / f"net{number}.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(f"blind_{folder.name}_{number}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def edited(text: str, mistake: Mistake) -> str:
    """The text with the mistake in it."""
    for old, new in mistake.edits:
        if text.count(old) != 1:
            raise SystemExit(f"{mistake.pair}: {text.count(old)} places hold {old!r}")
        text = text.replace(old, new)
    return text


def ran(net: Any, name: str) -> np.ndarray:
    """What the module gives for the samples, which it takes in Keras order or channels first."""
    arrays = [torch.from_numpy(a) for a in samples(name)]
    if arrays[0].ndim == 4 and name != "nhwc":
        arrays = [a.permute(0, 3, 1, 2) for a in arrays]
    with torch.no_grad():
        return net(*arrays).numpy()


def same(given: str, true: tuple[str, ...]) -> bool:
    """Whether the layer is one of these, or its function."""
    return re.sub(r" \(.*\)$", "", given).rpartition("/")[2] in true


def main() -> int:
    """Run all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", help="one pair only")
    parser.add_argument("--all", action="store_true", help="print every mistake")
    given = parser.parse_args()
    alarms, count, placed, explained, took = [], 0, 0, 0, []
    table: list[str] = []
    for name, build in KERAS.items():
        if given.pair not in (None, name):
            continue
        model = build(keras)
        weights = weights_of(model)
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            file = folder / "model.keras"
            model.save(file)
            text = (TEXTS / f"{name}.py").read_text()
            total = right_layer = right_cause = 0
            right = np.zeros(0)
            for number, mistake in enumerate([None, *(m for m in MISTAKES if m.pair == name)]):
                source = text if mistake is None else edited(text, mistake)
                code = imported(source, folder, number)
                net = code.Net()
                code.load(net, {k: v.copy() for k, v in weights.items()})
                if mistake is None or not mistake.training:
                    net.eval()
                try:
                    result = ran(net, name)
                except (RuntimeError, ValueError) as error:
                    print(f"DOES NOT RUN {name}: {mistake and mistake.name}: {error}"[:300], flush=True)
                    continue
                if mistake is None:
                    right = result
                elif result.shape == right.shape and np.abs(result - right).max() <= EFFECT * np.abs(right).max():
                    print(f"NO EFFECT {name}: {mistake.name}", flush=True)
                    continue
                started = time.monotonic()
                try:
                    report = regraft.compare(file, net, samples(name))
                except Exception as error:  # a crash is a miss
                    total += 1
                    print(
                        f"CRASH {name}: {mistake and mistake.name}: {type(error).__name__}: {error}"[:300], flush=True
                    )
                    continue
                seconds = time.monotonic() - started
                if mistake is None:
                    if report.status != "equal":
                        alarms.append(name)
                        print(f"FALSE ALARM {name}: {summary(report)}", flush=True)
                    continue
                took.append(seconds)
                first = report.first.layer if report.first else ""
                place = same(first, mistake.layers)
                told = explains(report, mistake)
                total, right_layer, right_cause = total + 1, right_layer + place, right_cause + told
                if given.all or not (place and told):
                    mark = "ok" if place and told else "CAUSE" if place else "LAYER"
                    print(f"{mark} {name}: {mistake.name} -> {summary(report)} ({seconds:.1f} s)", flush=True)
        table.append(f"| {name} | {total} | {right_layer} | {right_cause} |")
        count, placed, explained = count + total, placed + right_layer, explained + right_cause
    print("\n| pair | mistakes | first layer right | first cause right |\n|---|---|---|---|", *table, sep="\n")
    print(
        f"\n{count} mistakes: first layer right {placed}, first cause right {explained}; false alarms: {alarms or 'none'}"
    )
    if took:
        print(f"seconds a comparison: median {np.median(took):.1f}, largest {max(took):.1f}")
    return int(bool(alarms) or explained < REQUIRED * count)


def explains(report: ComparisonReport, mistake: Mistake) -> bool:
    """Whether the first cause is at the right layer and says what a person needs."""
    if not report.causes:
        return False
    cause = report.causes[0]
    return same(cause.layer, mistake.layers) and bool(re.search(mistake.words, f"{cause.what}: {cause.words}", re.I))


def summary(report: ComparisonReport) -> str:
    """What was said, on one line."""
    first = report.first.layer if report.first else "-"
    causes = "; ".join(f"{c.layer}: {c.what}: {c.words}"[:230] for c in report.causes[:2])
    return f"{report.status}, first {first}; {causes or '; '.join(report.problems)}"


if __name__ == "__main__":
    sys.exit(main())
