"""Blocks that repeat become a class of their own, with the channel counts as its arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from regraft.blueprint import Call, TensorRef
from regraft.emit.names import identifier
from regraft.emit.repeats import Repeat, best_repeat, channel_spans, common_prefix
from regraft.emit.source import ClassPlan, Item, named_axes, shown
from regraft.emit.statements import Operand, Statement
from regraft.layers import Form

MOST_CLASSES = 16


@dataclass(frozen=True)
class Block:
    """
    A class made of a repeated block.

    Attributes:
        plan: The class, written with the tensors of the first instance.
        instances: For each instance its attribute and its items, place by place as in ``plan.items``.
    """

    plan: ClassPlan
    instances: tuple[tuple[str, tuple[Item, ...]], ...]


@dataclass
class Folded:
    """Items after folding: what remains in the model's own class, and the classes of the blocks."""

    items: list[Item]
    blocks: list[Block] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    def paths(self) -> dict[str, str]:
        """For every layer with a module the path of that module, with its last dot."""
        found = {item.statement.call.layer: f"{item.attribute}." for item in self.items if item.attribute}
        for block in self.blocks:
            for attribute, items in block.instances:
                for own, item in zip(block.plan.items, items, strict=True):
                    found[item.statement.call.layer] = f"{attribute}.{own.attribute}."
        return found


def fold(items: Sequence[Item], outputs: Sequence[TensorRef], taken: set[str]) -> Folded:
    """Fold the most repeated block, then the next, until nothing repeats three times; ``taken`` are class names in use."""
    folded = Folded(list(items))
    while len(folded.blocks) < MOST_CLASSES:
        repeat = best_repeat(folded.items, outputs)
        if repeat is None:
            break
        fold_one(folded, repeat, outputs, taken)
    return folded


def fold_one(folded: Folded, repeat: Repeat, outputs: Sequence[TensorRef], taken: set[str]) -> None:
    """Replace every instance of one repeated block by a single item."""
    items = folded.items
    groups = [tuple(items[s : s + repeat.length]) for s in repeat.starts]
    inputs = [outside(group) for group in groups]
    result = leaving(items, repeat, outputs)
    names = inner_attributes(groups)
    arguments, modules = parameters(groups)
    class_name = unused(kind_of(groups[0]), taken)
    plan_items = tuple(
        replace(
            groups[0][k],
            attribute=names[k],
            module=modules[k],
            shape=merged_shape([g[k].statement for g in groups], arguments),
        )
        for k in range(repeat.length)
    )
    first = groups[0]
    plan = ClassPlan(
        name=class_name,
        doc=(
            f"Repeated {len(groups)} times, from {first[0].statement.call.layer} to {groups[-1][-1].statement.call.layer}.",
        ),
        items=plan_items,
        inputs=tuple(operand.ref for operand in inputs[0]),
        input_names=("inputs", "skip", "other")[: len(inputs[0])],
        input_shapes=("",) * len(inputs[0]),
        outputs=(first[result[0]].statement.results[result[1]],),
        arguments=tuple(f"{name}: int" for name in arguments),
        layer_names={item.statement.call.layer: name for item, name in zip(first, names, strict=True)},
    )
    own = instance_attributes(groups, class_name, folded)
    for start, group, attribute, operands in reversed(list(zip(repeat.starts, groups, own, inputs, strict=True))):
        values = ", ".join(str(arguments[name][groups.index(group)]) for name in arguments)
        statement = group[result[0]].statement
        form = Form(
            (f"%self({', '.join(f'%{i}' for i in range(len(operands)))})",), f"{class_name}({values})", carries=()
        )
        whole = Statement(
            Call(attribute, tuple(o.ref for o in operands)), form, tuple(operands), (None,) * len(operands),
            (statement.results[result[1]],), (statement.shapes[result[1]],), (statement.orders[result[1]],), None,
        )  # fmt: skip
        if not common_prefix([item.statement.call.layer for item in group]):
            folded.notes[attribute] = f"{group[0].statement.call.layer} to {group[-1].statement.call.layer}"
        folded.items[start : start + repeat.length] = [Item(whole, attribute, form.module, folded=True)]
    folded.blocks.append(Block(plan, tuple(zip(own, groups, strict=True))))


def outside(group: Sequence[Item]) -> list[Operand]:
    """The tensors a block receives, as they are outside: conversions happen inside."""
    made = {ref for item in group for ref in item.statement.results}
    found: dict[TensorRef, Operand] = {}
    for item in group:
        for operand in item.statement.operands:
            if operand.ref not in made:
                found.setdefault(operand.ref, replace(operand, want=operand.have))
    return list(found.values())


def leaving(items: Sequence[Item], repeat: Repeat, outputs: Sequence[TensorRef]) -> tuple[int, int]:
    """Place and output index of the tensor that leaves a block."""
    start, end = repeat.starts[0], repeat.starts[0] + repeat.length
    wanted = {operand.ref for item in items[end:] for operand in item.statement.operands} | set(outputs)
    for k in range(repeat.length):
        for index, ref in enumerate(items[start + k].statement.results):
            if ref in wanted:
                return k, index
    raise AssertionError("a repeated block has one result")


