"""What the benchmarks share: run a command, note its time and memory, compare with a limit."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How to measure: ``work`` is a folder for large files, ``repeats`` the number of runs behind a median."""

    work: Path
    repeats: int


@dataclass(frozen=True)
class Row:
    """
    One measured number and the limit it must keep.

    Attributes:
        part: Letter of the part of the benchmark.
        what: In words.
        found: The number; None if it could not be measured, which does not keep the limit.
        limit: The largest one allowed.
        unit: ``x`` for a ratio, ``s``, ``MB``, or empty for a count.
        details: The single values behind it, for the JSON file; ``reason`` says why there are none.
    """

    part: str
    what: str
    found: float | None
    limit: float
    unit: str
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Whether the limit holds, and was seen to hold."""
        return self.found is not None and self.found <= self.limit


@dataclass(frozen=True)
class Run:
    """One finished command: wall time in seconds, peak resident memory in MB, and what it printed."""

    seconds: float
    megabytes: float
    output: str


def run(command: Sequence[str]) -> Run:
    """
    Run a command to its end.

    Linux counts a parent's memory at the fork as the child's, so the process that calls this must stay small: it
    imports neither numpy nor torch.

    Raises:
        RuntimeError: The command failed; with the end of what it printed.
    """
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        message = f"{' '.join(command)[:200]} ended with {process.returncode}:\n{text[-2000:]}"
        raise RuntimeError(message)
    per_megabyte = 1e6 if sys.platform == "darwin" else 1e3  # macOS counts bytes, Linux kB
    return Run(seconds, usage.ru_maxrss / per_megabyte, text)


def alternate(
    commands: Mapping[str, Sequence[str]], repeats: int, before: Callable[[str], None] = lambda _: None
) -> dict[str, list[Run]]:
    """
    Run commands in turn, ``repeats`` times after one round that does not count, so that noise meets all alike.

    ``before`` is called with the name ahead of each run, outside the measured time.
    """
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(repeats + 1):
        for name, command in commands.items():
            before(name)
            os.sync()  # what an earlier run wrote must not slow this one
            found = run(command)
            if turn:
                runs[name].append(found)
    return runs


def median_seconds(runs: Sequence[Run]) -> float:
    """The middle of the times."""
    return statistics.median(run.seconds for run in runs)


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    width = max(len(row.what) for row in rows)
    lines = [f"part  {'what':{width}}  {'found':>10}  {'limit':>10}"]
    for row in rows:
        found = "-" if row.found is None else f"{row.found:.2f} {row.unit}".rstrip()
        limit = f"{row.limit:.2f} {row.unit}".rstrip()
        note = f"  NOT MEASURED: {row.details['reason']}" if row.found is None else "" if row.kept else "  LIMIT BROKEN"
        lines.append(f"{row.part:4}  {row.what:{width}}  {found:>10}  {limit:>10}{note}")
    return "\n".join(lines)
