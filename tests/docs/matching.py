"""
Compare what a page says is printed with what was printed.

- A line ``...`` stands for any lines, also none; ``...`` within a line stands for any text.
- A number such as ``1.8e-15`` is an error: it matches 0 and every number that is at most a hundred times as large.
- ``0.97 s`` is a time, and matches every time.
- Runs of spaces, and spaces at the end of a line, do not count. Everything else is compared exactly.
"""

from __future__ import annotations

import re

ALLOWED = 100.0
"""How many times larger than on the page an error may be."""
SPECIAL = re.compile(r"(?P<any>\.\.\.)|(?P<error>\d(?:\.\d+)?e[-+]\d+)|(?P<time>\b\d+(?:\.\d+)? s\b)|(?P<space>[ \t]+)")


def difference(expected: str, printed: str) -> str:
    """
    Why the two do not match, with the line of the page that is not found; empty where they match.

    Args:
        expected: As on the page.
        printed: As it came.
    """
    wanted, lines = expected.rstrip().splitlines(), printed.rstrip().splitlines()
    return "" if matches(wanted, lines) else f"{first_missing(wanted, lines)}\nIt printed:\n{printed.rstrip()}"


def matches(wanted: list[str], lines: list[str]) -> bool:
    """Whether the lines are those that are wanted. ``...`` takes as few lines as will do."""
    reached = {0}  # how many of the lines the wanted ones so far may have taken
    for line in wanted:
        if line.strip() == "...":
            reached = set(range(min(reached), len(lines) + 1)) if reached else reached
        else:
            reached = {at + 1 for at in reached if at < len(lines) and same(line, lines[at])}
    return len(lines) in reached


def first_missing(wanted: list[str], lines: list[str]) -> str:
    """The first line that does not come, in words."""
    for count in range(1, len(wanted) + 1):
        if not matches([*wanted[:count], "..."], lines):
            return f"Not printed where the page says so: {wanted[count - 1]!r}"
    return "More is printed than the page says."


def same(wanted: str, line: str) -> bool:
    """Whether one line is the one that is wanted."""
    pattern, end, limits = "", 0, []
    for special in SPECIAL.finditer(wanted):
        pattern += re.escape(wanted[end : special.start()])
        end = special.end()
        match special.lastgroup:
            case "any":
                pattern += ".*"
            case "error":
                pattern += r"(\d(?:\.\d+)?e[-+]\d+|0)"
                limits.append(ALLOWED * float(special[0]))
            case "time":
                pattern += r"\d+(?:\.\d+)? s"
            case _:
                pattern += r"[ \t]+"
    pattern += re.escape(wanted[end:])
    found = re.fullmatch(pattern.removesuffix(r"[ \t]+"), line.rstrip())
    return found is not None and all(float(n) <= limit for n, limit in zip(found.groups(), limits, strict=True))