def inner_attributes(groups: Sequence[Sequence[Item]]) -> list[str]:
    """Attribute names inside the class: what the layer names of all instances share."""
    prefixes = [common_prefix([item.statement.call.layer for item in group]) for group in groups]
    used: set[str] = set()
    return [unused(identifier(inner_name(k, groups, prefixes)), used) for k in range(len(groups[0]))]


def inner_name(place: int, groups: Sequence[Sequence[Item]], prefixes: Sequence[str]) -> str:
    """
    The name of one layer inside a block.

    ``conv2_block1_1_conv`` in every ``conv2_block1_`` is ``conv_1``; ``conv2d_7`` without such a beginning is ``conv2d``.
    """
    names = [group[place].statement.call.layer for group in groups]
    rest = {name.removeprefix(prefix) for name, prefix in zip(names, prefixes, strict=True)}
    if len(rest) == 1 and all(prefixes):
        return re.sub(r"^(\d+)_(.+)$", r"\2_\1", rest.pop())
    stripped = {re.sub(r"[_\d]+$", "", name) for name in names}
    if len(stripped) == 1 and "" not in stripped:
        return stripped.pop()
    return re.sub(r"^nn\.|\(.*$", "", groups[0][place].module).lower() or "layer"


def instance_attributes(groups: Sequence[Sequence[Item]], class_name: str, folded: Folded) -> list[str]:
    """Attributes of the instances: the beginning their layer names share, else the class name with a number."""
    used = {item.attribute for item in folded.items} | {a for block in folded.blocks for a, _ in block.instances}
    wishes: list[str] = []
    for number, group in enumerate(groups, start=1):
        prefix = common_prefix([item.statement.call.layer for item in group]).rstrip("_/.")
        wishes.append(identifier(prefix) if prefix else f"{snake(class_name)}_{number}")
    if len(set(wishes)) < len(wishes) or used & set(wishes):
        wishes = [f"{snake(class_name)}_{number}" for number in range(1, len(groups) + 1)]
    return wishes


def snake(name: str) -> str:
    """``ResidualBlock2`` as ``residual_block2``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def parameters(groups: Sequence[Sequence[Item]]) -> tuple[dict[str, list[int]], list[str]]:
    """
    Channel counts that differ between instances become arguments; equal ones stay numbers.

    Returns:
        The arguments with their value for each instance, and the constructors with arguments filled in.
    """
    arguments: dict[str, list[int]] = {}
    modules: list[str] = []
    for k, item in enumerate(groups[0]):
        spans = [channel_spans(g[k].module) for g in groups]
        text, cut, pieces = item.module, 0, []
        for place, (start, end) in enumerate(spans[0]):
            values = [int(g[k].module[slice(*s[place])]) for g, s in zip(groups, spans, strict=True)]
            word = text[start:end]
            if len(set(values)) > 1:
                known = next((name for name, other in arguments.items() if other == values), None)
                word = known or new_argument(arguments, text, place)
                arguments.setdefault(word, values)
            pieces += [text[cut:start], word]
            cut = end
        modules.append("".join([*pieces, text[cut:]]))
    return arguments, modules


def new_argument(arguments: dict[str, list[int]], module: str, place: int) -> str:
    """A name for the next argument: ``in_channels`` for the first, then ``channels``, ``channels_2`` ..."""
    unit = "features" if "Linear" in module or "LSTM" in module else "channels"
    wish = f"in_{unit}" if place == 0 and not arguments else unit
    name, number = wish, 2
    while name in arguments:
        name, number = f"{wish}_{number}", number + 1
    return name


def kind_of(group: Sequence[Item]) -> str:
    """A class name that says what the block is."""
    code = [text for item in group for text in item.statement.form.outputs]
    modules = " ".join(item.module for item in group)
    if any(re.fullmatch(r"%\d( \+ %\d)+|F\.relu\(%\d( \+ %\d)+\)", text) for text in code):
        return "ResidualBlock"
    if any("torch.cat" in text for text in code):
        return "ConcatBlock"
    if "Conv" in modules:
        return "ConvBlock"
    return "DenseBlock" if "nn.Linear" in modules else "Block"


def unused(name: str, taken: set[str]) -> str:
    """A name that is not taken yet; it is then: ``Block2`` for a class, ``conv_2`` for an attribute."""
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}{'' if name[0].isupper() else '_'}{number}", number + 1
    taken.add(candidate)
    return candidate


def merged_shape(statements: Sequence[Statement], arguments: dict[str, list[int]]) -> str:
    """
    The shape of one result as a comment that holds for every instance of a block.

    An axis whose length differs is named after the argument that has these values, else after what it is.
    """
    shapes = [statement.shapes[0] for statement in statements]
    order = statements[0].orders[0]
    first = shapes[0]
    if first is None or any(shape is None or len(shape) != len(first) for shape in shapes):
        return ""
    common: list[int | None] = []
    names: dict[int, str] = {}
    for axis, lengths in enumerate(zip(*[shape or () for shape in shapes], strict=True)):
        common.append(lengths[0] if len(set(lengths)) == 1 else None)
        if common[-1] is None and axis:
            names[axis] = next((name for name, values in arguments.items() if values == list(lengths)), "")
    axes = named_axes(tuple(common), order) or ()
    places = order.axes or tuple(range(len(common)))
    return shown([names.get(axis) or text for axis, text in zip(places, axes, strict=True)])
