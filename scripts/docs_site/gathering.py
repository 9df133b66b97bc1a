"""
Gather the pages of the site in one folder, with links that work there.

Pages are written to be read where they lie, in the repository: a link names a file by its relative path. On the site, a link to
a page stays a link to that page, also where the page lies outside of ``docs/``; a link to any other file becomes its address
in the repository.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

REPOSITORY = "https://github.com/regraft/regraft/blob/main/"
FROM_ROOT = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
"""Pages that lie at the root of the repository, and their place on the site."""
OTHER_FILES = (".png", ".svg", ".css")
LINK = re.compile(r"(?<=\]\()(?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?(?=\))")
FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)


def gather(root: Path, out: Path) -> list[Path]:
    """
    Copy every page into ``out``, which is emptied first.

    Args:
        root: The repository.
        out: Folder for the copies.

    Returns:
        The pages, relative to ``out``.
    """
    shutil.rmtree(out, ignore_errors=True)
    places = where(root)
    for source, place in places.items():
        target = out / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.endswith(".md"):
            text = (root / source).read_text(encoding="utf-8")
            target.write_text(relinked(text, source, places), encoding="utf-8")
        else:
            shutil.copyfile(root / source, target)
    return [Path(place) for place in places.values() if place.endswith(".md")]


def where(root: Path) -> dict[str, str]:
    """The files of the site: their path in the repository, and on the site."""
    docs = root / "docs"
    files = sorted(file for file in docs.rglob("*") if file.suffix in {".md", *OTHER_FILES})
    return {file.relative_to(root).as_posix(): file.relative_to(docs).as_posix() for file in files} | FROM_ROOT


def relinked(text: str, source: str, places: Mapping[str, str]) -> str:
    """
    The text of a page with the links of the site.

    Args:
        text: Markdown. Fenced blocks are left as they are.
        source: Path of the page in the repository.
        places: As ``where`` gives them.
    """

    def link(match: re.Match[str]) -> str:
        path, anchor = match["path"], match["anchor"] or ""
        if "://" in path or path.startswith("mailto:"):
            return match[0]
        target = os.path.normpath(PurePosixPath(source).parent / path)
        if target not in places:
            return f"{REPOSITORY}{target}{anchor}"
        return os.path.relpath(places[target], PurePosixPath(places[source]).parent) + anchor

    parts: list[str] = []
    end = 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(link, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(link, text[end:])])
