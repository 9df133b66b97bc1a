"""What goes wrong where tensors meet: their order, the operation, a way that is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

from regraft.blueprint import TensorRef
from regraft.comparing.mistakes.functions import FUNCTIONS
from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.mistakes.windows import again
from regraft.comparing.model import Model

ALIKE = ("Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum")
MOST = 4


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes where several tensors are taken."""
    inputs = place.call.inputs
    if not 2 <= len(inputs) <= MOST:
        return
    for order in permutations(range(len(inputs))):
        if order != tuple(range(len(inputs))):
            names = ", ".join(inputs[i].layer for i in order)
            yield Mistake(
                "input order", place.name, f"takes {names}; Keras takes {', '.join(r.layer for r in inputs)}",
                f"take them in the order {', '.join(r.layer for r in inputs)} in {{module}}",
                lambda model, order=order: ordered(model, place, order),
            )  # fmt: skip
    kind = place.spec.type
    if kind in ALIKE:
        yield from functions_in_front(place)
        for other in ALIKE:
            if other != kind and (len(inputs) == 2 or other != "Subtract"):
                yield place.other(
                    "operation", f"computes {other}; Keras computes {kind}", f"{kind.lower()} there", other
                )
        for number, ref in enumerate(inputs):
            rest = [r.layer for i, r in enumerate(inputs) if i != number]
            if len(inputs) == 2:
                yield Mistake(
                    "missing connection", place.name, f"takes {ref.layer} alone; Keras takes {' and '.join(rest)} as well",
                    f"{kind.lower()} {rest[0]} there", lambda model, ref=ref: model.rewired({place.ref: ref}),
                )  # fmt: skip
            elif len(inputs) > 2:
                yield Mistake(
                    "missing connection", place.name, f"leaves {ref.layer} out; Keras takes it",
                    f"{kind.lower()} {ref.layer} there", lambda model, number=number: without(model, place, number),
                )  # fmt: skip
    if kind == "Dot":
        other = not place.spec.config.get("normalize")
        yield place.setting(
            "normalised", f"{'divides' if other else 'does not divide'} by the lengths; Keras {'does not' if other else 'does'}",
            "F.normalize(x, dim=-1) of both" if not other else "no F.normalize there", normalize=other,
        )  # fmt: skip


def functions_in_front(place: Place) -> Iterator[Mistake]:
    """The function behind a merge applied to one of what it takes, or to each, in front of it."""
    behind = place.model.blueprint.consumers.get(place.ref, ())
    if len(behind) != 1 or len(behind[0].inputs) != 1 or place.model.spec(behind[0]).type not in FUNCTIONS:
        return
    function, spec = behind[0], place.model.spec(behind[0])
    choices = [((i,), ref.layer) for i, ref in enumerate(place.call.inputs)]
    for numbers, told in (*choices, (tuple(range(len(place.call.inputs))), "each of what it takes")):

        def made(model: Model, numbers: tuple[int, ...] = numbers) -> Model:
            for number in numbers:
                front = replace(spec, name=f"{function.layer}/of_{number}")
                model = model.before(again(model, place.call), front, number)
            return model.rewired({TensorRef(function.layer, function.call): place.ref})

        yield Mistake(
            "order of layers", place.name, f"applies {function.layer} to {told} in front of {place.name}; Keras applies it behind",
            f"apply {function.layer} to what {place.name} makes", made,
        )  # fmt: skip


def ordered(model: Model, place: Place, order: tuple[int, ...]) -> Model:
    """The call with its inputs in another order."""
    call = again(model, place.call)
    new = replace(call, inputs=tuple(call.inputs[i] for i in order))
    return model.with_calls((), (new,), {(call.layer, call.call)})


def without(model: Model, place: Place, number: int) -> Model:
    """The call without one of its inputs."""
    call = again(model, place.call)
    new = replace(call, inputs=tuple(r for i, r in enumerate(call.inputs) if i != number))
    return model.with_calls((), (new,), {(call.layer, call.call)})
