"""The fenced blocks of a Markdown page, and the commands of a console block."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(`{3,})([\w-]*)(?: title=\"([^\"]*)\")?[ \t]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
NOT_RUN = "not run"
"""A block whose title begins so is not run; its title says why, where every reader sees it."""
RUNNABLE = ("console", "sh", "python")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, its title, what it holds."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    @property
    def is_run(self) -> bool:
        """Whether the page says that it is run."""
        return self.language in RUNNABLE and not self.title.startswith(NOT_RUN)

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


@dataclass(frozen=True)
class Turn:
    """A command of a console block, and what it is said to print."""

    command: str
    expected: str

    @property
    def exit_code(self) -> int:
        """
        The exit code that the page states.

        The one in the last line that regraft prints; 2 for an error, which begins with ``regraft:``; else 0.
        """
        said = re.search(r"\(exit code (\d)\)", self.expected)
        return int(said[1]) if said else 2 if self.expected.startswith("regraft: ") else 0


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found[2], found[3] or "", found[4])
        for found in FENCE.finditer(text)
    ]


def turns(text: str) -> list[Turn]:
    """
    The commands of a console block.

    A command begins with ``$ ``, and goes on in the next line where a line ends with a backslash.
    """
    result: list[Turn] = []
    lines = iter(text.splitlines())
    for line in lines:
        if not line.startswith("$ "):
            if not result:
                raise ValueError(f"a console block begins with a command: {line!r}")
            result[-1] = Turn(result[-1].command, f"{result[-1].expected}{line}\n")
            continue
        command = line[2:]
        while command.endswith("\\"):
            command += "\n" + next(lines)
        result.append(Turn(command, ""))
    return result
