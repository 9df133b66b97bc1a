"""Part c: the emitted ResNet50 and MobileNetV2 against a hand-written twin, Keras on torch, and tf2onnx + onnx2torch."""

from __future__ import annotations

import json
import os
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from measured import Options, Row, run

HERE = Path(__file__).resolve().parent
MODELS = ("ResNet50", "MobileNetV2")
SIZE, CLASSES = 96, 100
#: A call takes 30 to 250 ms, and on a busy machine it varies by half: only the median of many tells 5 percent.
SECONDS, FEWEST = 25, 41


@dataclass(frozen=True)
class Match:
    """Our model against another form of it: its name in the worker, in words, the limit, and options of the worker."""

    other: str
    words: str
    limit: float
    options: tuple[str, ...] = ()


MATCHES = (
    Match("twin", "a hand-written twin", 1.05),
    Match("twin", "a hand-written twin, contiguous", 1.05, ("--contiguous",)),
    Match("keras", "Keras on its torch backend", 1.0),
    Match("onnx", "tf2onnx + onnx2torch", 1.0),
    Match("onnx", "tf2onnx + onnx2torch, BatchNorm folded in both", 1.0, ("--fold",)),
)
#: Largest difference of two outputs relative to the largest number: the orders of float32 sums differ.
TOLERANCE = 1e-4


def measure(options: Options) -> list[Row]:
    """Time of one call with 8 images, as a ratio, for each model and each other form of it."""
    rows: list[Row] = []
    for name in MODELS:
        source = prepared(name, options.work)
        for match in MATCHES:
            python = peers() if match.other == "onnx" else sys.executable
            if not Path(python).exists():
                missing = {"reason": "peer not installed: run scripts/bench peers"}
                rows.append(Row("c", described(name, match), None, match.limit, "x", missing))
                continue
            if match.other == "onnx":
                made(options.work / f"{name}.onnx", [python, str(HERE / "runtime_models.py"), "onnx", str(source)])
            rows.append(row(name, match, python, options))
    return rows


def row(name: str, match: Match, python: str, options: Options) -> Row:
    """One comparison, in one process: the median of the ratios of all rounds."""
    command = [python, str(HERE / "runtime_worker.py"), name, str(options.work), "--against", match.other]
    command += ["--size", str(SIZE), "--rounds", str(max(FEWEST, options.repeats))]
    command += ["--seconds", str(SECONDS), *match.options]
    said = json.loads(next(line for line in reversed(run(command).output.splitlines()) if line.startswith("{")))
    check_equal(described(name, match), said["difference"], said["spread"])
    ratios = [a / b for a, b in zip(said["seconds"]["regraft"], said["seconds"][match.other], strict=True)]
    return Row("c", described(name, match), statistics.median(ratios), match.limit, "x", said)


def described(name: str, match: Match) -> str:
    """One comparison in words."""
    return f"{name}, time against {match.words}"


def check_equal(what: str, difference: float, spread: float) -> None:
    """
    What is timed must compute the same, and something that depends on the image.

    Raises:
        RuntimeError: It does not.
    """
    if not difference <= TOLERANCE or spread < 10 * TOLERANCE:
        message = f"{what}: outputs differ by {difference:.1e}, between images by {spread:.1e}"
        raise RuntimeError(message)


def prepared(name: str, work: Path) -> Path:
    """The Keras file of a model under ``work``, and beside it the converted model; made if they are not there."""
    source = work / f"{name}.keras"
    made(source, [sys.executable, str(HERE / "runtime_models.py"), "keras", name, str(SIZE), str(CLASSES)])
    convert = ["convert", str(source), "-o", str(work / f"{name}_torch"), "--no-verify", "--quiet", "--force"]
    run([sys.executable, "-m", "regraft", *convert])
    return source


def made(target: Path, command: list[str]) -> None:
    """Run a command whose last argument is the file it writes, unless the file is there."""
    if not target.exists():
        unfinished = target.with_name(f"unfinished_{target.name}")
        run([*command, str(unfinished)])
        unfinished.rename(target)


def peers() -> str:
    """The Python of the environment in which the peers are installed (``scripts/bench peers``)."""
    return os.environ.get("REGRAFT_PEERS_PYTHON") or str(HERE.parent / ".venv-peers" / "bin" / "python")
