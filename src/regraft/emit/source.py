"""Statements to Python source: one class a model, formatted as ruff would format it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from regraft.blueprint import Shape, TensorRef
from regraft.emit.names import comment, identifiers
from regraft.emit.scope import TOKEN, Scope, is_alias, name_tensors, needed_masks
from regraft.emit.statements import Statement
from regraft.layers import AxisOrder, converted
from regraft.layers.form import Carry

WIDTH = 120


@dataclass(frozen=True)
class Item:
    """
    A statement in a class: its module's attribute, its constructor with the class's own arguments filled in.

    ``shape`` is the comment that shows the shape of its result, where that is not simply the statement's own; ``folded`` marks
    a repeated block. ``overwrites`` is the operand of a sum that its result may replace; -1 for none.
    """

    statement: Statement
    attribute: str
    module: str
    shape: str = ""
    folded: bool = False
    overwrites: int = -1


@dataclass(frozen=True)
class ClassPlan:
    """
    One class of the emitted file.

    Attributes:
        name: Class name.
        doc: Docstring, one line or several.
        arguments: Constructor arguments, ``name: int``.
        inputs: Tensors that ``forward`` receives, with the names they should have and their shapes as comments.
        outputs: Tensors that it returns.
        notes: A comment for an attribute, by attribute: a layer name that could not be kept.
        layer_names: Names for the tensors of layers, where they should not bear the layer's own.
    """

    name: str
    doc: tuple[str, ...]
    items: tuple[Item, ...]
    inputs: tuple[TensorRef, ...]
    input_names: tuple[str, ...]
    input_shapes: tuple[str, ...]
    outputs: tuple[TensorRef, ...]
    arguments: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    layer_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mark:
    """Where a tensor can be seen in the emitted file: after which line of its class text, in which variable."""

    ref: TensorRef
    line: int
    variable: str


@dataclass(frozen=True)
class ClassText:
    """The source lines of one class, and where each tensor is made (line numbers count from 1 in these lines)."""

    lines: tuple[str, ...]
    marks: tuple[Mark, ...]


def attributes(statements: Sequence[Statement]) -> dict[str, str]:
    """The attribute of every layer that has a module."""
    return identifiers(dict.fromkeys(s.call.layer for s in statements if s.form.module))


def write_class(plan: ClassPlan) -> ClassText:
    """Write one class."""
    lines = [f"class {plan.name}(nn.Module):"]
    lines += docstring(plan.doc, "    ")
    lines += ["", f"    def __init__({', '.join(('self', *plan.arguments))}) -> None:", "        super().__init__()"]
    seen: set[str] = set()
    for item in plan.items:
        if item.module and item.attribute not in seen:
            seen.add(item.attribute)
            note = plan.notes.get(item.attribute)
            lines += wrapped(f"self.{item.attribute} = {item.module}", "        ", note or "")
    statements = [item.statement for item in plan.items]
    scope = name_tensors(plan.inputs, statements, plan.outputs, plan.input_names, plan.layer_names)
    arguments = ", ".join(f"{scope.tensors[ref]}: Tensor" for ref in plan.inputs)
    returns = "Tensor" if len(plan.outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(plan.outputs))}]"
    shapes = "; ".join(shape for shape in plan.input_shapes if shape) if len(plan.inputs) < 4 else ""
    lines += ["", *wrapped_def(f"def forward(self, {arguments}) -> {returns}:", "    ", shapes)]
    marks = forward_lines(plan, scope, lines)
    lines += wrapped(f"return {', '.join(scope.tensors[ref] for ref in plan.outputs)}", "        ", "")
    return ClassText(tuple(lines), tuple(marks))


def forward_lines(plan: ClassPlan, scope: Scope, lines: list[str]) -> list[Mark]:
    """Append the body of ``forward`` to ``lines``; where each tensor is made."""
    masks = needed_masks([item.statement for item in plan.items])
    mask_names: dict[TensorRef, str] = {}
    marks: list[Mark] = []
    started = False
    for item in plan.items:
        statement = item.statement
        if not is_alias(statement):
            for line, note in statement_lines(item, scope, mask_names, masks):
                lines += wrapped(line, "        ", note)
            started = True
        if started:
            marks += [Mark(ref, len(lines), scope.tensors[ref]) for ref in statement.results]
    return marks


def statement_lines(
    item: Item, scope: Scope, mask_names: dict[TensorRef, str], needed: set[TensorRef]
) -> list[tuple[str, str]]:
    """The lines of one statement, each with its comment."""
    statement, form = item.statement, item.statement.form
    lines: list[tuple[str, str]] = []
    names = {"self": f"self.{item.attribute}"}
    code = " ".join((*form.before, *form.outputs))
    for place, operand in enumerate(statement.operands):
        name = scope.tensors[operand.ref]
        text = converted(name, operand.have, operand.want)
        if text != name and TOKEN.findall(code).count(str(place)) > 1:
            moved = scope.fresh(f"{name}_moved")
            lines.append((f"{moved} = {text}", ""))
            text = moved
        names[str(place)] = text
    for place, ref in enumerate(statement.masks):
        if ref is not None:
            names[f"m{place}"] = mask_names.get(ref, scope.tensors.get(ref, ""))
    result = statement.results[0]
    if form.mask and result in needed:
        names["mask"] = mask_names[result] = scope.fresh(f"{result.layer}_mask")
        lines.append((f"{mask_names[result]} = {filled(form.mask, names)}", ""))
    lines += [(filled(text, names), "") for text in form.before]
    targets = [scope.tensors[ref] for ref in statement.results]
    values = [filled(text, names) for text in form.outputs]
    notes = [shown(named_axes(s, o)) for s, o in zip(statement.shapes, statement.orders, strict=True)]
    notes[0] = item.shape or notes[0]
    if item.overwrites >= 0 and targets == [names[str(item.overwrites)]]:
        return [*lines, (f"{targets[0]} += {names[str(1 - item.overwrites)]}", notes[0])]
    whole = f"{', '.join(targets)} = {', '.join(values)}"
    if len(values) == 1 or len(whole) <= WIDTH - 8:
        return [*lines, (whole, notes[0])]
    # The targets are new names, so that no value reads what a line before it has written.
    return [*lines, *((f"{t} = {v}", note) for t, v, note in zip(targets, values, notes, strict=True))]


def filled(text: str, names: Mapping[str, str]) -> str:
    """Put names in the place of tokens; a token without a name is a local variable and keeps its word."""
    return TOKEN.sub(lambda m: names.get(m[1], m[1]), text)


def named_axes(shape: Shape, order: AxisOrder) -> tuple[int | str, ...] | None:
    """A shape in PyTorch order, with names for the axes that vary: ``("batch", 3, "h", "w")``."""
    if shape is None:
        return None
    names = {2: ("length",), 3: ("length",), 4: ("h", "w"), 5: ("d", "h", "w")}.get(len(shape), ())
    if order.axes and order != AxisOrder.channels_first(len(shape)):
        names = ("time",) if len(shape) == 3 else ()
    labels = ["batch", *names, *["?"] * len(shape)]
    named = [n if n is not None else labels[i] for i, n in enumerate(shape)]
    return tuple(named[axis] for axis in order.axes) if order.axes else tuple(named)


def shown(shape: Sequence[int | str] | None) -> str:
    """A shape as a comment: ``(batch, 64, h, w)``; nothing if it is unknown."""
    return "" if shape is None else f"({', '.join(map(str, shape))})"


def docstring(text: Sequence[str], indent: str) -> list[str]:
    """A docstring of one or several lines."""
    if len(text) == 1:
        return [f'{indent}"""{comment(text[0])}"""']
    body = [f"{indent}{comment(line)}".rstrip() for line in text[1:]]
    return [f'{indent}"""', f"{indent}{comment(text[0])}", *body, f'{indent}"""']


def wrapped(code: str, indent: str, note: str) -> list[str]:
    """One statement with its comment; broken at the outermost brackets if it is too long, as ruff breaks it."""
    line = f"{indent}{code}"
    if len(line) <= WIDTH:
        tail = f"  # {comment(note)}" if note else ""
        return [line + tail]
    opened, closed = outer_brackets(code)
    if opened < 0:
        word, _, rest = code.partition(" ")
        if word != "return" or "," not in rest:
            return [line]
        return [f"{indent}return (", *(f"{indent}    {name}," for name in rest.split(", ")), f"{indent})"]
    head, inner, tail = code[: opened + 1], code[opened + 1 : closed], code[closed:]
    if len(indent) + 4 + len(inner) <= WIDTH:
        pieces = [inner]
    elif not is_call(head) and len(split_commas(inner)) == 1:  # a comma would make a tuple of it
        pieces = split_operators(inner)
    else:
        pieces = [f"{piece}," for piece in split_commas(inner)]
    broken = [f"{indent}{head}", *(part for piece in pieces for part in wrapped(piece, indent + "    ", ""))]
    return [*broken, f"{indent}{tail}" + (f"  # {comment(note)}" if note else "")]


def wrapped_def(code: str, indent: str, note: str) -> list[str]:
    """A ``def`` line, broken at its arguments if it is too long."""
    return wrapped(code, indent, note)


def outer_brackets(code: str) -> tuple[int, int]:
    """The last pair of outermost brackets in a statement; (-1, -1) if there is none."""
    depth, start, found = 0, -1, (-1, -1)
    for i, char in enumerate(code):
        if char in "([{":
            if depth == 0:
                start = i
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0 and i > start + 1:
                found = (start, i)
    return found


def is_call(head: str) -> bool:
    """Whether the bracket at the end of the text opens the arguments of a call."""
    return head[-1] == "(" and (head[-2:-1].isalnum() or head[-2:-1] in ("_", ")", "]"))


def split_operators(code: str) -> list[str]:
    """
    Terms of an expression, each but the first with the operator in front of it.

    >>> split_operators("a + f(b + c) * d")
    ['a', '+ f(b + c)', '* d']
    """
    pieces, depth, start = [], 0, 0
    for match in re.finditer(r"[(\[{)\]}]| (?=[-+*/|&] )", code):
        depth += match[0] in "([{"
        depth -= match[0] in ")]}"
        if match[0] == " " and depth == 0:
            pieces.append(code[start : match.start()])
            start = match.end()
    return [*pieces, code[start:]]


def split_commas(code: str) -> list[str]:
    """Pieces between the commas that stand in no brackets and in no text."""
    pieces, depth, start, quote = [], 0, 0, ""
    for i, char in enumerate(code):
        if char in "\"'" and quote in ("", char):
            quote = "" if quote else char
        if quote:
            continue
        depth += char in "([{"
        depth -= char in ")]}"
        if char == "," and depth == 0:
            pieces.append(code[start:i].strip())
            start = i + 1
    return [*pieces, code[start:].strip()] if code[start:].strip() else pieces


__all__ = ["AxisOrder", "Carry", "ClassPlan", "ClassText", "Item", "Mark", "attributes", "write_class"]
