"""
What recovery costs against the number of layers, on synthetic networks, each in a cold process of its own.

    python benchmarks/scaling.py [--layers 10 30 100 300 1000 2000] [--level named classed ordered shuffled]
        [--kind chain residual dense unet] [--hostile] [--json OUT]

Times are processor seconds of the whole process, imports included. The exponent is the slope of the logarithm of the time
without imports against the logarithm of the layers, fitted from 100 layers on. Exit code 1 if a network of up to 500
layers takes more than 20 s or 1 GB, if an exponent is above 2, or (``--hostile``) if an absurd file takes more than that.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from measured import run

CHILD = Path(__file__).with_name("scaling_child.py")
LAYERS = (10, 30, 100, 300, 500, 1000, 2000)
LEVELS = ("named", "classed", "ordered", "shuffled")
KINDS = ("chain", "residual", "dense", "unet")
STAGES = ("read", "grouping", "families", "wiring", "geometry", "settings", "ranking", "rescoring")
HOSTILE = (
    "groups", "arrays", "listed layers", "equal layers", "equal arrays", "vectors", "kernels", "classes", "outputs", "sums",
    "deep",
)  # fmt: skip
#: The limits of the requirement: layers, seconds, megabytes, exponent.
LIMIT_LAYERS, LIMIT_SECONDS, LIMIT_MB, LIMIT_EXPONENT = 520, 20.0, 1000.0, 2.0
#: Below so many layers what does not grow hides what does.
FITTED_FROM = 90


@dataclass(frozen=True)
class Measured:
    """One network: seconds of the process, of the recovery in it and of each stage; peak memory; what came of it."""

    kind: str
    level: str
    layers: int
    seconds: float
    megabytes: float
    recovery: float
    stages: dict[str, float]
    failure: str = ""

    @property
    def kept(self) -> bool:
        """Whether the limits hold, if it is one that they speak of."""
        small = self.layers <= LIMIT_LAYERS
        return not self.failure and (not small or (self.seconds <= LIMIT_SECONDS and self.megabytes <= LIMIT_MB))


def main() -> int:
    """Measure what is asked for; print a line each, and the exponents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, nargs="+", default=LAYERS)
    parser.add_argument("--level", nargs="+", choices=LEVELS, default=LEVELS)
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--hostile", nargs="*", choices=HOSTILE, help="absurd files instead; all without a name")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every number there")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if arguments.hostile is not None:
        return hostile(arguments.hostile or HOSTILE)
    print(f"{'kind':9} {'level':9}{'layers':>7}{'seconds':>9}{'MB':>6}  " + "".join(f"{s:>10}" for s in STAGES))
    rows: list[Measured] = []
    broken: list[str] = []
    for kind in arguments.kind:
        for level in arguments.level:
            mine = [measured(kind, level, layers) for layers in sorted(arguments.layers)]
            rows += mine
            slope = exponent([(row.layers, row.recovery) for row in mine if not row.failure])
            if slope is not None:
                print(f"{kind:9} {level:9}  exponent {slope:.2f}", flush=True)
                broken += [f"{kind} {level}: exponent {slope:.2f}"] if slope > LIMIT_EXPONENT else []
    broken += [f"{r.kind} {r.level} {r.layers}: {r.seconds:.1f} s, {r.megabytes:.0f} MB" for r in rows if not r.kept]
    print("\n".join(f"LIMIT BROKEN {line}" for line in broken) or "all limits are kept")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return 1 if broken else 0


def measured(kind: str, level: str, layers: int) -> Measured:
    """One network, made in one process and recovered in the next."""
    with tempfile.TemporaryDirectory(prefix="regraft-scaling-") as folder:
        made = said(run(child("make", kind, str(layers), level, folder)).output)
        shape = ",".join(map(str, made["shape"]))
        row = taken(made["file"], shape, kind, level, made["layers"])
    stages = "".join(f"{row.stages.get(stage, 0.0):10.2f}" for stage in STAGES)
    print(f"{kind:9} {level:9}{row.layers:7}{row.seconds:9.2f}{row.megabytes:6.0f}  {stages} {row.failure}", flush=True)
    return row


def taken(file: str, shape: str, kind: str, level: str, layers: int) -> Measured:
    """What the recovery of a file takes."""
    before = os.times()
    try:
        ran = run(child("recover", file, shape))
    except RuntimeError as error:
        return Measured(kind, level, layers, math.nan, math.nan, math.nan, {}, failure=str(error)[-400:])
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    found = said(ran.output)
    stages: dict[str, float] = found["stages"]
    failure = found.get("refused", "")
    return Measured(kind, level, layers, seconds, ran.megabytes, stages.get("all", math.nan), stages, failure)


def hostile(cases: Sequence[str]) -> int:
    """Absurd files: each is refused with a message or gives a labelled result, within the same limits."""
    broken = False
    print(f"{'case':20}{'file MB':>9}{'seconds':>9}{'wall':>8}{'MB':>6}  outcome")
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="regraft-scaling-") as folder:
            file = said(run(child("hostile", case, folder)).output)["file"]
            start = time.perf_counter()
            row = taken(file, "", case, "", 0)
            wall = time.perf_counter() - start
            size = Path(file).stat().st_size / 1e6
        kept = row.seconds <= LIMIT_SECONDS and row.megabytes <= LIMIT_MB
        broken |= not kept
        outcome = " ".join((row.failure or "a candidate").replace(str(file), "FILE").split())[:160]
        note = "" if kept else "  LIMIT BROKEN"
        print(f"{case:20}{size:9.1f}{row.seconds:9.2f}{wall:8.1f}{row.megabytes:6.0f}  {outcome}{note}", flush=True)
    return 1 if broken else 0


def child(*arguments: str) -> list[str]:
    """The command of one child."""
    return [sys.executable, str(CHILD), *arguments]


def said(output: str) -> dict[str, Any]:
    """The last line of a child, as JSON."""
    return json.loads(output.strip().rpartition("\n")[2])


def exponent(points: Sequence[tuple[int, float]]) -> float | None:
    """Slope of log seconds over log layers, by least squares; None with fewer than two points."""
    large = [(math.log(n), math.log(max(s, 1e-9))) for n, s in points if n >= FITTED_FROM]
    if len({x for x, _ in large}) < 2:
        return None
    x_mean = sum(x for x, _ in large) / len(large)
    y_mean = sum(y for _, y in large) / len(large)
    return sum((x - x_mean) * (y - y_mean) for x, y in large) / sum((x - x_mean) ** 2 for x, _ in large)


if __name__ == "__main__":
    raise SystemExit(main())
