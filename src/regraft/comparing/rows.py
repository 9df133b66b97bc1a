"""A comparison as rows: each layer with its counterpart, the first divergent one, and the causes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from regraft.blueprint import Call, TensorRef
from regraft.comparing.diagnosing import Cause
from regraft.comparing.evidence import counterpart
from regraft.comparing.finding import Index, difference
from regraft.comparing.running import Pair
from regraft.graft.watching import Made, defined_at, shown
from regraft.report.compared import CauseRow, ComparedRow, DivergenceRow

#: Mistakes that stand where a layer should be, and not in one.
BETWEEN = frozenset({"missing activation", "missing layer", "missing connection", "extra activation"})
#: Mistakes that stand in the line that makes a module, or in what it was filled with.
IN_MODULE = frozenset(
    "padding|padding side|stride|stride placement|dilation|kind of pool|count_include_pad|epsilon|groups|weight transposed|"
    "kernel flipped|missing bias|bias|channel order|batch norm in training mode|batch norm statistics|gamma and beta|"
    "gate order|recurrent bias|reset_after|layers exchanged|normalisation axis|directions exchanged|embedding offset|"
    "query, key and value|kernels exchanged|activation of gates|upsampling".split("|")
)


def rows_of(pair: Pair, index: Index) -> Iterator[ComparedRow]:
    """One row for each layer, in the order in which the Keras model runs."""
    found = pair.diagnosis
    assert found.base is not None  # set when the search began
    model, values, first = found.base
    blamed = {cause.mistake.layer for cause in found.causes}
    unknown = {call.layer for call in found.unknown}
    for call in model.calls:
        ref = TensorRef(call.layer, call.call)
        spec = model.spec(call)
        seen = found.walk.found.get(ref) or first.found.get(ref)
        number = seen.number if seen is not None else found.stand_ins.get(ref)
        made = made_at(pair, number)
        array = values.get(ref)
        off = None if array is None or number is None else error_of(index, array, number, first.found.get(ref))
        culprit = call.layer in blamed or call.layer in unknown
        alone = None if seen is None else seen.error
        if culprit:
            alone = next(
                (c.before for c in found.causes if c.mistake.layer == call.layer and c.before is not None), off
            )
        right = found.walk.right.get((call.layer, call.call))
        how = (
            ""
            if seen is None and number is None
            else "mistake"
            if culprit
            else "values"
            if seen is not None
            else "structure"
        )
        note = "" if number is not None else "not seen by itself in the module" if right else "no counterpart found"
        yield ComparedRow(
            call.layer, spec.type, made.module if made else "", shown(made.where) if made else "", how,
            () if array is None else tuple(array.shape), off, alone,
            False if culprit else True if right else None, note,
        )  # fmt: skip


def error_of(index: Index, array: np.ndarray, number: int, seen: Any) -> float | None:
    """How far a tensor of the module is from that of Keras."""
    if seen is not None and seen.number == number:
        return seen.error
    return difference(array, index.array(number))


def made_at(pair: Pair, number: int | None) -> Made | None:
    """A tensor of the module by its number; None for its inputs."""
    return pair.watched.made[number] if number is not None and 0 <= number < len(pair.watched.made) else None


def divergence(pair: Pair, index: Index) -> DivergenceRow | None:
    """The first layer that differs in the run without any mistake."""
    found = pair.diagnosis
    assert found.base is not None
    model, values, known = found.base
    if known.first >= len(model.calls):
        return random_divergence(pair)
    call = model.calls[known.first]
    own = [c for c in found.causes if c.divergent.layer == call.layer]
    blamed = {c.mistake.layer for c in own}
    # What only moves numbers shows behind it: the layer that is to blame stands in front.
    call = next((c for c in model.calls[: known.first] if c.layer in blamed), call)
    ref = TensorRef(call.layer, call.call)
    cause = next((c for c in own if c.mistake.layer == call.layer), None)
    numbers = [known.found[ref].number] if ref in known.found else []
    numbers += [c.number for c in own if c.number is not None]
    numbers += [n for n in [counterpart(index, values, known, call)] if n is not None]
    errors = [difference(values[ref], index.array(n)) for n in numbers] if ref in values else []
    off = next((e for e in errors if e is not None and e > 0), None)
    made = place_of(pair, cause, call) if cause is not None else made_at(pair, numbers[0] if numbers else None)
    made = made or entering(pair, call)
    return DivergenceRow(
        call.layer, model.spec(call).type, made.module if made else "", shown(made.where) if made else "",
        max((known.found[r].error for r in call.inputs if r in known.found), default=0.0), off,
    )  # fmt: skip


def entering(pair: Pair, call: Call) -> Made | None:
    """The module's tensor that enters a layer: what is missing is missing behind it."""
    base = pair.diagnosis.base
    assert base is not None
    for walk in (base[2], pair.diagnosis.walk):
        for ref in call.inputs:
            if ref in walk.found and (made := made_at(pair, walk.found[ref].number)) is not None:
                return made
    return None


