"""The runner itself: what it runs, and what it does not let pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.running import PageRun

F = "```"


def problems(tmp_path: Path, text: str) -> list[str]:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    return PageRun(folder).run(page)


def test_a_page_of_all_kinds_of_blocks(tmp_path: Path) -> None:
    page = f"""
{F}python title="my/own.py"
print("from the file")
{F}
{F}console
$ python my/own.py
from the file
$ echo one \\
    two
one two
{F}
{F}sh
echo hidden > written.txt
{F}
{F}python
number = 3
{F}
{F}python
print(number + 1)
{F}
{F}text
4
{F}
{F}toml title="written.txt"
hidden
{F}
{F}sh title="not run in CI: it would fail"
false
{F}
"""
    assert not problems(tmp_path, page)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        pytest.param(f"{F}console\n$ echo one\ntwo\n{F}", "page says so: 'two'", id="other output"),
        pytest.param(f"{F}console\n$ echo one\n{F}", "More is printed", id="output that the page does not show"),
        pytest.param(f"{F}console\n$ false\n{F}", "exit code 1, not 0", id="a command that fails"),
        pytest.param(f"{F}console\n$ echo '(exit code 3)'\n(exit code 3)\n{F}", "code 0, not 3", id="another code"),
        pytest.param(f"{F}sh\nfalse\ntrue\n{F}", "exit code 1", id="a script that fails"),
        pytest.param(f"{F}python\nprint(1)\n{F}", "More is printed", id="a print without its text"),
        pytest.param(f"{F}python\n1 / 0\n{F}", "ZeroDivisionError", id="an exception"),
        pytest.param(f"{F}console\nno command\n{F}", "begins with a command", id="no command"),
        pytest.param(
            f'{F}text title="a.txt"\none\n{F}\n{F}text title="a.txt"\ntwo\n{F}', "a.txt: Not printed", id="another file"
        ),
    ],
)
def test_what_does_not_pass(tmp_path: Path, block: str, problem: str) -> None:
    (found,) = problems(tmp_path, block)
    assert problem in found
