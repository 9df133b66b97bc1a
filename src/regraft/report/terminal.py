"""A report on the terminal: one screen of facts, then the layer table with its errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from regraft.report.console import INDENT, bullets, facts, heading
from regraft.report.dialects import DIALECTS, written_by
from regraft.report.layer_table import error_words, layer_table
from regraft.report.printable import listing, plural, printable, printable_lines, shape_words, size_words
from regraft.report.recovered_terminal import other_candidates, recovered_rows, statistics_rows
from regraft.report.value import Port, Report, VerificationRow

MOST_NOTES = 8
MOST_TYPES = 4
STYLES = {"equal": "green", "different": "bold red", "partly verified": "yellow", "not verified": "yellow"}


def show(report: Report, console: Console, *, everything: bool = False) -> None:
    """
    Print a report.

    Args:
        report: What to print.
        console: Where; from ``console_for``, which takes text literally.
        everything: Show every layer, not the worst and the failing ones alone.
    """
    heading(console, printable(report.source.file, 400))
    facts(console, summary(report))
    table, below = layer_table(report, everything=everything, width=console.width)
    console.print()
    console.print(Padding(table, (0, 0, 0, INDENT)))
    if below:
        console.print(Padding(Text(below, style="dim"), (0, 0, 0, INDENT)))
    bullets(console, "What differs from Keras", _few(failure_lines(report)), style="red")
    bullets(console, "Placeholders: these raise in forward", _few(placeholder_lines(report)), style="yellow")
    bullets(console, "Open: what the file does not say", _few(open_lines(report)), style="yellow")
    bullets(console, "Assumed: convention, not in the file", _few(assumed_lines(report)), style="yellow")
    bullets(console, "It may also be", _few(other_candidates(report)))
    bullets(console, "Variables that are not in the model", _few(listed_lines(report)))
    bullets(console, "Notes", _few(note_lines(report)))
    bullets(console, "What architecture.json cannot say", _few([printable(c, 400) for c in report.caveats]))
    if report.next_step:
        console.print()
        heading(console, "Next: write that layer in PyTorch, and convert again with --custom my_layers.py")
        console.print(Padding(Text("\n".join(printable_lines(report.next_step)), style="dim"), (0, 0, 0, INDENT)))
    console.print()
    console.print(verdict(report), soft_wrap=True)


def summary(report: Report) -> list[tuple[str, str | Text]]:
    """The facts on top, as label and words."""
    source = report.source
    by = printable(written_by(source.keras_version, source.backend))
    rows: list[tuple[str, str | Text]] = [
        ("read", f"{source.kind}, {size_words(source.bytes)}{', written by ' if by else ''}{by}"),
        ("layout", DIALECTS.get(source.dialect, printable(source.dialect))),
    ]
    if report.candidates:
        rows += recovered_rows(report)
    elif source.architecture != "the file":
        rows.append(("architecture", printable(source.architecture)))
    rows.append(("model", f"{printable(report.model)}: {plural(len(report.layers), 'layer')} ({types(report)})"))
    rows += [("input", port_words(port)) for port in report.inputs[:MOST_NOTES]]
    rows += [("output", port_words(port)) for port in report.outputs[:MOST_NOTES]]
    rows += [
        ("parameters", f"{sum(layer.parameters for layer in report.layers):,}"),
        ("variables", counts(report)),
        ("checked", checked(report.verification)),
        ("tried on", tried(report.verification)),
        *([("opened", checked(report.opened))] if report.opened is not None else []),
        *statistics_rows(report),
        ("files", files(report)),
    ]
    return rows


def types(report: Report) -> str:
    """The most frequent layer types: ``6 Conv2D, 4 BatchNormalization``."""
    counted = Counter(layer.type for layer in report.layers).most_common()
    words = [f"{count} {printable(kind)}" for kind, count in counted[:MOST_TYPES]]
    rest = sum(count for _, count in counted[MOST_TYPES:])
    return ", ".join([*words, f"{rest} other"] if rest else words)


def port_words(port: Port) -> str:
    """An input or output in both axis orders."""
    name, keras = printable(port.name), shape_words(port.keras_shape)
    if port.keras_shape == port.torch_shape and port.order == "as in Keras":
        return f"{name} {keras}, as in Keras"
    return f"{name} {shape_words(port.torch_shape)}, {printable(port.order)}; in Keras {keras}"


def counts(report: Report) -> str:
    """How the variables were used, and that all parameters are filled."""
    listed = len(report.variables_listed)
    rest = f", {listed} listed with a reason" if listed else ", none left over"
    filled = plural(report.parameters_filled, "tensor")
    return f"{report.variables_used} of {report.variables_stored} used{rest}; they fill {filled} of the module"


def checked(verification: VerificationRow) -> Text:
    """The result of the comparison with Keras in a line or two."""
    style = STYLES[verification.status]
    why = printable(verification.reason.removeprefix("not verified against Keras").removeprefix(": "), 400)
    if verification.status == "not verified":
        return Text(f"not verified against Keras{': ' if why else ''}{why}", style=style)
    measured = (
        f"{verification.compared} of {plural(verification.total, 'tensor')}, largest error "
        f"{_largest(verification, 64)} in float64, {_largest(verification, 32)} in float32"
    )
    oracle = f"Keras ({printable(verification.oracle)})" if verification.oracle else "Keras"
    if verification.status == "equal":
        return Text(f"equal to {oracle}: {measured}", style=style)
    first = f", first at {printable(verification.first_failure)}" if verification.first_failure else ""
    words = (
        f"DIFFERENT from {oracle}{first}" if verification.status == "different" else f"partly compared with {oracle}"
    )
    return Text(f"{words}: {measured}. {why}", style=style)


def _largest(verification: VerificationRow, bits: int) -> str:
    found = [c.error64 if bits == 64 else c.error32 for c in verification.layers]
    measured = [error for error in found if error is not None]
    return error_words(max(measured)) if measured else "not compared"


def tried(verification: VerificationRow) -> str:
    """What was tried, against which limits, and what Keras was given."""
    routes = (("architecture", verification.config_route), ("weights", verification.weights_route))
    parts = [*verification.inputs, *(f"{what}: {route}" for what, route in routes if route)]
    return "; ".join(printable(part, 200) for part in parts)


def files(report: Report) -> str:
    """Where the results lie."""
    folders = list(dict.fromkeys(str(PurePath(path).parent) for path in report.files.values()))
    names = ", ".join(printable(name) for name in report.files)
    return f"{', '.join(printable(folder, 400) for folder in folders)}: {names}"


def verdict(report: Report) -> Text:
    """The last line: whether the result can be trusted, with the exit code."""
    status, code = report.verification.status, report.exit_code
    if report.opened is not None and report.opened.status == "different" != status:
        words, status = f"A check failed: do not use the file. {printable(report.opened.reason, 400)}", "different"
    elif status == "different":
        first = printable(report.verification.first_failure)
        words = f"A check failed: do not use the result. The first layer that differs is {first}."
    elif report.placeholders or report.open_choices or report.assumed_choices:
        parts = [
            plural(len(report.placeholders), "placeholder") if report.placeholders else "",
            plural(len(report.open_choices), "open choice") if report.open_choices else "",
            plural(len(report.assumed_choices), "assumed choice") if report.assumed_choices else "",
        ]
        words = f"Done, and not complete: {listing([part for part in parts if part])}."
    elif report.candidates and status == "equal":
        words = "Done: every layer equals Keras, given this architecture."
    elif status == "equal":
        words = "Done: every layer equals Keras."
    else:
        words = "Done, not verified against Keras."
    return Text(f"{words} (exit code {code})", style=STYLES[status])


def failure_lines(report: Report) -> list[str]:
    """The tensors that differ, each with its errors."""
    rows = (*report.verification.layers, *(report.opened.layers if report.opened is not None else ()))
    return [
        f"{printable(c.layer)}: error {error_words(c.error64) or 'none measured'} in float64, "
        f"{error_words(c.error32) or 'none measured'} in float32, of a largest value of {c.scale:.2g}"
        f"{'; ' + printable(c.note, 200) if c.note else ''}"
        for c in rows
        if not c.ok
    ]


def note_lines(report: Report) -> list[str]:
    """All notes; that a placeholder was not compared is said with the placeholder."""
    said = tuple(f"{row.name} was not compared" for row in report.placeholders)
    notes = (*report.notes, *(note for note in report.verification.notes if not note.startswith(said)))
    return [printable(note, 240) for note in notes]


def placeholder_lines(report: Report) -> list[str]:
    """The layers that were not converted, each with the reason."""
    return [f"{printable(r.name)} ({printable(r.type)}): {printable(r.placeholder, 400)}" for r in report.placeholders]


def open_lines(report: Report) -> list[str]:
    """The choices that the file leaves open, with what is possible."""
    return [
        f"{printable(c.subject)}: {printable(c.evidence, 400)}{_candidates(c.candidates)}" for c in report.open_choices
    ]


def _candidates(candidates: Iterable[str]) -> str:
    shown = [printable(candidate, 40) for candidate in list(candidates)[:MOST_NOTES]]
    words = ", ".join(f"({word})" if "," in word else word for word in shown)
    return f" (possible: {words})" if words else ""


def assumed_lines(report: Report) -> list[str]:
    """The choices that rest on convention, with the reason."""
    return [
        f"{printable(c.subject)} = {printable(c.value, 60)}: {printable(c.evidence, 200)}"
        for c in report.assumed_choices
    ]


def listed_lines(report: Report) -> list[str]:
    """The variables that are not used, each with the reason."""
    return [f"{printable(path)}: {printable(reason, 200)}" for path, reason in report.variables_listed]


def _few(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_NOTES:
        return lines
    return [*lines[: MOST_NOTES - 1], f"... and {len(lines) - MOST_NOTES + 1} more: report.json lists them"]
