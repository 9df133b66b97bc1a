"""The layer table of a report: each layer with its errors against Keras, folded to what matters when it is long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from regraft.report.console import table_of
from regraft.report.printable import plural, printable, shape_words
from regraft.report.value import CheckRow, LayerRow, Report

MOST_ROWS = 24
WORST = 8
FEW = 12
WIDE = 100
"""Columns of a terminal from which on the output shapes are shown too."""


@dataclass(frozen=True)
class Line:
    """One line of the table: a layer, or a layer inside another, with the worst of its calls."""

    name: str
    layer: LayerRow | None
    checks: tuple[CheckRow, ...]

    @property
    def failed(self) -> bool:
        """Whether a comparison failed."""
        return any(not check.ok for check in self.checks)

    @property
    def placeholder(self) -> bool:
        """Whether the layer could not be converted."""
        return self.layer is not None and bool(self.layer.placeholder)

    @property
    def error64(self) -> float | None:
        """The largest error of its calls in float64, relative to the layer's scale."""
        return max((c.error64 for c in self.checks if c.error64 is not None), default=None)

    @property
    def error32(self) -> float | None:
        """The same in float32."""
        return max((c.error32 for c in self.checks if c.error32 is not None), default=None)


def lines(report: Report) -> list[Line]:
    """Layers in model order, each followed by the checks of layers inside it (``outer/inner``)."""
    checks: dict[str, list[CheckRow]] = {}
    for check in report.verification.layers:
        checks.setdefault(check.layer, []).append(check)
    names = {row.name for row in report.layers}
    inside: dict[str, list[str]] = {}
    for name in checks:
        if name not in names:
            outer = next((part for part in _outer(name) if part in names), "")
            inside.setdefault(outer, []).append(name)
    found: list[Line] = []
    for row in report.layers:
        found.append(Line(row.name, row, tuple(checks.get(row.name, ()))))
        found += [Line(name, None, tuple(checks[name])) for name in inside.get(row.name, ())]
    return found + [Line(name, None, tuple(checks[name])) for name in inside.get("", ())]


def _outer(name: str) -> Iterable[str]:
    """The names in front of each slash, longest first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def folded(every: Sequence[Line], first_failure: str, most: int = MOST_ROWS) -> list[Line]:
    """
    All lines of a short model; of a long one what fails, what is a placeholder, and the largest errors, in order.

    Where nothing was compared and nothing is special, the first ones.
    """
    if len(every) <= most:
        return list(every)
    wanted = [i for i, line in enumerate(every) if line.name == first_failure and first_failure]
    wanted += [i for i, line in enumerate(every) if line.failed][:FEW]
    wanted += [i for i, line in enumerate(every) if line.placeholder][:FEW]
    for error in (lambda line: line.error64, lambda line: line.error32):
        measured = [i for i, line in enumerate(every) if error(line)]
        wanted += sorted(measured, key=lambda i: -(error(every[i]) or 0.0))[:WORST]
    chosen = sorted(set(wanted)) or list(range(most))
    return [every[i] for i in chosen]


def layer_table(report: Report, *, everything: bool, width: int) -> tuple[Table, str]:
    """
    The table, and a line on what it leaves out (empty if nothing).

    Args:
        report: What to show.
        everything: Show every layer.
        width: Columns of the terminal.
    """
    first = report.verification.first_failure
    every = lines(report)
    shown = every if everything else folded(every, first)
    checked = bool(report.verification.layers)
    columns = [("layer", "left"), ("type", "left")]
    columns += [("output in Keras", "left")] if width >= WIDE else []
    columns += [("parameters", "right")]
    columns += [("float64", "right"), ("float32", "right"), ("", "left")] if checked else [("", "left")]
    table = table_of(*columns)
    for line in shown:
        cells = [Text(("  " if line.layer is None else "") + printable(line.name))]
        cells.append(Text(printable(line.layer.type) if line.layer else ""))
        if width >= WIDE:
            cells.append(Text(shape_words(line.layer.output_shape) if line.layer else ""))
        cells.append(Text(f"{line.layer.parameters:,}" if line.layer and line.layer.parameters else ""))
        if checked:
            cells += [Text(error_words(line.error64)), Text(error_words(line.error32))]
        cells.append(mark(line, first))
        table.add_row(*cells, style="bold red" if line.name == first and first else "")
    hidden = len(every) - len(shown)
    if not hidden:
        return table, ""
    rest = "all ok" if checked and not any(line.failed for line in every if line not in shown) else "as in report.json"
    return table, f"... {plural(hidden, 'layer')} more, {rest}: --all shows them"


def error_words(error: float | None) -> str:
    """An error as two digits and a power of ten; empty where nothing was compared."""
    return "" if error is None else "0" if error == 0 else f"{error:.1e}"


def mark(line: Line, first: str) -> Text:
    """What there is to say of a line in a word or two."""
    if line.placeholder:
        return Text("placeholder", style="yellow")
    if line.failed:
        return Text("FAILS FIRST" if line.name == first else "fails", style="red")
    if not line.checks:
        return Text("")
    notes = [printable(check.note, 40) for check in line.checks if check.note]
    calls = f" ({len(line.checks)} calls)" if len(line.checks) > 1 else ""
    return Text(f"ok{calls}{', ' + notes[0] if notes else ''}", style="green")
