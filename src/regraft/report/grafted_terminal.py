"""A graft on the terminal: what fits, what differs, what to change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from regraft.report.console import INDENT, bullets, facts, heading, table_of
from regraft.report.grafted import DifferenceRow, GraftReport, PairRow
from regraft.report.layer_table import error_words
from regraft.report.printable import listing, plural, printable, shape_words
from regraft.report.terminal import checked

STYLES = {"equal": "green", "different": "bold red", "filled": "yellow", "does not fit": "bold red"}
#: Settings that change nothing when the module is used, and those that ``--fix`` sets.
TRAINING = frozenset({"momentum"})
SETTABLE = frozenset({"epsilon", "momentum"})
UNSURE = "The file's architecture was recovered; it does not say"
MOST_ROWS = 12
MOST = 12


def show(report: GraftReport, console: Console, *, everything: bool = False) -> None:
    """
    Print a report.

    Args:
        report: What to print.
        console: Where; from ``console_for``, which takes text literally.
        everything: Show every pair and every difference.
    """
    heading(console, f"{printable(report.file, 400)} onto {printable(report.target, 400)}")
    facts(console, summary(report))
    pairs = report.pairs if everything else telling(report.pairs)
    if pairs:
        console.print()
        console.print(Padding(table(pairs), (0, 0, 0, INDENT)))
        if rest := len(report.pairs) - len(pairs):
            more = f"... {plural(rest, 'pair')} more: --all shows them, mapping.toml has every tensor"
            console.print(Padding(Text(more, style="dim"), (0, 0, 0, INDENT)))
    most = len(report.differences) if everything else MOST
    bullets(
        console, "What the weights do not carry, and differs", few(differing(report.differences), most), style="yellow"
    )
    bullets(console, "Why the weights do not fit", few([printable(p, 400) for p in report.problems], most), style="red")
    if report.explanation:
        console.print()
        heading(console, "File and module side by side")
        for line in report.explanation:
            console.print(Padding(Text(printable(line, 400)), (0, 0, 0, INDENT)))
    kept = few([printable(name) for name in report.unfilled], most)
    bullets(console, "Parameters that keep the values they had", kept, style="yellow")
    bullets(console, "What structure does not tell apart", few(tied(report.ties), most))
    unsure = [f"{printable(choice.subject)} = {printable(choice.value)}" for choice in report.unsure]
    title = "The file leaves this open; it is as your module has it" if report.status == "equal" else UNSURE
    bullets(console, title, few(unsure, most))
    code(console, report)
    bullets(console, "Notes", [printable(note, 400) for note in report.notes])
    console.print()
    console.print(verdict(report), soft_wrap=True)


def code(console: Console, report: GraftReport) -> None:
    """What was set on the module and the state dict does not hold, as lines for the user's own code."""
    if not report.settings:
        return
    console.print()
    name = next((printable(name) for name in report.files if not name.endswith(".toml")), "the state dict")
    heading(console, f"Set these in your code too: {name} holds weights only")
    for line in "\n".join(report.settings).splitlines():
        console.print(Padding(Text(printable(line, 2000)), (0, 0, 0, INDENT)), soft_wrap=True)


def summary(report: GraftReport) -> list[tuple[str, str | Text]]:
    """The facts on top, as label and words."""
    source = {"the file": "stated in the file", "recovered": "recovered from the weights",
              "none": "not known: names and shapes decide"}.get(report.architecture, report.architecture)  # fmt: skip
    named = f"{report.variables} variables of the file, {report.parameters} tensors of the module filled"
    rows: list[tuple[str, str | Text]] = [
        ("architecture", printable(source, 400)),
        ("weights", f"{plural(len(report.pairs), 'pair')} of layers; {named}"),
        ("result", Text(result(report), style=STYLES[report.status])),
    ]
    if report.status in ("equal", "different"):
        rows.append(("tried on", "; ".join(shape_words(shape, batched=False) for shape in report.tried_on)))
    if report.architecture not in ("none", "recovered") and report.status != "does not fit":
        rows.append(("the file", checked(report.verification)))
    if report.statistics is not None:
        rows.append(("self-check", printable(report.statistics.summary, 300)))
    if report.files:
        folder = next(str(PurePath(path).parent) for path in report.files.values())
        rows.append(("files", f"{printable(folder, 400)}: {', '.join(printable(name) for name in report.files)}"))
    return rows


def result(report: GraftReport) -> str:
    """What the module computes now."""
    largest = max((error for error in report.outputs if error is not None), default=None)
    match report.status:
        case "equal":
            return (
                f"the module computes what the file's model does: largest difference {error_words(largest)} in float64"
            )
        case "different":
            first = f", first at {printable(report.first)}" if report.first else ""
            by = f": the output is off by {error_words(largest)} of its largest value" if largest is not None else ""
            return f"the weights fit, and the module computes something else{first}{by}"
        case "filled" if report.unfilled or report.lone_layers:
            return "not every tensor has its place, see below; what the file's model computes is not known"
        case "filled":
            return "every tensor has its place; what the file's model computes is not known, so nothing was compared"
        case _:
            return "the weights do not fit the module; nothing was written"


