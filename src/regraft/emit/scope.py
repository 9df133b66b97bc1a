"""Variable names inside one ``forward``: ``x`` for what the next line takes, the layer's name for what lives longer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from regraft.blueprint import TensorRef
from regraft.emit.names import identifier
from regraft.emit.statements import Statement

TOKEN = re.compile(r"%(\w+)")


@dataclass
class Scope:
    """Names of tensors and masks in one function."""

    tensors: dict[TensorRef, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def fresh(self, wish: str) -> str:
        """A name that nothing else in this function has."""
        name, number = identifier(wish), 2
        while name in self.taken:
            name, number = f"{identifier(wish)}_{number}", number + 1
        self.taken.add(name)
        return name


def texts(statement: Statement) -> list[str]:
    """Every piece of code of a statement's forward."""
    return [*statement.form.before, *statement.form.outputs, statement.form.mask]


def tokens(statement: Statement) -> set[str]:
    """Tokens that a statement's code mentions, its mask left out."""
    return {t for text in (*statement.form.before, *statement.form.outputs) for t in TOKEN.findall(text)}


def is_alias(statement: Statement) -> bool:
    """Whether the statement only gives its input another name (a linear activation)."""
    form = statement.form
    return (
        form.outputs == ("%0",)
        and not form.before
        and not form.module
        and statement.operands[0].have == statement.operands[0].want
    )


def needed_masks(statements: Sequence[Statement]) -> set[TensorRef]:
    """Tensors whose mask somebody uses; the others are not computed."""
    needed: set[TensorRef] = set()
    for statement in reversed(statements):
        used = tokens(statement)
        if "mask" in used:
            needed.add(statement.results[0])
        if statement.form.mask and statement.results[0] in needed:
            used |= set(TOKEN.findall(statement.form.mask))
        needed |= {mask for i, mask in enumerate(statement.masks) if mask is not None and f"m{i}" in used}
    return needed


def aliases(statements: Sequence[Statement]) -> dict[TensorRef, TensorRef]:
    """For every tensor that is another one under a new name, that one."""
    found: dict[TensorRef, TensorRef] = {}
    for statement in statements:
        if is_alias(statement):
            ref = statement.operands[0].ref
            found[statement.results[0]] = found.get(ref, ref)
    return found


def name_tensors(
    inputs: Sequence[TensorRef],
    statements: Sequence[Statement],
    outputs: Sequence[TensorRef],
    argument_names: Sequence[str],
    layer_names: Mapping[str, str] | None = None,
) -> Scope:
    """
    Name every tensor of a function.

    A tensor is ``x`` if exactly the next line takes it and nothing later does; else it bears its layer's name, or the one
    that ``layer_names`` has for it.
    """
    scope = Scope(
        taken={t for s in statements for text in texts(s) for t in TOKEN.findall(text) if not t.isdigit()}
        | {"x", "self"}
        # A tensor of a layer with its default name, such as ``center_crop``, must not hide the function of that name.
        | {name for s in statements for name in s.form.snippets}
    )
    other = aliases(statements)
    lines = [s for s in statements if not is_alias(s)]
    masks = needed_masks(statements)
    # A mask that is a tensor of its own, not one that a layer makes beside its output.
    tensor_masks = masks - {s.results[0] for s in statements if s.form.mask}
    uses: dict[TensorRef, list[int]] = {}
    for i, statement in enumerate(lines):
        mentioned = tokens(statement)
        if statement.form.mask and statement.results[0] in masks:
            mentioned |= set(TOKEN.findall(statement.form.mask))
        for place, operand in enumerate(statement.operands):
            if str(place) in mentioned:
                uses.setdefault(other.get(operand.ref, operand.ref), []).append(i)
        for place, ref in enumerate(statement.masks):
            if ref is not None and f"m{place}" in mentioned and ref in tensor_masks:
                uses.setdefault(other.get(ref, ref), []).append(i)
    for ref in outputs:
        uses.setdefault(other.get(ref, ref), []).append(len(lines))
    for ref, wish in zip(inputs, argument_names, strict=True):
        short = len(inputs) == 1 and set(uses.get(ref, [0])) == {0}
        scope.tensors[ref] = "x" if short else scope.fresh(wish)
    for i, statement in enumerate(lines):
        for ref in statement.results:
            used = set(uses.get(ref, []))
            short = len(statement.results) == 1 and used <= {i + 1}
            layer = (layer_names or {}).get(ref.layer, ref.layer)
            wish = layer if not ref.index else f"{layer}_{ref.index}"
            scope.tensors[ref] = "x" if short else scope.fresh(wish)
    for alias, ref in other.items():
        scope.tensors[alias] = scope.tensors[ref]
    return scope
