"""What a page says is what happens: its commands are run, in order, as a reader would."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts import api_page
from tests.docs.blocks import NOT_RUN, RUNNABLE, blocks
from tests.docs.running import ROOT, PageRun
from tests.docs.test_tutorials import TUTORIALS

RUN = [
    "README.md",
    "docs/api.md",
    "docs/back-to-keras.md",
    "docs/index.md",
    "docs/install.md",
    "docs/report.md",
    "docs/selftest.md",
]
"""Pages of which every block runs, unless its title says that it does not; with the tutorials, ``test_tutorials.py``."""
ELSEWHERE = {"docs/custom-layers.md": "my_layers.py"}
"""A page with a file that another test reads: tests/layers/test_custom.py."""
NOT_RUN_BLOCKS = """
CONTRIBUTING.md: scripts/test is what CI runs
README.md: it installs
README.md: it is what CI runs
docs/add-a-layer.md: a layer in a file of src/regraft/layers
docs/add-a-layer.md: a line of a table
docs/compare.md: a case like that of the tutorial
docs/compare.md: module is yours
docs/compare.md: the forms of the command; the tutorial runs it
docs/convert.md: the forms of the commands
docs/graft.md: net is a module of yours
docs/graft.md: other forms
docs/graft.md: the form of the command
docs/graft.md: the form of the command; the tutorial runs it
docs/install.md: it installs
docs/install.md: it is what CI runs
docs/verify.md: the files are yours
docs/verify.md: the forms of the command; the tutorial runs it
"""
"""Every block that is not run, with the reason that its title gives to the reader."""
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING"))]


@pytest.mark.oracle
@pytest.mark.parametrize("page", RUN)
def test_what_a_page_shows_happens(page: str, tmp_path: Path) -> None:
    assert not "\n\n".join(PageRun(tmp_path).run(ROOT / page))


def test_every_command_is_run_or_says_that_it_is_not() -> None:
    silent = [
        f"{name}:{block.line}"
        for page in PAGES
        for name in [page.relative_to(ROOT).as_posix()]
        for block in blocks(page)
        if block.is_run and name not in {*RUN, *TUTORIALS} and ELSEWHERE.get(name) != block.title
    ]
    assert not silent, "not run, and no title that says so"


def test_what_looks_like_a_command_says_so() -> None:
    plain = [
        str(block) for page in PAGES for block in blocks(page) if not block.language and block.text.startswith("$ ")
    ]
    assert not plain, "a block with commands is a console block"


def test_the_blocks_that_are_not_run() -> None:
    found = [
        f"{page.relative_to(ROOT).as_posix()}: {block.title.removeprefix(NOT_RUN).removeprefix(' in CI: ')}"
        for page in PAGES
        for block in blocks(page)
        if block.language in RUNNABLE and block.title.startswith(NOT_RUN)
    ]
    assert sorted(found) == NOT_RUN_BLOCKS.split("\n")[1:-1]


def test_the_page_of_the_python_names_is_up_to_date() -> None:
    assert api_page.page() == api_page.PAGE.read_text(encoding="utf-8"), "run python scripts/api_page.py"
