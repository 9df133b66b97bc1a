"""The tensors of the Keras model among those of the module, layer by layer: how far the two are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regraft.blueprint import Call, TensorRef, all_refs
from regraft.comparing.finding import Found, Index, alike, difference, finite, moments_of
from regraft.comparing.model import Model, Values

Key = tuple[str, int]


@dataclass(frozen=True)
class Walk:
    """
    What of a Keras model is found in a module.

    Attributes:
        found: By tensor, the module's tensor with its numbers; absent if there is none.
        weak: Tensors that are found and show nothing: they are what entered their layer or the module, or one number throughout.
        right: By call, whether its result is found, or all that is made of it.
        outputs: Largest difference of each output; None where there is no counterpart.
        first: Place of the first call that is not right, among the calls; their number if all are.
    """

    found: Mapping[TensorRef, Found]
    weak: frozenset[TensorRef]
    right: Mapping[Key, bool]
    outputs: tuple[float | None, ...]
    first: int

    def strong(self, calls: Sequence[Call]) -> bool:
        """Whether some call made something new that the module made too."""
        return any(ref in self.found and ref not in self.weak for ref in (TensorRef(c.layer, c.call) for c in calls))


def walk(
    model: Model,
    values: Values,
    index: Index,
    tolerance: float,
    *,
    calls: Sequence[Call] | None = None,
    whole: bool = True,
    excused: frozenset[Key] = frozenset(),
) -> Walk:
    """
    Look for every tensor of a run in the module's.

    Args:
        model: The Keras model.
        values: Its tensors.
        index: Those of the module.
        tolerance: Relative difference up to which two outputs are equal.
        calls: A part of the model's, in running order.
        whole: Whether the model's outputs are compared too; a part has none.
        excused: Calls that are known to differ, and whose results the model takes from the module.
    """
    calls = model.calls if calls is None else calls
    found: dict[TensorRef, Found] = {}
    for ref in dict.fromkeys((*values,)):
        if (seen := index.find(values[ref])) is not None:
            found[ref] = seen
    outputs = ends(model, values, index) if whole else ()
    done = whole and all(error is not None and error <= tolerance for error in outputs)
    good_end = {
        ref: error is not None and error <= tolerance
        for ref, error in (zip(model.blueprint.outputs, outputs, strict=False) if whole else ())
    }
    right: dict[Key, bool] = {}
    weak: set[TensorRef] = set()
    taken: dict[Key, list[Call]] = {}
    for call in calls:
        for ref in all_refs(call):
            taken.setdefault((ref.layer, ref.call), []).append(call)
    for call in reversed(calls):
        key = (call.layer, call.call)
        refs = [ref for ref in values if (ref.layer, ref.call) == key] or [TensorRef(*key)]
        behind = taken.get(key, [])
        later = bool(behind) and all(right[c.layer, c.call] for c in behind)
        ended = [good_end[ref] for ref in refs if ref in good_end]
        seen = any(ref in found for ref in refs)
        for ref in refs:
            if ref not in found:
                continue
            passed = any(r in values and same(values[r], values[ref], index) for r in all_refs(call))
            if passed or found[ref].number < 0 or constant(values[ref]):
                weak.add(ref)
        right[key] = (seen or later or done or (bool(ended) and not behind)) and all(ended)
        if (ended and all(ended) and not behind) or key in excused or idle(model, call):
            right[key] = True
    first = next((i for i, call in enumerate(calls) if not right[call.layer, call.call]), len(calls))
    return Walk(found, frozenset(weak), right, outputs, first)


def idle(model: Model, call: Call) -> bool:
    """Whether no output rests on what a call makes: a mistake has left it out."""
    return (call.layer, call.call) not in model.needed


def constant(array: np.ndarray) -> bool:
    """Whether it is one number throughout, which many a formula makes: what a dead ReLU leaves."""
    return array.size > 1 and bool((array == array.flat[0]).all())


def same(entering: np.ndarray, leaving: np.ndarray, index: Index) -> bool:
    """Whether a layer passes on the numbers that it takes."""
    if entering.size != leaving.size or not entering.size:
        return False
    if not alike(moments_of(finite(entering)), moments_of(finite(leaving)), index.tolerance):
        return False
    a, b = np.sort(finite(entering), axis=None), np.sort(finite(leaving), axis=None)  # masks are no numbers yet
    return float(np.abs(a - b).max()) <= index.tolerance * max(float(np.abs(a).max()), 1e-30)


def ends(model: Model, values: Values, index: Index) -> tuple[float | None, ...]:
    """The outputs of both, in order."""
    ours = [values[ref] for ref in model.blueprint.outputs]
    theirs = index.watched.outputs
    return tuple(
        difference(ours[i], theirs[i]) if i < min(len(ours), len(theirs)) else None
        for i in range(max(len(ours), len(theirs)) if len(theirs) < len(ours) else len(ours))
    )
