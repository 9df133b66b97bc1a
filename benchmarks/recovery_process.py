"""Each file in a process of its own, with a limit of time and its peak of memory."""

from __future__ import annotations

import multiprocessing
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
    process.start()
    theirs.close()
    name = str(task.file.relative_to(task.root)) if task.file != task.root else task.file.name
    row = Row(name, task.level, CRASHED, evidence=task.evidence)
    try:
        late = replace(row, verdict=LATE, seconds=limit, reason=f"more than {limit:.0f} s")
        row = ours.recv() if ours.poll(limit) else late
    except EOFError:
        process.join()
        row = replace(row, reason=f"the process ended with {process.exitcode}")
    finally:
        process.kill()
        process.join()
        ours.close()
    return row


def answer(task: Task, to: Connection) -> None:
    """The child: its row, or why there is none."""
    import torch

    torch.set_num_threads(1)  # the pool of threads does not survive the fork
    try:
        with np.errstate(all="ignore"):
            row = row_of(task)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        name = str(task.file.relative_to(task.root)) if task.file != task.root else task.file.name
        reason = f"{type(error).__name__}: {error} ({place})"[:400]
        row = Row(name, task.level, CRASHED, reason=reason, evidence=task.evidence)
    to.send(row)
    to.close()
