"""A comparison on the terminal: the verdict, the first divergent layer, why, and the line to change."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from regraft.report.compared import CauseRow, ComparedRow, ComparisonReport
from regraft.report.console import INDENT, bullets, facts, heading, table_of
from regraft.report.layer_table import error_words
from regraft.report.printable import plural, printable, shape_words
from regraft.report.terminal import checked

STYLES = {"equal": "green", "different": "bold red", "partly compared": "yellow", "cannot compare": "bold red"}
#: Rows that are shown in front of the first divergent layer and behind it, and lines of a list, without ``--all``.
AROUND, MOST = 2, 6


def show(report: ComparisonReport, console: Console, *, everything: bool = False) -> None:
    """
    Print a report.

    Args:
        report: What to print.
        console: Where; from ``console_for``, which takes text literally.
        everything: Show every layer, every cause and every weight.
    """
    heading(console, f"{printable(report.keras, 400)} against {printable(report.torch, 400)}")
    facts(console, summary(report))
    causes(console, report, everything=everything)
    layers(console, report, everything=everything)
    bullets(console, "Why nothing was compared", [printable(p, 600) for p in report.problems], style="red")
    bullets(console, "Parameters that are not those of the file", weights(report, everything), style="yellow")
    quiet = [
        f"{printable(d.where, 200)}: {d.what} is {printable(d.found)}, in Keras {printable(d.expected)} ({printable(d.layer, 200)})"
        for d in report.differences
    ]
    bullets(console, "Settings that differ, without effect on what was tried", few(quiet, everything))
    bullets(console, "Notes", [printable(note, 400) for note in report.notes])
    console.print()
    console.print(verdict(report), soft_wrap=True)


def causes(console: Console, report: ComparisonReport, *, everything: bool) -> None:
    """The first cause in full, the others in a line each; equal ones of many layers on one."""
    if not report.causes:
        return
    console.print()
    heading(console, f"Why: {printable(report.causes[0].what)}")
    facts(console, cause_facts(report.causes[0]))
    groups: dict[tuple[str, str], list[CauseRow]] = {}
    for cause in report.causes[1:]:
        groups.setdefault((cause.what, cause.words), []).append(cause)
    told = [more(group) for group in groups.values()]
    bullets(console, "And once that is right", few(told, everything))


def more(group: Sequence[CauseRow]) -> str:
    """A further cause, of one layer or of many."""
    first, count = group[0], len(group)
    place = " in ".join(filter(None, (first.module, first.where)))
    where = f"{printable(first.layer, 200)}{f' ({printable(place, 200)})' if place else ''}"
    where += f" and {plural(count - 1, 'more layer')}" if count > 1 else ""
    return f"{where}: {printable(first.words, 300)}. Change: {printable(first.change, 300)}"


def summary(report: ComparisonReport) -> list[tuple[str, str | Text]]:
    """The facts on top."""
    rows: list[tuple[str, str | Text]] = [("result", Text(result(report), style=STYLES[report.status]))]
    first = report.first
    if first is not None:
        place = " in ".join(filter(None, (first.module, first.where)))
        there = f", {printable(place, 300)} in the module" if place else ""
        rows.append(("first at", f"{printable(first.layer)} ({printable(first.type)}){there}"))
        leaves = (
            "has no counterpart of its shape"
            if first.output_error is None
            else f"differs by {share(first.output_error)}"
        )
        rows.append(
            ("", f"what enters differs by {share(first.input_error)}, what leaves {leaves}: the fault lies between")
        )
    if report.unsettled:
        rows.append(("Keras side", Text(unsettled(report), style="yellow")))
    if report.inputs:
        rows.append(("tried on", "; ".join(shape_words(shape, batched=False) for shape in report.inputs)))
    if report.verification.status != "not verified" or report.verification.reason:
        rows.append(("Keras side", checked(report.verification)))
    return rows


def unsettled(report: ComparisonReport) -> str:
    """That the Keras side is not all stated, and what to do."""
    return (
        f"the file does not state all of it: {plural(len(report.unsettled), 'setting')} assumed or open. A difference may lie "
        "there and not in your module. Give the architecture with --architecture, or let your module settle it: regraft graft"
    )


def result(report: ComparisonReport) -> str:
    """What the two compute."""
    off = max((error for error in report.outputs if error is not None), default=None)
    if report.status == "equal":
        return f"equal: the outputs differ by {error_words(off)} at most, in float64"
    if report.status == "different":
        if off is None:
            return "different: the outputs are not even of one shape"
        if off <= report.tolerance:
            return f"different, though not on the first inputs (outputs differ by {error_words(off)} there)"
        faults = sum(row.ok is False for row in report.rows)
        by = f"different: the outputs differ by {share(off)} of their largest value"
        return f"{by}; {faults} of {plural(len(report.rows), 'layer')} at fault"
    if report.status == "partly compared":
        return "no difference found, and not everything was compared"
    return "nothing could be compared"


def share(value: float) -> str:
    """
    A relative difference as a person reads it.

    >>> share(0.0), share(3e-16), share(0.31234), share(2.5), share(4e10)
    ('0', '3e-16', '31.2%', '250%', 'more than 100 times')
    """
    if value == 0:
        return "0"
    if value < 1e-3:
        return f"{value:.1e}".replace("e-0", "e-").replace(".0e", "e")
    return f"{value:.1%}" if value < 1 else f"{value:.0%}" if value < 100 else "more than 100 times"


def cause_facts(cause: CauseRow) -> list[tuple[str, str | Text]]:
    """One cause as rows."""
    place = " in ".join(filter(None, (printable(cause.module, 200), printable(cause.where, 200))))
    rows: list[tuple[str, str | Text]] = [
        ("where", place),
        ("layer", printable(cause.layer, 200)),
        ("the module", Text(printable(cause.words, 500), style="bold")),
        ("shown by", evidence(cause)),
        ("change", Text(printable(cause.change, 600), style="green")),
    ]
    return [(name, value) for name, value in rows if value]


def evidence(cause: CauseRow) -> str:
    """What says so."""
    if cause.evidence == "settings":
        return "the settings of both sides as they ran"
    if cause.evidence == "weights":
        return "the parameters of both sides" + (
            f": they differ by {share(cause.before)}" if cause.before is not None else ""
        )
    if cause.after is None:
        return ""
    if cause.what in ("dropout active", "random numbers"):
        return f"two runs on the same inputs differ by {share(cause.before or 0.0)}"
    had = f"the Keras layer and the module differ by {share(cause.before)}; " if cause.before is not None else ""
    return f"{had}with this put into the Keras layer they differ by {share(cause.after)}"


def layers(console: Console, report: ComparisonReport, *, everything: bool) -> None:
    """The layers around the first divergent one."""
    rows = report.rows if everything else around(report)
    if not rows:
        return
    console.print()
    console.print(Padding(table(rows), (0, 0, 0, INDENT)))
    if rest := len(report.rows) - len(rows):
        console.print(
            Padding(Text(f"... {plural(rest, 'layer')} more: --all shows them", style="dim"), (0, 0, 0, INDENT))
        )


def around(report: ComparisonReport) -> Sequence[ComparedRow]:
    """The rows near the first divergent layer; none where all are equal."""
    if report.first is None:
        return ()
    place = next((i for i, row in enumerate(report.rows) if row.layer == report.first.layer), 0)
    return report.rows[max(0, place - AROUND) : place + AROUND + 1]


def table(rows: Sequence[ComparedRow]) -> Table:
    """Layers with their counterparts."""
    found = table_of(
        ("layer", "left"),
        ("in the module", "left"),
        ("as it comes", "right"),
        ("alone", "right"),
        ("", "left"),
    )
    for row in rows:
        place = " ".join(filter(None, (row.module, row.where))) or row.note
        mark = (
            Text("fault", style="bold red")
            if row.ok is False
            else Text("ok" if row.ok else "?", style="green" if row.ok else "yellow")
        )
        found.add_row(
            printable(row.layer),
            printable(place),
            error_words(row.error),
            error_words(row.alone),
            mark,
        )
    return found


def weights(report: ComparisonReport, everything: bool) -> list[str]:
    """Parameters in words."""
    told: list[str] = []
    for row in report.weights:
        by = (
            f" (differs by {share(row.error)} from {printable(', '.join(row.variables), 200)})"
            if row.error is not None
            else ""
        )
        told.append(f"{printable(row.parameter, 200)}: {printable(row.how) or 'other numbers'}{by}")
    return few(told, everything)


def few(lines: Sequence[str], everything: bool) -> list[str]:
    """The first lines, and how many there are more."""
    rest = 0 if everything else len(lines) - MOST
    return [*(lines if everything else lines[:MOST]), *([f"... and {rest} more: --all shows them"] if rest > 0 else [])]


def verdict(report: ComparisonReport) -> Text:
    """The last line."""
    match report.status:
        case "different" if report.unsettled:
            words = (
                "The two compute different things. The architecture of the Keras side is assumed in part: the mistake may be on "
                "either side."
            )
        case "equal" if report.unsettled:
            words = "Both compute the same, if the architecture of the Keras side is what was assumed."
        case "different" if report.causes:
            words = "The two compute different things. Make the change above, and compare again."
        case "different":
            words = "The two compute different things, for no reason that is known. Look at the first divergent layer."
        case _ if report.verification.status == "different":
            words = "The Keras side as regraft reads it differs from Keras: do not rely on this."
        case "equal":
            words = "Both models compute the same."
        case "partly compared":
            words = "No difference was found in what could be compared."
        case _:
            words = "Nothing could be compared."
    return Text(f"{words} (exit code {report.exit_code})", style=STYLES[report.status])