def telling(pairs: Sequence[PairRow]) -> tuple[PairRow, ...]:
    """The pairs that are off on their own account, or the first few where none is."""
    if len(pairs) <= MOST_ROWS:
        return tuple(pairs)
    off = [pair for pair in pairs if (pair.alone or 0.0) > 1e-6]
    return tuple((off or list(pairs))[:MOST_ROWS])


def table(pairs: Sequence[PairRow]) -> Table:
    """Pairs with how their variables move."""
    compared = any(pair.error is not None for pair in pairs)
    numbers = (("error", "right"), ("alone", "right")) if compared else ()
    found = table_of(("layer", "left"), ("module", "left"), ("tensors", "left"), *numbers)
    for pair in pairs:
        moves = "; ".join(dict.fromkeys(tensor.moves for tensor in pair.tensors if tensor.moves)) or "as they are"
        errors = (error_words(pair.error), error_words(pair.alone)) if compared else ()
        found.add_row(printable(pair.layer), printable(pair.module), printable(moves), *errors)
    return found


def differing(rows: Sequence[DifferenceRow]) -> list[str]:
    """Differences with their effect and what to change: the greatest first, equal ones of many modules on one line."""
    alike: dict[tuple[str, str, str], list[DifferenceRow]] = {}
    for row in rows:
        alike.setdefault((row.what, row.expected, row.found), []).append(row)
    groups = sorted(alike.values(), key=lambda group: -max(map(weight, group)))
    return [line(group) for group in groups]


def weight(row: DifferenceRow) -> float:
    """How much a difference matters, for the order of the list: one that was not measured may matter most."""
    return 0.0 if row.what in TRAINING else float("inf") if row.effect is None else row.effect


def line(group: Sequence[DifferenceRow]) -> str:
    """One difference, of one module or of many."""
    first, count = group[0], len(group)
    where = printable(first.where, 200) if count == 1 else f"{count} modules, first {printable(first.where, 200)}"
    layer = printable(first.layer, 200)
    said = f"{where}: {first.what} is {printable(first.found)}, in Keras {printable(first.expected)} ({layer})"
    measured = [row.effect for row in group if row.effect is not None]
    if first.what in TRAINING:
        effect = "; counts in training only"
    elif not measured:
        effect = ""
    else:
        upto = "up to " if count > 1 else ""
        effect = f"; makes {upto}{share_words(max(measured))} of the largest value there"
    if first.fixed:
        return f"{said}; set on the module"
    if first.what in SETTABLE:
        return f"{said}{effect}; --fix sets it"
    return f"{said}{effect}{'; ' + first.fix if first.fix else ''}"


def share_words(value: float) -> str:
    """
    A share as a person reads it.

    >>> share_words(0.515), share_words(0.0005), share_words(1.2)
    ('51.5%', '0.05%', '120%')
    """
    return (
        f"{value:.0%}"
        if value >= 1
        else f"{value:.1%}"
        if value >= 0.01
        else f"{value:.1g}"
        if value < 1e-4
        else f"{value:.2%}"
    )


def tied(ties: Sequence[tuple[tuple[str, ...], str]]) -> list[str]:
    """Ties in words."""
    return [f"{listing([printable(name) for name in names])}: told apart by {printable(why)}" for names, why in ties]


def few(lines: Sequence[str], most: int) -> list[str]:
    """The first lines, and how many there are more."""
    rest = len(lines) - most
    return [*lines[:most], *([f"... and {rest} more: --all shows them"] if rest > 0 else [])]


def verdict(report: GraftReport) -> Text:
    """The last line."""
    match report.exit_code:
        case 0:
            words = "Done: the module has the weights, and computes what the file's model does."
        case 1 if report.contradicted:
            first = printable(report.contradicted[0])
            words = f"The statistics in the file contradict the module, first at {first}. Do not use it."
        case 1 if report.status == "equal":
            words = "A check failed: the file's model differs from Keras. Do not use the result."
        case 1:
            what = "the differences listed" if report.differences else "what the table shows"
            words = f"The module has the weights, and computes something else. Change {what} first."
        case 2:
            words = "The weights do not fit: nothing was written."
        case _ if report.settings and report.status == "equal" and not (report.unsure or report.unfilled):
            words = "Done, once the lines above are in your code."
        case _ if report.status == "filled":
            words = "Done, and nothing was compared: run the module on inputs whose results you know."
        case _:
            words = "Done, and not certain: see above."
    return Text(f"{words} (exit code {report.exit_code})", style=STYLES[report.status])
