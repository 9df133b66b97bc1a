"""A progress bar on the terminal, for work that takes long enough to wonder."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from regraft.report.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

PATIENCE = 2.0
WORDS = {
    "weights": "Writing weights",
    "verify": "Comparing with Keras",
    "recover": "Recovering the architecture",
}


class Bar:
    """
    A bar that appears once the work has taken ``patience`` seconds, and only on a terminal; a context manager.

    Call it with a word for the step (``verify: starting Keras`` shows the rest as it changes), how much of it is done,
    and of how much, 0 if that is not known; from any thread. Where it is known, the time that is left is shown, as the
    pace so far tells it. The bar appears in time also if nobody calls it any more: one long step has only a beginning.

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
        self._last: tuple[str, int, int] | None = None
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None

    def __call__(self, word: str, done: int, total: int) -> None:
        """Hear that ``done`` of ``total`` pieces of a step are there."""
        with self._lock:
            self._last = (word, done, total)
            if self._enabled and time.monotonic() - self._begun >= self._patience:
                self._show(word, done, total)

    def _appear(self) -> None:
        """Show what was heard last: the patience is over."""
        with self._lock:
            if self._enabled and self._last is not None:
                self._show(*self._last)

    def _show(self, word: str, done: int, total: int) -> None:
        progress = self._progress or self._start()
        step, _, detail = word.partition(": ")
        text = ": ".join(printable(part, 60) for part in (WORDS.get(step, step), detail) if part)
        if step not in self._tasks:
            for other in self._tasks.values():
                progress.update(other, visible=False)
            self._tasks[step] = progress.add_task(text, total=total or None)
        task = self._tasks[step]
        if progress.tasks[progress.task_ids.index(task)].total != (total or None):
            progress.reset(task, total=total or None)
        progress.update(task, description=text, completed=done, visible=True)

    def _start(self) -> Progress:
        from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
        from rich.text import Text

        class Remaining(ProgressColumn):
            """The time that is left, where the pace so far tells it."""

            max_refresh = 0.5

            def render(self, task: Task) -> Text:
                """As in ``about 12 s left``."""
                return Text(left(task.time_remaining), style="dim")

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            Remaining(),
        )
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._progress.start()
        return self._progress

    def __enter__(self) -> Self:
        if self._enabled:
            self._timer = threading.Timer(self._patience, self._appear)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._enabled = False
            if self._progress is not None:
                self._progress.stop()


def left(seconds: float | None) -> str:
    """
    The time that is left, in words; empty if it is not known.

    >>> left(None), left(0.4), left(12), left(170), left(8000)
    ('', 'about 1 s left', 'about 12 s left', 'about 3 min left', 'about 2 h 13 min left')
    """
    if seconds is None:
        return ""
    if seconds < 100:
        return f"about {max(1, round(seconds))} s left"
    minutes = round(seconds / 60)
    return f"about {minutes} min left" if minutes < 100 else f"about {minutes // 60} h {minutes % 60} min left"
