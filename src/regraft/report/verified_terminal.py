"""The check of an earlier result on the terminal: the verdict, where it differs, why, and what to run."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from regraft.report.compared_terminal import cause_facts, few, layers, result, share
from regraft.report.console import INDENT, bullets, facts, heading, table_of
from regraft.report.layer_table import error_words
from regraft.report.printable import plural, printable, shape_words
from regraft.report.terminal import STYLES, checked, tried
from regraft.report.value import CheckRow
from regraft.report.verified import VerifiedReport

#: Rows without ``--all``: of layers that fail and that are worst, of settings, parameters, choices and notes.
MOST_FAILING, MOST_WORST, MOST_ROWS, MOST_NOTES = 4, 3, 5, 3


def show(report: VerifiedReport, console: Console, *, everything: bool = False) -> None:
    """
    Print a report.

    Args:
        report: What to print.
        console: Where; from ``console_for``, which takes text literally.
        everything: Show every layer, setting and parameter.
    """
    heading(console, f"{printable(report.out, 400)} against {printable(report.against, 400)}")
    facts(console, summary(report))
    causes = () if report.comparison is None else report.comparison.causes
    for cause in causes if everything else causes[:1]:
        console.print()
        heading(console, f"Why: {printable(cause.what)}")
        facts(console, cause_facts(cause))
    rest = 0 if everything else len(causes) - 1
    if rest > 0:
        hint = Text(f"... {plural(rest, 'cause')} more: --all shows them", style="dim")
        console.print(Padding(hint, (0, 0, 0, INDENT)))
    bullets(console, "Settings that differ", few_of(settings(report), everything), style="red")
    bullets(console, "Parameters with other numbers", few_of(parameters(report), everything), style="yellow")
    if report.comparison is not None:
        if everything or not causes:
            layers(console, report.comparison, everything=everything)
        bullets(
            console, "Why nothing was compared", [printable(p, 600) for p in report.comparison.problems], style="red"
        )
    else:
        check_rows(console, report, everything=everything)
    bullets(console, "Assumed or open, and not settled by this", few_of(choices(report), everything), style="yellow")
    notes = [printable(note, 400) for note in (*report.notes, *report.verification.notes)]
    if report.comparison is not None:
        notes += [printable(note, 400) for note in report.comparison.notes]
    bullets(console, "Notes", notes if everything else notes[:MOST_NOTES])
    if report.command:
        console.print()
        heading(console, "To get it right")
        console.print(Text("  " + printable(report.command, 4000), style="green"), soft_wrap=True)
    console.print()
    console.print(verdict(report), soft_wrap=True)


def summary(report: VerifiedReport) -> list[tuple[str, str | Text]]:
    """The facts on top."""
    comparison = report.comparison
    if comparison is None:
        return [
            ("result", checked(report.verification)),
            ("tried on", tried(report.verification)),
            ("how", printable(report.code, 300)),
        ]
    words = result(comparison)
    if comparison.problems and report.status == "different":
        words = "different: the code raises an error on inputs that the model takes"
    rows: list[tuple[str, str | Text]] = [("result", Text(words, style=STYLES[report.status]))]
    if comparison.first is not None:
        first = comparison.first
        place = " in ".join(filter(None, (first.module, first.where)))
        rows.append(
            (
                "first at",
                f"{printable(first.layer)} ({printable(first.type)}){f': {printable(place)}' if place else ''}",
            )
        )
    if comparison.inputs:
        rows.append(("tried on", "; ".join(shape_words(shape, batched=False) for shape in comparison.inputs)))
    rows.append(("how", printable(report.code, 300)))
    rows.append(("Keras side", checked(report.verification)))
    return rows


def check_rows(console: Console, report: VerifiedReport, *, everything: bool) -> None:
    """The layers that fail, or else those that are furthest off."""
    rows = report.verification.layers
    shown = list(rows)
    if not everything:
        failing = [row for row in rows if not row.ok]
        worst = sorted(rows, key=lambda row: -(row.error64 or row.error32 or 0.0))[:MOST_WORST]
        shown = failing[:MOST_FAILING] or [row for row in rows if row in worst]
    if not shown:
        return
    console.print()
    console.print(Padding(table(shown), (0, 0, 0, INDENT)))
    if rest := len(rows) - len(shown):
        console.print(
            Padding(Text(f"... {plural(rest, 'tensor')} more: --all shows them", style="dim"), (0, 0, 0, INDENT))
        )


def table(rows: list[CheckRow]) -> Table:
    """Layers with their errors."""
    found = table_of(("layer", "left"), ("type", "left"), ("float64", "right"), ("float32", "right"), ("", "left"))
    for row in rows:
        mark = Text("ok", style="green") if row.ok else Text("differs", style="bold red")
        cells = (printable(row.layer), printable(row.type), error_words(row.error64), error_words(row.error32))
        found.add_row(*cells, mark)
    return found


def settings(report: VerifiedReport) -> list[str]:
    """Settings in words: ``activation of conv2d_3: assumed relu, the model has tanh``."""
    told: list[str] = []
    for row in sorted(report.settings, key=lambda row: row.training):
        layer, _, setting = row.subject.rpartition(".")
        had = f"{row.label} {row.here}" if row.label else f"here {row.here}"
        late = " (training only)" if row.training else ""
        told.append(printable(f"{setting} of {layer}: {had}, the model has {row.there}{late}", 300))
    return told


def parameters(report: VerifiedReport) -> list[str]:
    """Parameters in words."""
    return [
        f"{printable(row.parameter, 200)}: differs by {share(row.error)}"
        if row.error is not None
        else printable(row.parameter)
        for row in report.parameters
    ]


def choices(report: VerifiedReport) -> list[str]:
    """Choices in words."""
    return [printable(f"{row.subject} = {row.value} ({row.label})", 200) for row in report.choices]


def few_of(lines: list[str], everything: bool) -> list[str]:
    """The first lines, and how many there are more."""
    if everything or len(lines) <= MOST_ROWS:
        return few(lines, True)
    return [*lines[: MOST_ROWS - 1], f"... and {len(lines) - MOST_ROWS + 1} more: --all shows them"]


def verdict(report: VerifiedReport) -> Text:
    """The last line."""
    match report.status:
        case "different":
            words = "The result does not compute what this model does: do not use it as this model."
        case "equal" if report.choices:
            words = "Equal as far as the architecture is what was assumed."
        case "equal":
            words = "The result computes what the Keras model does, in every tensor that was compared."
        case "partly verified":
            words = "What could be compared is equal; not everything could."
        case _:
            words = "Nothing could be compared."
    return Text(f"{words} (exit code {report.exit_code})", style=STYLES[report.status])
