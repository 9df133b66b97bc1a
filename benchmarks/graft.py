"""
Keras weights onto modules that somebody wrote: regraft against weightbridge 0.0.4, in one run.

    python benchmarks/graft.py [--only TEXT] [--json OUT] [--repeats 3]

Every case (``graft_cases``, ``graft_published``) is a Keras model with random weights, BatchNorm statistics among them, and
a module of PyTorch that should be the same network, or has a mistake. regraft gets the file that Keras wrote,
weightbridge the variables by name. The real Keras judges both on the same input:

    right              the module computes what Keras does, and the tool takes it for right
    named              the module has a mistake: the weights are right, and what differs is named
    refused            nothing was filled, and a reason is given
    WRONG IN SILENCE   the module computes something else, and the tool does not say so
    wrong, and said so; false alarm; failed (any other exception)

Exit code 1 if regraft is not right where the case asks for it, or slower than the case allows. Times are those of
``regraft.graft(file, module, example)`` and ``weightbridge.adapt(...)``, imports apart, on one thread, the median of
``--repeats`` runs for cases that limit the time, of one run for others.

weightbridge and torchvision are measured where they are installed. An environment with everything, on Python 3.11:

    python -m venv .venv-graft
    .venv-graft/bin/pip install -c constraints.txt -e '.[oracle]'
    .venv-graft/bin/pip install -c benchmarks/peers-constraints.txt sympy pillow frozendict
    .venv-graft/bin/pip install -c benchmarks/peers-constraints.txt --no-deps weightbridge einx torchvision
    .venv-graft/bin/python benchmarks/graft.py
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import torch
from benchmarks import graft_peer, graft_published
from benchmarks.graft_case import Case
from benchmarks.graft_cases import NAMES, OWN
from benchmarks.graft_judge import Outcome, made, median, meets, ours

WIDTH = 60


@dataclass(frozen=True)
class Row:
    """One case by both tools; no outcome of a peer that was not run."""

    case: str
    tensors: int
    expected: str
    met: bool
    regraft: Outcome
    weightbridge: Outcome | None

    @property
    def faster(self) -> float | None:
        """How many times as long weightbridge took."""
        return None if self.weightbridge is None else self.weightbridge.seconds / self.regraft.seconds


def run(case: Case, repeats: int = 1, *, peer: bool) -> Row:
    """One case."""
    repeats = repeats if case.limit else 1
    with tempfile.TemporaryDirectory() as folder:
        given = made(case, Path(folder))
        first = median(ours, case, given, repeats)
        second = median(graft_peer.weightbridge, case, given, repeats) if peer else None
    row = Row(case.name, len(given.arrays), case.expected, meets(case, first), first, second)
    met = row.met and (not case.faster or row.faster is None or row.faster >= case.faster)
    return Row(row.case, row.tensors, row.expected, met, first, second)


def shown(row: Row) -> str:
    """One row as text."""
    cells = [f"{row.case:{WIDTH}} {row.tensors:4}", cell(row.regraft), cell(row.weightbridge)]
    if row.faster is not None:
        cells.append(f"{row.faster:6.1f} x")
    lines = ["  ".join(cells) + ("" if row.met else "  NOT AS ASKED")]
    for tool, outcome in (("regraft", row.regraft), ("weightbridge", row.weightbridge)):
        if outcome is not None and outcome.said:
            lines.append(f"      {tool}: {' '.join(outcome.said.split())[:220]}")
    return "\n".join(lines)


def cell(outcome: Outcome | None) -> str:
    """A verdict and its time."""
    return "-" if outcome is None else f"{outcome.verdict:16} {outcome.seconds:7.2f} s"


def totals(rows: Sequence[Row]) -> str:
    """How often which verdict."""
    lines: list[str] = []
    for tool in ("regraft", "weightbridge"):
        found = Counter(o.verdict for row in rows if (o := getattr(row, tool)) is not None)
        if found:
            lines.append(f"{tool}: " + ", ".join(f"{verdict} {n}" for verdict, n in found.most_common()))
    return "\n".join(lines)


def main() -> int:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--json", type=Path, help="write the rows there")
    parser.add_argument("--repeats", type=int, default=3, help="runs behind a time that is limited")
    options = parser.parse_args()
    torch.set_num_threads(1)
    peer, published = graft_peer.installed(), graft_published.installed()
    for name, there in (("weightbridge", peer), ("torchvision", published)):
        if not there:
            print(f"{name} is not installed: not measured", file=sys.stderr)
    run(NAMES[0], peer=peer)  # imports and first calls, which no row shall count
    cases = [case for case in (*OWN, *(graft_published.PUBLISHED if published else ())) if options.only in case.name]
    rows: list[Row] = []
    print(f"{'case':{WIDTH}} vars  {'regraft':26}  {'weightbridge':26}  ratio")
    for case in cases:
        rows.append(run(case, options.repeats, peer=peer))
        print(shown(rows[-1]), flush=True)
    print(totals(rows))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) | {"faster": row.faster} for row in rows], indent=1))
    return int(not all(row.met for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
