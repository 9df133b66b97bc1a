"""The tutorials run exactly as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.running import ROOT, PageRun

TUTORIALS = sorted(page.relative_to(ROOT).as_posix() for page in (ROOT / "docs" / "tutorials").glob("*.md"))


@pytest.mark.oracle
@pytest.mark.parametrize("page", TUTORIALS)
def test_a_tutorial_runs_as_it_is_written(page: str, tmp_path: Path) -> None:
    assert not "\n\n".join(PageRun(tmp_path).run(ROOT / page))


def test_there_are_tutorials() -> None:
    assert len(TUTORIALS) == 4
