"""A progress bar on the terminal, for work that takes long enough to wonder."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from regraft.report.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

PATIENCE = 2.0
WORDS = {"weights": "Writing weights", "verify": "Comparing with Keras"}


class Bar:
    """
    A bar that appears once the work has taken ``patience`` seconds, and only on a terminal; a context manager.

    Call it with a word for the step (``verify: starting Keras`` shows the rest as it changes), how much of it is done,
    and of how much, 0 if that is not known; from any thread.

    Args:
        console: The terminal; best that of the error output, so that results can be piped. None keeps it silent.
        patience: Seconds without a bar.
        enabled: False keeps it silent.
    """

    def __init__(self, console: Console | None, *, patience: float = PATIENCE, enabled: bool = True) -> None:
        self._console, self._patience = console, patience
        self._enabled = enabled and console is not None and console.is_terminal
        self._begun = time.monotonic()
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, word: str, done: int, total: int) -> None:
        """Hear that ``done`` of ``total`` pieces of a step are there."""
        if not self._enabled or time.monotonic() - self._begun < self._patience:
            return
        progress = self._progress or self._start()
        step, _, detail = word.partition(": ")
        text = ": ".join(printable(part, 60) for part in (WORDS.get(step, step), detail) if part)
        if step not in self._tasks:
            self._tasks[step] = progress.add_task(text, total=None)
        progress.update(self._tasks[step], description=text, completed=done, total=total or None)

    def _start(self) -> Progress:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._progress.start()
        return self._progress

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._enabled = False
        if self._progress is not None:
            self._progress.stop()
