"""
Work in place, where a person writes it so: ReLU behind a convolution, a BatchNorm or a sum, and ``x += inputs``.

It saves a tensor of the size of the map: a fifth of the time of MobileNetV2 on a CPU. A tensor may be overwritten if it
was made by an operation that does not need its own result for the gradient, and if no other line looks at it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from regraft.blueprint import Shape, TensorRef
from regraft.emit.source import Item

ACTIVATION = re.compile(r"F\.relu6?\(%0\)")
SUM = re.compile(r"%\d+( \+ %\d+)+")
#: Modules that give a new tensor and keep only their input for the gradient.
MAKERS = ("nn.Conv", "nn.Sequential(nn.Conv", "nn.BatchNorm", "nn.Linear")


def in_place(items: Sequence[Item], outputs: Sequence[TensorRef]) -> list[Item]:
    """
    Let ReLU and sums overwrite an input where nothing can tell the difference.

    Args:
        items: The statements of one class.
        outputs: The tensors it returns; they are read too.
    """
    reads = Counter(outputs)
    for item in items:
        reads.update(operand.ref for operand in item.statement.operands)
        reads.update(ref for ref in item.statement.masks if ref is not None)
    fresh = {item.statement.results[0]: item.statement.shapes[0] for item in items if gives_new(item)}
    private = {ref: shape for ref, shape in fresh.items() if reads[ref] == 1}
    return [overwriting(item, private) for item in items]


def overwriting(item: Item, private: Mapping[TensorRef, Shape]) -> Item:
    """The same statement, in place if it is one that may overwrite a tensor of ``private``."""
    statement, form = item.statement, item.statement.form
    text, operands = form.outputs[0], statement.operands
    if ACTIVATION.fullmatch(text) and operands[0].ref in private:
        own = replace(form, outputs=(f"{text.removesuffix(')')}, inplace=True)",))
        return replace(item, statement=replace(statement, form=own))
    shape = statement.shapes[0]
    if text in ("%0 + %1", "%1 + %0") and shape is not None and None not in shape[1:]:
        # Only a tensor that already has the size of the sum; of an axis that varies it is not known.
        alike = [i for i, o in enumerate(operands) if private.get(o.ref) == shape and o.have == o.want]
        return replace(item, overwrites=alike[-1]) if alike else item
    return item


def gives_new(item: Item) -> bool:
    """Whether a statement makes a tensor that only its readers need."""
    form = item.statement.form
    text = form.outputs[0]
    called = item.module.startswith(MAKERS) and text.startswith("%self(") and closes_last(text)
    return len(form.outputs) == 1 and not form.before and (called or bool(SUM.fullmatch(text)))


def closes_last(text: str) -> bool:
    """
    Whether the first bracket of an expression is closed by its last character.

    >>> closes_last("%self(F.pad(%0, (1, 1)))"), closes_last("%self(%0).mean((2, 3))")
    (True, False)
    """
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == ")" and depth == 0:
            return place == len(text) - 1
    return False


__all__ = ["in_place"]
