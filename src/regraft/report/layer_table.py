"""The layer table of a report: each layer with its errors against Keras, folded to what matters when it is long."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
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
"""Columns of a terminal from which on the output shapes and numbers of parameters are shown beside the errors."""
CALL = re.compile(r"( call [\d.]+)?( output \d+)?$")
"""What the check of a call or output adds to a layer's name."""
CAPTION = "Errors: largest difference from Keras, relative to the largest value of the same tensor."


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
    def type(self) -> str:
        """The layer's type, as in the catalogue."""
        return self.layer.type if self.layer else self.checks[0].type

    @property
    def error64(self) -> float | None:
        """The largest error of its calls in float64, relative to the layer's scale."""
        return max((c.error64 for c in self.checks if c.error64 is not None), default=None)

    @property
    def error32(self) -> float | None:
        """The same in float32."""
        return max((c.error32 for c in self.checks if c.error32 is not None), default=None)


def lines(report: Report) -> list[Line]:
    """Layers in model order, each with the checks of all its calls, then those of the layers inside it."""
    names = {row.name for row in report.layers}
    checks: dict[str, list[CheckRow]] = {}
    for check in report.verification.layers:
        name = layer_of(check.layer, names)
        checks.setdefault(name, []).append(check)
    inside: dict[str, list[Line]] = {}
    for name, found in checks.items():
        if name not in names:
            outer = next((part for part in _outer(name) if part in names), "")
            inside.setdefault(outer, []).append(Line(name, None, tuple(found)))
    listed: list[Line] = []
    for row in report.layers:
        listed += [Line(row.name, row, tuple(checks.get(row.name, ()))), *inside.get(row.name, ())]
    return listed + inside.get("", [])


def layer_of(check: str, names: Container[str]) -> str:
    """The layer that a check is about: its name without the call and the output."""
    return check if check in names else CALL.sub("", check)


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
    The table, and what to say below it: what it leaves out, and what the errors are.

    Args:
        report: What to show.
        everything: Show every layer.
        width: Columns of the terminal.
    """
    first = layer_of(report.verification.first_failure, {row.name for row in report.layers})
    every = lines(report)
    shown = every if everything else folded(every, first)
    checked, wide = bool(report.verification.layers), width >= WIDE
    columns = [("layer", "left"), ("type", "left")]
    columns += [("output in Keras", "left")] if wide else []
    columns += [("parameters", "right")] if wide or not checked else []
    columns += [("float64", "right"), ("float32", "right")] if checked else []
    table = table_of(*columns, ("", "left"))
    for line in shown:
        layer = line.layer
        cells = [Text(("" if layer else "  ") + printable(line.name)), Text(printable(line.type))]
        if wide:
            cells.append(Text(shape_words(layer.output_shape) if layer else ""))
        if wide or not checked:
            cells.append(Text(f"{layer.parameters:,}" if layer and layer.parameters else ""))
        if checked:
            cells += [Text(error_words(line.error64)), Text(error_words(line.error32))]
        failing_first = line.failed and line.name == first
        table.add_row(*cells, mark(line, failing_first), style="bold red" if failing_first else "")
    hidden = len(every) - len(shown)
    caption = [CAPTION] if checked else []
    if hidden:
        failing = sum(line.failed for line in every) - sum(line.failed for line in shown)
        state = (f", {failing} of them failing" if failing else ", none of them failing") if checked else ""
        caption.insert(0, f"... {plural(hidden, 'layer')} more{state}: --all shows them")
    return table, "\n".join(caption)


def error_words(error: float | None) -> str:
    """An error as two digits and a power of ten; empty where nothing was compared."""
    return "" if error is None else "0" if error == 0 else f"{error:.1e}"


def mark(line: Line, first: bool) -> Text:
    """What there is to say of a line in a word or two; ``first`` if it is the first that fails."""
    if line.placeholder:
        return Text("placeholder", style="yellow")
    if line.failed:
        return Text("FAILS FIRST" if first else "fails", style="red")
    if not line.checks:
        return Text("")
    return Text("ok" if len(line.checks) == 1 else f"ok in {len(line.checks)} calls", style="green")
