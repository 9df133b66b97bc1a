"""Blueprint and binding to one Python file, its transfer plan, and the places where each tensor can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from regraft.blueprint import Blueprint, LayerSpec, Shape, TensorRef, all_refs
from regraft.emit.fold import Block, fold
from regraft.emit.header import header
from regraft.emit.inlining import masked_models_inlined
from regraft.emit.inplace import in_place
from regraft.emit.names import class_name
from regraft.emit.placeholder import placeholder_bound, placeholder_form
from regraft.emit.plan import Transfer, transfer
from regraft.emit.snippet import named_by_user, needed
from regraft.emit.snippet import selftest as end_of_file
from regraft.emit.source import ClassPlan, ClassText, Item, Mark, attributes, named_axes, shown, write_class
from regraft.emit.statements import Body, Statement, body_of
from regraft.errors import UnknownLayerError
from regraft.layers import AxisOrder, Form
from regraft.layers.binding import Binding, Bound, inner_binding
from regraft.layers.taken_masks import uses_without_mask
from regraft.layers.walk import used_outputs


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
    """
    An emitted module: its source text, how its parameters are filled, where its tensors can be seen.

    ``selftest`` says whether the text ends with the self-test.
    """

    source: str
    transfers: tuple[Transfer, ...]
    probes: tuple[Probe, ...]
    input_shapes: tuple[Shape, ...]
    input_orders: tuple[AxisOrder, ...]
    output_orders: tuple[AxisOrder, ...]
    selftest: bool = False


@dataclass(frozen=True)
class Place:
    """Where a class is used: the path of its module, and of its Keras layer, each empty or with its separator."""

    module: str = ""
    layer: str = ""


@dataclass
class Writer:
    """Collects the classes of one file while the models inside the model are walked."""

    classes: list[tuple[str, ClassText]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    snippets: set[str] = field(default_factory=set)
    transfers: list[Transfer] = field(default_factory=list)
    marks: list[tuple[str, Probe]] = field(default_factory=list)


def emit(
    blueprint: Blueprint, binding: Binding, about: str, weights: str = "model.pth", *, selftest: bool = False
) -> Module:
    """
    Write the module of a blueprint.

    Args:
        blueprint: The architecture.
        binding: Its variables.
        about: One line for the head of the file: where it was converted from.
        weights: Name of the file that will hold the parameters: ``model.pth`` or ``model.safetensors``.
        selftest: Whether the file can be run to check itself; never where a layer has no code yet.
    """
    writer = Writer()
    kept = {name: placeholder_bound(variables) for name, variables in binding.placeholders.items()}
    bound = {**binding.layers, **kept}
    body = write_body(writer, blueprint, bound, "Model", Place(), None)
    blueprint = body.blueprint
    code = [line for _, text in writer.classes for line in text.lines]
    tail = end_of_file(weights) if selftest and "Placeholder" not in writer.snippets else []
    lines = header(blueprint, about, weights, code, needed(writer.snippets), selftest=bool(tail))
    starts: dict[str, int] = {}
    for name, text in writer.classes:
        lines += ["", ""]
        starts[name] = len(lines)
        lines += text.lines
    lines += ["", "", *tail] if tail else []
    probes = tuple(replace(probe, line=probe.line + starts[name]) for name, probe in writer.marks)
    orders = {ref: order for s in body.statements for ref, order in zip(s.results, s.orders, strict=True)}
    entering = dict(zip(blueprint.inputs, body.input_orders, strict=True))
    leaving = tuple({**entering, **orders}[ref] for ref in blueprint.outputs)
    return Module(
        "\n".join(lines) + "\n",
        tuple(writer.transfers),
        probes,
        body.input_shapes,
        body.input_orders,
        leaving,
        bool(tail),
    )


def write_body(
    writer: Writer,
    blueprint: Blueprint,
    bound: Mapping[str, Mapping[str, Bound]],
    name: str,
    at: Place,
    inputs: tuple[Shape, ...] | None,
) -> Body:
    """Write the class of one model: the models inside it and its repeated blocks first."""
    bare = uses_without_mask(blueprint)
    blueprint, bound = masked_models_inlined(blueprint, bound)
    forms = {spec.name: placeholder(blueprint, spec, bound) for spec in blueprint.layers if spec.unknown}
    body = body_of(blueprint, bound, forms, inputs, bare)
    names = attributes(body.statements)
    nested = {s.call.layer: s for s in reversed(body.statements) if s.form.nested is not None}
    classes = {
        layer: unique(class_name(s.form.nested.name or layer), writer.names)
        for layer, s in nested.items()
        if s.form.nested
    }
    items = [
        Item(s, names.get(s.call.layer, ""), s.form.module.replace("%class", classes.get(s.call.layer, "")))
        for s in body.statements
    ]
    folded = fold(in_place(items, blueprint.outputs), blueprint.outputs, writer.names)
    paths = folded.paths()
    for layer, statement in nested.items():
        inner = statement.form.nested
        assert inner is not None
        within = {spec.name: inner_binding(bound.get(layer, {}), spec.name) for spec in inner.layers}
        inside = Place(f"{at.module}{paths[layer]}", f"{at.layer}{layer}/")
        entering = statement.form.nested_inputs or operand_shapes(body, statement)
        try:
            write_body(writer, inner, within, classes[layer], inside, entering)
        except UnknownLayerError as error:
            error.layers = (layer, *error.layers) if error.layers else ()
            raise
    done: set[str] = set()
    for statement in body.statements:
        layer = statement.call.layer
        writer.snippets |= helpers(statement.form)
        if layer not in done:
            done.add(layer)
            for carry in statement.form.carries or ():
                prefix = f"{at.module}{paths.get(layer, '')}"
                writer.transfers.append(transfer(f"{at.layer}{layer}", carry, bound.get(layer, {}), prefix))
    for block in folded.blocks:
        write_block(writer, block, at)
    plan = ClassPlan(
        name,
        described(blueprint, body),
        tuple(folded.items),
        blueprint.inputs,
        tuple(input_names(blueprint)),
        torch_shapes(body),
        blueprint.outputs,
        notes=folded.notes,
    )
    text = write_class(plan)
    writer.classes.append((name, text))
    made = results_of(folded.items)
    for mark in text.marks:
        if mark.ref in made:
            writer.marks.append((name, probe(mark, made[mark.ref], mark.ref, at.module.rstrip("."), at.layer)))
    return body


def helpers(form: Form) -> set[str]:
    """The helpers that a form lists, and those of the user's file that it mentions."""
    return {
        *form.snippets,
        *(name for code in (form.module, *form.before, *form.outputs) for name in named_by_user(code)),
    }


