from __future__ import annotations

import io
import re
import time

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


def test_a_long_step_that_says_nothing_more_is_shown_in_time() -> None:
    file = io.StringIO()
    with Bar(console_for(file, 100, terminal=True), patience=0.05) as bar:
        bar("recover: wiring", 0, 0)
        assert file.getvalue() == ""
        end = time.monotonic() + 5
        while "Recovering the architecture: wiring" not in file.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    assert "Recovering the architecture: wiring" in file.getvalue()


def test_the_time_that_is_left_is_shown_where_the_whole_is_known() -> None:
    file = io.StringIO()
    with Bar(console_for(file, 100, terminal=True), patience=0.0) as bar:
        for done in range(4):
            bar("weights", done, 100)
            time.sleep(0.3)
        time.sleep(0.6)
    assert re.search(r"about \d+ s left", file.getvalue())
