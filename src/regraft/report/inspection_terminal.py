"""An inspection on the terminal: what the file is, a layer table, what is known and unknown, what to do next."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from regraft.report.console import INDENT, bullets, facts, heading, table_of
from regraft.report.dialects import written_by
from regraft.report.inspection import InspectedLayer, InspectedVariable, Inspection
from regraft.report.printable import plural, printable, shape_words, size_words

MOST_LAYERS = 200
MOST_ARRAYS = 40
MOST_NOTES = 8


def show(inspection: Inspection, console: Console, *, everything: bool = False) -> None:
    """
    Print an inspection.

    Args:
        inspection: What to print.
        console: Where; from ``console_for``, which takes text literally.
        everything: Show every layer, however many there are.
    """
    heading(console, printable(inspection.file, 400))
    facts(console, summary(inspection))
    _layers(inspection, console, everything=everything)
    passed = [f"{printable(path)}: {printable(reason)}" for path, reason in inspection.ignored]
    bullets(console, "Passed over", _few(passed))
    bullets(console, "Notes", _few([printable(note, 400) for note in inspection.notes]))
    bullets(console, "Known", map(_line, inspection.known))
    bullets(console, "Unknown", map(_line, inspection.unknown))
    console.print()
    heading(console, "Next")
    console.print(Padding(Text(_line(inspection.next_step)), (0, 0, 0, INDENT)))
    console.print(Text(" " * INDENT + printable(inspection.next_command, 1000)), soft_wrap=True)


def summary(inspection: Inspection) -> list[tuple[str, str | Text]]:
    """The facts on top, as label and words."""
    what = {"whole model": "whole model, weights and architecture", "weights only": "weights only, no architecture"}
    rows: list[tuple[str, str | Text]] = [
        ("what", f"{what[inspection.kind]}: {inspection.container}, {size_words(inspection.bytes)}"),
        ("layout", inspection.layout),
        ("written by", printable(written_by(inspection.keras_version, inspection.backend))),
    ]
    name = printable(inspection.model_name)
    if (architecture := inspection.architecture) is not None:
        of_class = f"{printable(architecture.model_class) or 'unknown class'}, {plural(architecture.layers, 'layer')}"
        rows.append(("model", f"{name}: {of_class}" if name else of_class))
        rows += [("input", f"{printable(i.name)} {shape_words(i.shape)}") for i in architecture.inputs[:MOST_NOTES]]
    elif name:
        rows.append(("model", name))
    types = ", ".join(map(printable, inspection.dtypes))
    rows += [
        ("layer order", inspection.order),
        ("parameters", f"{inspection.parameters:,} in {plural(inspection.variables, 'variable')}, {types or 'none'}"),
    ]
    return rows


def _layers(inspection: Inspection, console: Console, *, everything: bool) -> None:
    shown = inspection.layers if everything else inspection.layers[:MOST_LAYERS]
    table = table_of(("layer", "left"), ("type", "left"), ("variables", "left"), ("parameters", "right"))
    usual = inspection.dtypes[0] if inspection.dtypes else ""
    for layer in shown:
        table.add_row(
            Text(printable(layer.name or layer.key)),
            Text(_type(layer), style="" if layer.type_source == "architecture" else "dim"),
            Text(arrays(layer.variables, usual)),
            Text(f"{layer.parameters:,}" if layer.parameters else ""),
        )
    if inspection.own:
        count = sum(v.parameters for v in inspection.own)
        table.add_row(Text("(the model itself)"), "", Text(arrays(inspection.own, usual)), Text(f"{count:,}"))
    console.print()
    console.print(Padding(table, (0, 0, 0, INDENT)))
    if any(layer.type_source == "default name" for layer in shown):
        console.print(Padding(Text("? as the layer's default name suggests", style="dim"), (0, 0, 0, INDENT)))
    if len(shown) < len(inspection.layers):
        more = f"... {plural(len(inspection.layers) - len(shown), 'layer')} more: --all shows them"
        console.print(Padding(Text(more, style="dim"), (0, 0, 0, INDENT)))


def _type(layer: InspectedLayer) -> str:
    """A type with a question mark where only a default name speaks for it."""
    return printable(layer.type) + ("?" if layer.type_source == "default name" else "")


def arrays(variables: Iterable[InspectedVariable], usual: str) -> str:
    """
    The arrays of a layer on a line or two; neighbours of one shape share it: ``gamma beta (12,)``.

    Args:
        variables: In stored order.
        usual: The type that most of the file has, which is not repeated.
    """
    listed = list(variables)
    groups: list[tuple[str, list[str]]] = []
    for variable in listed[:MOST_ARRAYS]:
        kind = f"{variable.dtype} ({variable.stored})" if variable.stored else variable.dtype
        words = shape_words(variable.shape, batched=False) + ("" if kind == usual else f" {kind}")
        if not groups or groups[-1][0] != words:
            groups.append((words, []))
        groups[-1][1].append(printable(variable.label))
    parts = [f"{' '.join(labels)} {words}" for words, labels in groups]
    if len(listed) > MOST_ARRAYS:
        parts.append(f"... and {len(listed) - MOST_ARRAYS} more")
    return ", ".join(parts)


def _few(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_NOTES:
        return lines
    return [*lines[: MOST_NOTES - 1], f"... and {len(lines) - MOST_NOTES + 1} more: --json lists them"]


def _line(text: str) -> str:
    return printable(text, 600)