def placeholder(blueprint: Blueprint, spec: LayerSpec, bound: Mapping[str, Mapping[str, Bound]]) -> Form:
    """The form of a layer that cannot be converted, with as many inputs and outputs as its calls have."""
    calls = [call for call in blueprint.calls if call.layer == spec.name]
    inputs = max((len(all_refs(call)) for call in calls), default=1)
    outputs = max((used_outputs(blueprint, call) for call in calls), default=1)
    return placeholder_form(spec, bound.get(spec.name, {}), inputs, outputs)


def write_block(writer: Writer, block: Block, at: Place) -> None:
    """Write the class of a repeated block, and note where the tensors of each instance can be seen."""
    text = write_class(block.plan)
    writer.classes.append((block.plan.name, text))
    template = [ref for item in block.plan.items for ref in item.statement.results]
    for attribute, items in block.instances:
        made = results_of(items)
        own = dict(zip(template, made, strict=True))
        for mark in text.marks:
            ref = own[mark.ref]
            writer.marks.append((block.plan.name, probe(mark, made[ref], ref, f"{at.module}{attribute}", at.layer)))


def results_of(items: Sequence[Item]) -> dict[TensorRef, tuple[AxisOrder, Shape]]:
    """Axis order and shape of every tensor that plain statements make; folded blocks report their own."""
    return {
        ref: (order, shape)
        for item in items
        for ref, order, shape in zip(item.statement.results, item.statement.orders, item.statement.shapes, strict=True)
    }


def probe(mark: Mark, made: tuple[AxisOrder, Shape], ref: TensorRef, module: str, layer_path: str) -> Probe:
    """A mark in one instance of its class."""
    order, shape = made
    return Probe(module, mark.line, mark.variable, f"{layer_path}{ref.layer}", ref.call, ref.index, order, shape)


def operand_shapes(body: Body, statement: Statement) -> tuple[Shape, ...]:
    """Shapes of the tensors that enter a statement, in Keras order."""
    known = dict(zip(body.blueprint.inputs, body.input_shapes, strict=True))
    for other in body.statements:
        known.update(zip(other.results, other.shapes, strict=True))
    return tuple(known.get(operand.ref) for operand in statement.operands)


def torch_shapes(body: Body) -> tuple[str, ...]:
    """Shapes of the model's inputs in PyTorch order, as comments."""
    return tuple(
        shown(named_axes(shape, order)) for order, shape in zip(body.input_orders, body.input_shapes, strict=True)
    )


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


def described(blueprint: Blueprint, body: Body) -> tuple[str, ...]:
    """The docstring of a model: its inputs, with the Keras shape where the order of the axes differs."""
    texts: list[str] = []
    for order, shape in zip(body.input_orders, body.input_shapes, strict=True):
        torch_shape = shown(named_axes(shape, order)) or "of unknown shape"
        keras = shown(named_axes(shape, AxisOrder(()))) if not order.is_keras else ""
        texts.append(f"{torch_shape}, channels first; {keras} in Keras" if keras else torch_shape)
    name = blueprint.name or "Model"
    if len(texts) == 1:
        return (f"{name}: input {texts[0]}.",)
    rows = [f"    {ref.layer}: {text}" for ref, text in zip(blueprint.inputs, texts, strict=True)]
    return (f"{name}.", "", "Inputs:", *rows)
