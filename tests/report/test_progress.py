from __future__ import annotations

import io

from regraft.report.console import console_for
from regraft.report.progress import Bar


def drawn(*, terminal: bool = True, patience: float = 0.0, enabled: bool = True) -> str:
    file = io.StringIO()
    with Bar(console_for(file, 80, terminal=terminal), patience=patience, enabled=enabled) as bar:
        bar("weights", 3, 7)
        bar("verify: building [red]\x1b]0;x\x07", 1, 0)
    bar("weights", 7, 7)
    return file.getvalue()


def test_the_bar_says_what_is_being_done() -> None:
    text = drawn()
    assert "Writing weights" in text
    assert "Comparing with Keras: building [red]\\x1b]0;x\\x07" in text
    assert "\x1b]0;" not in text


def test_no_bar_for_quick_work() -> None:
    assert drawn(patience=60) == ""


def test_no_bar_in_a_pipe() -> None:
    assert drawn(terminal=False) == ""


def test_no_bar_if_quiet() -> None:
    assert drawn(enabled=False) == ""
