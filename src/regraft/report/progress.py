"""A progress bar on the terminal, for work that takes long enough to wonder."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

PATIENCE = 2.0
WORDS = {"weights": "Writing weights", "verify": "Comparing with Keras"}


class Bar:
    """
    A bar that appears once the work has taken ``patience`` seconds, and only on a terminal; a context manager.

    Call it with a word for the step, how much of it is done, and of how much; from any thread.

    Args:
        console: The terminal; best that of the error output, so that results can be piped.
        patience: Seconds without a bar.
        enabled: False keeps it silent.
    """

    def __init__(self, console: Console, *, patience: float = PATIENCE, enabled: bool = True) -> None:
        self._console, self._patience = console, patience
        self._enabled = enabled and console.is_terminal
        self._begun = time.monotonic()
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, word: str, done: int, total: int) -> None:
        """Hear that ``done`` of ``total`` pieces of a step are there."""
        if not self._enabled or time.monotonic() - self._begun < self._patience:
            return
        progress = self._progress or self._start()
        if word not in self._tasks:
            self._tasks[word] = progress.add_task(WORDS.get(word, word), total=total)
        progress.update(self._tasks[word], completed=done, total=total)

    def _start(self) -> Progress:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
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
