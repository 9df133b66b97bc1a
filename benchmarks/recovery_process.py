"""Each file in a process of its own, with a limit of time and its peak of memory."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from benchmarks.recovery_child import row_of
from benchmarks.recovery_row import CRASHED, LATE, Row, Task


def run_apart(task: Task, limit: float) -> Row:
    """``row_of`` in a process of its own, ended after so many seconds."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=answer, args=(task, theirs))
    end = time.monotonic() + limit
    process.start()
    theirs.close()
    row = nothing_yet(task)
    try:
        while ours.poll(max(0.0, end - time.monotonic())):
            done, row = ours.recv()
            if done:
                return row
        return replace(row, verdict=LATE, seconds=limit, reason=f"more than {limit:.0f} s")
    except EOFError:
        process.join()
        return replace(row, verdict=CRASHED, reason=f"the process ended with {process.exitcode}")
    finally:
        process.kill()
        process.join()
        ours.close()


def nothing_yet(task: Task) -> Row:
    """The row of a file about which nothing is known."""
    name = str(task.file.relative_to(task.root)) if task.file != task.root else task.file.name
    return Row(name, task.level, CRASHED, evidence=task.evidence)


def answer(task: Task, to: Connection) -> None:
    """The child: what it knows, then its row, or why there is none."""
    import torch

    torch.set_num_threads(1)  # the pool of threads does not survive the fork
    known = nothing_yet(task)

    def say(row: Row) -> None:
        nonlocal known
        known = row
        to.send((False, row))

    try:
        with np.errstate(all="ignore"):
            row = row_of(task, say)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        row = replace(known, verdict=CRASHED, reason=f"{type(error).__name__}: {error} ({place})"[:400])
    to.send((True, row))
    to.close()
