"""Blueprint and binding to one Python file, its transfer plan, and the places where each tensor can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from regraft.blueprint import Blueprint, Shape
from regraft.emit.names import class_name, comment
from regraft.emit.placeholder import placeholder_bound, placeholder_form
from regraft.emit.plan import Transfer, transfer
from regraft.emit.snippet import needed
from regraft.emit.source import ClassPlan, ClassText, Item, attributes, shown, write_class
from regraft.emit.statements import Body, body_of
from regraft.layers import AxisOrder
from regraft.layers.binding import Binding, Bound, inner_binding


@dataclass(frozen=True)
class Probe:
    """
    Where the output of a Keras layer can be seen while the emitted file runs.

    Attributes:
        module: Path of the module whose ``forward`` makes it; empty for the model itself.
        line: Line of the emitted file after which the variable holds it.
        variable: Name of the variable.
        layer: Keras layer name; inside nested models the names from the outside in, joined by ``/``.
        call: Which call of the layer, counted from 0.
        index: Which of its outputs.
        order: Axis order of the PyTorch tensor.
        shape: Shape in Keras order.
    """

    module: str
    line: int
    variable: str
    layer: str
    call: int
    index: int
    order: AxisOrder
    shape: Shape


@dataclass(frozen=True)
class Module:
    """An emitted module: its source text, how its parameters are filled, where its tensors can be seen."""

    source: str
    transfers: tuple[Transfer, ...]
    probes: tuple[Probe, ...]
    input_shapes: tuple[Shape, ...]
    input_orders: tuple[AxisOrder, ...]
    output_orders: tuple[AxisOrder, ...]


@dataclass
class Writer:
    """Collects the classes of one file while the models inside the model are walked."""

    classes: list[tuple[str, ClassText]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    snippets: set[str] = field(default_factory=set)
    transfers: list[Transfer] = field(default_factory=list)
    marks: list[tuple[str, Probe]] = field(default_factory=list)


def emit(blueprint: Blueprint, binding: Binding, about: str) -> Module:
    """
    Write the module of a blueprint.

    Args:
        blueprint: The architecture.
        binding: Its variables.
        about: One line for the head of the file: where it was converted from.
    """
    writer = Writer()
    kept = {name: placeholder_bound(variables) for name, variables in binding.placeholders.items()}
    bound = {**binding.layers, **kept}
    body = write_body(writer, blueprint, bound, "Model", "", "", None)
    lines = header(blueprint, body, about, writer)
    starts: dict[str, int] = {}
    for name, text in writer.classes:
        lines += ["", ""]
        starts[name] = len(lines)
        lines += text.lines
    probes = tuple(replace(probe, line=probe.line + starts[name]) for name, probe in writer.marks)
    orders = {ref: order for s in body.statements for ref, order in zip(s.results, s.orders, strict=True)}
    entering = dict(zip(blueprint.inputs, body.input_orders, strict=True))
    leaving = tuple({**entering, **orders}[ref] for ref in blueprint.outputs)
    return Module("\n".join(lines) + "\n", tuple(writer.transfers), probes, body.input_shapes, body.input_orders, leaving)


def write_body(
    writer: Writer,
    blueprint: Blueprint,
    bound: Mapping[str, Mapping[str, Bound]],
    name: str,
    module_path: str,
    layer_path: str,
    inputs: tuple[Shape, ...] | None,
) -> Body:
    """Write the class of one model, the models inside it first."""
    unknown = [spec for spec in blueprint.layers if spec.unknown]
    arriving = {call.layer: len(call.inputs) for call in blueprint.calls}
    forms = {spec.name: placeholder_form(spec, bound.get(spec.name, {}), arriving.get(spec.name, 1)) for spec in unknown}
    body = body_of(blueprint, bound, forms, inputs)
    names = attributes(body.statements)
    items: list[Item] = []
    done: set[str] = set()
    for statement in body.statements:
        layer = statement.call.layer
        module = statement.form.module
        attribute = names.get(layer, "")
        if layer not in done:
            done.add(layer)
            path = f"{module_path}{attribute}."
            if statement.form.nested is not None:
                inner = statement.form.nested
                inner_name = unique(class_name(layer), writer.names)
                module = module.replace("%class", inner_name)
                within = {spec.name: inner_binding(bound.get(layer, {}), spec.name) for spec in inner.layers}
                shapes = tuple(op_shape for op_shape in statement_input_shapes(body, statement))
                write_body(writer, inner, within, inner_name, path, f"{layer_path}{layer}/", shapes)
            for carry in statement.form.carries or ():
                writer.transfers.append(transfer(f"{layer_path}{layer}", carry, bound.get(layer, {}), path))
            writer.snippets |= set(statement.form.snippets)
        items.append(Item(statement, attribute, module))
    doc = (f"{blueprint.name or 'Model'}: {describe(body)}",)
    plan = ClassPlan(
        name, doc, tuple(items), blueprint.inputs, tuple(input_names(blueprint)), torch_shapes(body), blueprint.outputs
    )
    text = write_class(plan)
    writer.classes.append((name, text))
    made = {ref: (order, shape) for s in body.statements for ref, order, shape in zip(s.results, s.orders, s.shapes, strict=True)}
    for mark in text.marks:
        order, shape = made[mark.ref]
        layer = f"{layer_path}{mark.ref.layer}"
        probe = Probe(module_path.rstrip("."), mark.line, mark.variable, layer, mark.ref.call, mark.ref.index, order, shape)
        writer.marks.append((name, probe))
    return body


def statement_input_shapes(body: Body, statement: object) -> tuple[Shape, ...]:
    """Shapes of the tensors that enter a statement, in Keras order."""
    from regraft.emit.statements import Statement

    assert isinstance(statement, Statement)
    known: dict[object, Shape] = dict(zip(body.blueprint.inputs, body.input_shapes, strict=True))
    for other in body.statements:
        known.update(zip(other.results, other.shapes, strict=True))
    return tuple(known.get(operand.ref) for operand in statement.operands)


def torch_shapes(body: Body) -> tuple[Shape, ...]:
    """Shapes of the model's inputs in PyTorch order."""
    return tuple(order.shape(shape) for order, shape in zip(body.input_orders, body.input_shapes, strict=True))


