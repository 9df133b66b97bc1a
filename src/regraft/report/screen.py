"""A report on one screen: the facts, the first of everything a person must know, where the rest is, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from rich.console import Console
from rich.text import Text

from regraft.report.console import INDENT, LABEL_WIDTH, heading
from regraft.report.dialects import written_by
from regraft.report.layer_table import error_words, lines
from regraft.report.printable import plural, printable, size_words
from regraft.report.recovered_terminal import other_candidates, recovered_rows, statistics_rows
from regraft.report.terminal import (
    assumed_lines,
    checked,
    failure_lines,
    listed_lines,
    note_lines,
    open_lines,
    placeholder_lines,
    port_words,
    types,
    verdict,
)
from regraft.report.value import Port, Report

#: Lines of the smallest usual terminal.
SCREEN = 24
#: Lines that a fact may take: one that describes, one whose end counts, and what was checked.
MOST = {"read": 1, "model": 1, "likeliest": 1, "checked": 3, "opened": 3}
MOST_OTHER = 2
#: From so many lines on each fact has one, and what was checked two.
MOST_FACTS = 12
#: Inputs and outputs that are shown; then their number.
MOST_PORTS = 1
WORST = 3


@dataclass(frozen=True)
class Block:
    """A titled list, of which as many lines are shown as fit."""

    title: str
    lines: Sequence[str]
    style: str = ""


def show_screen(report: Report, console: Console, *, height: int | None = None) -> None:
    """
    Print a report in at most ``height`` lines of the console's width, whatever the model.

    Args:
        report: What to print.
        console: Where; from ``console_for``, which takes text literally.
        height: Lines, the last of them empty for the prompt; by default those of the terminal, at least 24.
    """
    height = height or (max(SCREEN, console.height) if console.is_terminal else SCREEN)
    facts = fact_lines(report, console.width)
    tight = len(facts) >= MOST_FACTS
    if tight:
        facts = fact_lines(report, console.width, tight=True)
    ending = [*hint(report, console.width, 1 if tight else 2), *wrapped(verdict(report), console.width, 2)]
    room = height - 1 - 1 - len(facts) - 1 - len(ending) - 1
    file = printable(report.source.file, 4096)
    heading(console, file if len(file) <= console.width else f"...{file[3 - console.width :]}")
    for line in facts:
        console.print(line, soft_wrap=True)
    console.print()
    for block, count in dealt(blocks(report), room):
        total = len(block.lines)
        shown = "" if count == total else f" ({count} of {total})"
        console.print(Text(block.title + shown, style="bold"), soft_wrap=True)
        for line in block.lines[:count]:
            words = cut(line, console.width - INDENT - 2)
            console.print(Text(f"{' ' * INDENT}- {words}", style=block.style), soft_wrap=True)
    if room > 1 and blocks(report):
        console.print()
    for line in ending:
        console.print(line, soft_wrap=True)


def blocks(report: Report) -> list[Block]:
    """What a person must know, the most urgent first."""
    found = [
        Block("What differs from Keras", failure_lines(report), "red"),
        Block("Placeholders: these raise in forward", placeholder_lines(report), "yellow"),
        Block("Open: what the file does not say", open_lines(report), "yellow"),
        Block("Assumed: convention, not in the file", assumed_lines(report), "yellow"),
        Block("It may also be", other_candidates(report)),
        Block("Variables that are not in the model", listed_lines(report)),
        Block("Largest errors against Keras (float64, float32)", worst_lines(report)),
        Block("Notes", [*note_lines(report), *(printable(caveat, 400) for caveat in report.caveats)]),
    ]
    return [block for block in found if block.lines]


def dealt(found: Sequence[Block], room: int) -> list[tuple[Block, int]]:
    """
    Which blocks are shown with how many lines, in ``room`` lines with their titles: one line each in turn.

    >>> a, b = Block("a", ["1", "2", "3"]), Block("b", ["1", "2"])
    >>> [(block.title, count) for block, count in dealt([a, b], 6)]
    [('a', 2), ('b', 2)]
    >>> [(block.title, count) for block, count in dealt([a, b], 3)]
    [('a', 2)]
    """
    fitting = list(found[: max(0, room // 2)])
    counts = [0] * len(fitting)
    left = room - len(fitting)
    while left and any(count < len(block.lines) for block, count in zip(fitting, counts, strict=True)):
        for i, block in enumerate(fitting):
            more = min(1, left, len(block.lines) - counts[i])
            counts[i] += more
            left -= more
    return list(zip(fitting, counts, strict=True))


def fact_lines(report: Report, width: int, *, tight: bool = False) -> list[Text]:
    """The facts on top, as lines with their labels."""
    source = report.source
    by = printable(written_by(source.keras_version, source.backend))
    room = width - INDENT - LABEL_WIDTH - 1
    left = len(report.variables_listed)
    rows: list[tuple[str, str | Text]] = [
        ("read", f"{source.kind}, {size_words(source.bytes)}{f', written by {by}' if by else ''}"),
        ("model", model_words(report, room)),
        *([("architecture", printable(source.architecture))] if is_beside(report) else []),
        *port_rows("input", report.inputs),
        *port_rows("output", report.outputs),
        (
            "variables",
            f"{report.variables_used} of {report.variables_stored} used, "
            f"{f'{left} listed with a reason' if left else 'none left over'}",
        ),
        *(recovered_rows(report) if report.candidates else []),
        ("checked", checked(report.verification)),
        *([("opened", checked(report.opened))] if report.opened is not None else []),
        *statistics_rows(report)[:1],
    ]
    shown: list[Text] = []
    for label, value in rows:
        text = value if isinstance(value, Text) else Text(value)
        most = (2 if label == "checked" else 1) if tight else MOST.get(label, MOST_OTHER)
        for i, line in enumerate(wrapped(text, room, most)):
            head = Text(" " * INDENT + f"{'' if i else label:{LABEL_WIDTH}} ", style="dim")
            shown.append(head.append_text(line))
    return shown


def model_words(report: Report, room: int) -> str:
    """The model's name and size, and its layers where there is room for them."""
    parameters = sum(layer.parameters for layer in report.layers)
    words = f"{printable(report.model)}: {plural(len(report.layers), 'layer')}, {parameters:,} parameters"
    whole = f"{words} ({types(report)})"
    return whole if len(whole) <= room else words


