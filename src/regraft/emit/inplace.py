"""
ReLU in place, where a person writes it so: behind a convolution, a BatchNorm or a sum that nothing else reads.

It saves a tensor of the size of the map: a fifth of the time of MobileNetV2 on a CPU. A tensor may be overwritten if it
was made by an operation that does not need its own result for the gradient, and if no other line looks at it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from regraft.blueprint import TensorRef
from regraft.emit.source import Item

ACTIVATION = re.compile(r"F\.relu6?\(%0\)")
SUM = re.compile(r"%\d+( \+ %\d+)+")
#: Modules that give a new tensor and keep only their input for the gradient.
MAKERS = ("nn.Conv", "nn.Sequential(nn.Conv", "nn.BatchNorm", "nn.Linear")


def relu_in_place(items: Sequence[Item], outputs: Sequence[TensorRef]) -> list[Item]:
    """
    Let ReLU overwrite its input where nothing can tell the difference.

    Args:
        items: The statements of one class.
        outputs: The tensors it returns; they are read too.
    """
    reads = Counter(outputs)
    for item in items:
        reads.update(operand.ref for operand in item.statement.operands)
        reads.update(ref for ref in item.statement.masks if ref is not None)
    fresh = {item.statement.results[0] for item in items if gives_new(item)}
    private = {ref for ref in fresh if reads[ref] == 1}
    return [overwriting(item) if may_overwrite(item, private) else item for item in items]


def may_overwrite(item: Item, private: set[TensorRef]) -> bool:
    """Whether a statement is a ReLU, and the only reader of a tensor that may be overwritten."""
    form, operands = item.statement.form, item.statement.operands
    return bool(ACTIVATION.fullmatch(form.outputs[0])) and operands[0].ref in private


def overwriting(item: Item) -> Item:
    """The same ReLU in place."""
    form = item.statement.form
    text = f"{form.outputs[0].removesuffix(')')}, inplace=True)"
    return replace(item, statement=replace(item.statement, form=replace(form, outputs=(text,))))


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


__all__ = ["relu_in_place"]