def input_names(blueprint: Blueprint) -> list[str]:
    """Names of the arguments of ``forward``."""
    return ["inputs"] if len(blueprint.inputs) == 1 else [ref.layer for ref in blueprint.inputs]


def unique(name: str, taken: set[str]) -> str:
    """A class name not used yet in this file."""
    candidate, number = name, 2
    while candidate in taken or candidate in {"Model", "Tensor", "Placeholder"}:
        candidate, number = f"{name}{number}", number + 1
    taken.add(candidate)
    return candidate


def describe(body: Body) -> str:
    """The inputs of a model in words, with the Keras shape where the order differs."""
    parts = []
    for order, shape in zip(body.input_orders, body.input_shapes, strict=True):
        torch_shape = shown(order.shape(shape)) or "of unknown shape"
        parts.append(torch_shape if order.is_keras else f"{torch_shape} (Keras: {shown(shape)})")
    return "input " + ", ".join(parts)


def header(blueprint: Blueprint, body: Body, about: str, writer: Writer) -> list[str]:
    """Module docstring, imports and snippets."""
    snippets = needed(writer.snippets)
    code = "\n".join([*snippets.values(), *(line for _, text in writer.classes for line in text.lines)])
    imports = ["import math"] if "math." in code else []
    imports += ["import torch"] if "torch." in code else []
    functional = ["import torch.nn.functional as F"] if "F." in code else []
    lines = ['"""', comment(about), "", "Fill it with: model.load_state_dict(torch.load(\"model.pth\", weights_only=True)); model.eval()", '"""', ""]
    lines += ([*(i for i in imports if i == "import math"), ""]) if "import math" in imports else []
    lines += [i for i in imports if i != "import math"] + functional + ["from torch import Tensor, nn"]
    for text in snippets.values():
        lines += ["", "", *text.rstrip().splitlines()]
    return lines
