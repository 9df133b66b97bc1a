"""The site is built without a warning; every link leads somewhere, every page is found, nothing is asked of other servers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scripts.docs_site.checking import problems
from scripts.docs_site.gathering import relinked, where

ROOT = Path(__file__).parents[2]
PLACES = {"docs/index.md": "index.md", "docs/tutorials/one.md": "tutorials/one.md", "SECURITY.md": "security.md"}
GOOD = '<nav><a class="md-nav__link" href="index.html">Home</a><a class="md-nav__link" href="a.html">A</a></nav>'


def test_the_site_is_built() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.docs_site"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {file.removesuffix(".md") for file in where(ROOT).values() if file.endswith(".md")}
    site = ROOT / "build" / "site"
    built = {file.relative_to(site).with_suffix("").as_posix() for file in site.rglob("*.html")}
    assert built == pages | {"404"}


@pytest.mark.parametrize(
    ("source", "link", "on_the_site"),
    [
        ("docs/index.md", "tutorials/one.md#there", "tutorials/one.md#there"),
        ("docs/index.md", "../SECURITY.md", "security.md"),
        ("docs/tutorials/one.md", "../../SECURITY.md", "../security.md"),
        ("SECURITY.md", "docs/tutorials/one.md", "tutorials/one.md"),
        ("docs/index.md", "../LICENSE", "https://github.com/regraft/regraft/blob/main/LICENSE"),
        ("docs/index.md", "https://pytorch.org/", "https://pytorch.org/"),
        ("docs/index.md", "#below", "#below"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(source: str, link: str, on_the_site: str) -> None:
    assert relinked(f"See [it]({link}).", source, PLACES) == f"See [it]({on_the_site})."


def test_code_is_left_alone() -> None:
    text = "```python\nx = [a](b.md)\n```\n"
    assert relinked(text, "docs/index.md", PLACES) == text


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="b.html">', "a.html links to b.html, which is not there"),
        ('<a href="index.html#no">', "a.html links to index.html#no, and there is no such anchor"),
        ('<img src="https://example.org/a.png">', "a.html asks for https://example.org/a.png"),
        ('<link rel="stylesheet" href="//fonts.example.org/x">', "a.html asks for //fonts.example.org/x"),
        ('<p style="background: url(https://example.org/b.png)">', "a.html asks for https://example.org/b.png"),
        ('<script src="x.js"></script>', "a.html links to x.js, which is not there"),
        ('<pre class="mermaid">', "a.html asks for pre with mermaid"),
    ],
)
def test_problems_are_found(tmp_path: Path, html: str, problem: str) -> None:
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "a.html").write_text(f'{html}<a id="here" href="#here">fine</a><a href="https://example.org">away</a>')
    assert problems(tmp_path) == [problem]


def test_a_page_outside_of_the_navigation_is_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "a.html").write_text("fine")
    (tmp_path / "lost.html").write_text("lost")
    (tmp_path / "fonts.css").write_text('@import "https://fonts.example.org/x";')
    assert problems(tmp_path) == [
        "lost.html is not in the navigation",
        "fonts.css asks for https://fonts.example.org/x",
    ]