def cause_rows(pair: Pair, twin: Any, tolerance: float) -> Iterator[CauseRow]:
    """Every mistake that was found, with the place in the user's code."""
    base = pair.diagnosis.base
    assert base is not None
    calls = {call.layer: call for call in base[0].calls}
    for cause in pair.diagnosis.causes:
        mistake = cause.mistake
        if cause.before is not None and cause.before <= tolerance:
            continue  # the same number in single and in double precision
        made = place_of(pair, cause, calls.get(mistake.layer))
        module = made.module if made is not None else ""
        where = made.where if made is not None else None
        if mistake.what in IN_MODULE and module:
            where = defined_at(twin, module) or where
        name = as_code(module)
        yield CauseRow(
            mistake.layer, module, shown(where), mistake.what, mistake.words, "values", cause.before, cause.after,
            mistake.change.format(module=name),
        )  # fmt: skip
    if pair.random is not None:
        yield random_row(pair, pair.random)


def as_code(module: str) -> str:
    """
    The path of a module as a person writes it.

    >>> as_code("features.0.conv"), as_code("")
    ('model.features[0].conv', 'the forward')
    """
    steps = [f"[{name}]" if name.isdigit() else f".{name}" for name in module.split(".")]
    return f"model{''.join(steps)}" if module else "the forward"


def place_of(pair: Pair, cause: Cause, call: Call | None) -> Made | None:
    """The module's tensor at which a mistake stands."""
    here = None
    if call is not None:
        seen = pair.diagnosis.walk.found.get(TensorRef(call.layer, call.call))
        here = made_at(pair, seen.number) if seen is not None else None
        if cause.mistake.what in BETWEEN or here is None:
            here = entering(pair, call) or here
    return here or made_at(pair, cause.number)


def random_call(pair: Pair) -> Call | None:
    """The layer of Keras at which the module is random: behind the last tensor that both made before, a dropout first."""
    base = pair.diagnosis.base
    assert base is not None
    model, _, known = base
    numbers = [
        (seen.number, place)
        for place, call in enumerate(model.calls)
        if (seen := known.found.get(TensorRef(call.layer, call.call))) is not None and seen.number < pair.random_at
    ]
    if not numbers:
        return model.calls[0] if model.calls else None
    last = model.calls[max(numbers)[1]]
    behind = model.blueprint.consumers.get(TensorRef(last.layer, last.call), ())
    return next((call for call in behind if "Dropout" in model.spec(call).type), last)


def random_divergence(pair: Pair) -> DivergenceRow | None:
    """The same as the first layer that differs, where nothing else does."""
    call = random_call(pair) if pair.random is not None else None
    if call is None or pair.random is None:
        return None
    kind = pair.diagnosis.model.spec(call).type
    return DivergenceRow(call.layer, kind, pair.random.module, shown(pair.random.where), 0.0, pair.spread)


def random_row(pair: Pair, made: Made) -> CauseRow:
    """Dropout, or whatever else is another one at every run."""
    dropped = "dropout" in made.operation
    name = as_code(made.module)
    call = random_call(pair)
    return CauseRow(
        call.layer if call else "", made.module, shown(made.where), "dropout active" if dropped else "random numbers",
        f"{made.operation} gives other numbers at every run; Keras' model gives the same ones", "values", pair.spread, 0.0,
        f"pass training=self.training to it in {name}, and call model.eval()" if dropped else f"take it out of {name}",
    )  # fmt: skip
