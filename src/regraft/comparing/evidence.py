"""What bears a cause out: the tensor of the module that it explains, and how far the Keras model is from it."""

from __future__ import annotations

from regraft.blueprint import Call, TensorRef
from regraft.comparing.finding import Index, fits, relative
from regraft.comparing.model import Model, Values
from regraft.comparing.walking import Walk

#: Operations that only move numbers.
QUIET = frozenset(
    "permute transpose reshape view flatten contiguous unsqueeze squeeze pad to float double movedim __getitem__ clone".split()
)


def counterpart(index: Index, values: Values, known: Walk, call: Call) -> int | None:
    """The module's tensor in the place of a result that it does not have: made of the same input, in a shape that fits."""
    ref = TensorRef(call.layer, call.call)
    starts = {known.found[r].number for r in call.inputs if r in known.found}
    if ref not in values or not starts:
        return None
    same = {n for r in call.inputs if r in values for n in index.equal(values[r])} | starts
    behind: set[int] = set()
    for number, made in enumerate(index.watched.made):
        if any(i in same or i in behind for i in made.inputs):
            if number in same:
                continue
            behind.add(number)
            if fits(values[ref], made.array) and made.operation not in QUIET:
                return number
    return None


def evidence(
    known: Walk, model: Model, new: Walk, old: Values, values: Values
) -> tuple[int | None, float | None, float]:
    """
    The tensor of the module that a mistake explains, and how far the Keras model is from it without and with it.

    That is the first tensor behind the mistake that was not found before and is now.
    """
    order = [(c.layer, c.call) for c in model.calls]
    refs = sorted(
        (r for r in values if r in new.found and r not in new.weak and r not in known.found),
        key=lambda r: order.index((r.layer, r.call)) if (r.layer, r.call) in order else -1,
    )
    near = [r for r in refs if r in old and old[r].shape == values[r].shape]
    if not near and not refs:
        ends = [e for e in new.outputs if e is not None]
        had = [e for e in known.outputs if e is not None]
        return None, max(had, default=None), max(ends, default=0.0)
    ref = (near or refs)[0]
    before_ = relative(old[ref], values[ref]) if ref in old and old[ref].shape == values[ref].shape else None
    return new.found[ref].number, before_, new.found[ref].error