def is_beside(report: Report) -> bool:
    """Whether the architecture was given beside the file."""
    return not report.candidates and report.source.architecture != "the file"


def port_rows(label: str, ports: Sequence[Port]) -> list[tuple[str, str]]:
    """The first inputs or outputs, the last of them with how many more there are."""
    rows = [(label, port_words(port)) for port in ports[:MOST_PORTS]]
    more = len(ports) - MOST_PORTS
    return [*rows[:-1], (label, f"{rows[-1][1]}; and {more} more")] if more > 0 else rows


def worst_lines(report: Report) -> list[str]:
    """The layers with the largest errors; none where all were said before, because they differ."""
    if report.verification.status == "different":
        return []
    measured = [line for line in lines(report) if line.error64 is not None or line.error32 is not None]
    worst = sorted(measured, key=lambda line: -max(line.error64 or 0.0, (line.error32 or 0.0) * 1e-9))[:WORST]
    return [
        f"{printable(line.name, 40)} ({printable(line.type, 40)}): {error_words(line.error64) or 'not run'}, "
        f"{error_words(line.error32) or 'not run'}"
        for line in worst
    ]


def hint(report: Report, width: int, most: int) -> list[Text]:
    """Where the results are, and how to see the rest."""
    folders = list(dict.fromkeys(str(PurePath(path).parent) for path in report.files.values()))
    where = f"{', '.join(printable(folder, 200) for folder in folders)}: " if folders else ""
    page = next((name for name in report.files if name.endswith(".html")), "")
    names = ", ".join(printable(name) for name in report.files)
    rest = "every layer, and the start of the file for --custom" if report.next_step else "every layer"
    more = f"--all shows {rest}{f'; {page} draws it' if page else ''}."
    return [*wrapped(Text(f"{where}{names}", style="dim"), width, most), Text(cut(more, width), style="dim")]


def wrapped(text: Text, width: int, most: int) -> list[Text]:
    """A text in at most so many lines; what is too long ends in dots."""
    console = Console(width=width, file=None)
    found = list(text.wrap(console, width, overflow="fold"))
    if len(found) > most:
        last = Text(cut(" ".join(line.plain.strip() for line in found[most - 1 :]), width), style=text.style)
        found = [*found[: most - 1], last]
    for line in found:
        line.rstrip()
    return found


def cut(text: str, width: int) -> str:
    """
    A text in one line.

    >>> cut("abcdefgh", 6), cut("abc", 6)
    ('abc...', 'abc')
    """
    return text if len(text) <= width else text[: max(0, width - 3)].rstrip() + "..."
