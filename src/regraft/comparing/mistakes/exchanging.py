"""What goes wrong between layers: one left out, two in the other order, the arrays of another."""

from __future__ import annotations

from collections.abc import Iterator

from regraft.blueprint import LayerSpec, TensorRef
from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.model import Edited, Model

#: At most so many layers of equal shapes are tried.
MOST = 24


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes that concern a layer as a whole."""
    yield from left_out(place)
    yield from turned(place)
    yield from arrays_of_another(place)


def left_out(place: Place) -> Iterator[Mistake]:
    """A layer that keeps the shape, left out."""
    if place.y is None or len(place.call.inputs) != 1 or place.x.shape != place.y.shape:
        return
    kind = place.spec.type
    function = kind in ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "PReLU")
    scaling = kind in ("Rescaling", "Normalization")
    what = "missing activation" if function else "preprocessing" if scaling else "missing layer"
    told = str(place.spec.config.get("activation", kind)) if function else kind
    words = f"does not compute {told}; Keras does"
    if function and not place.model.blueprint.consumers.get(place.ref):
        words = f"returns what enters {told} (logits); Keras returns what leaves it"
    yield Mistake(
        what,
        place.name,
        words,
        f"apply {told} behind {{module}}",
        lambda m: m.rewired({place.ref: place.call.inputs[0]}),
    )


def turned(place: Place) -> Iterator[Mistake]:
    """Two layers one behind the other, in the other order."""
    after = place.model.blueprint.consumers.get(place.ref, ())
    if place.y is None or len(after) != 1 or len(after[0].inputs) != 1 or len(place.call.inputs) != 1:
        return
    second, (first_in,) = after[0], place.call.inputs
    other = TensorRef(second.layer, second.call)

    def made(model: Model) -> Model:
        ways = {other: place.ref, first_in: first_in}
        model = model.rewired(ways)
        calls = [
            c
            for c in model.calls
            if (c.layer, c.call) in ((place.call.layer, place.call.call), (second.layer, second.call))
        ]
        a = next(c for c in calls if c.layer == place.call.layer)
        b = next(c for c in calls if c.layer == second.layer)
        from dataclasses import replace

        new = (replace(b, inputs=a.inputs), replace(a, inputs=(other,)))
        return model.with_calls((), new, {(c.layer, c.call) for c in calls})

    yield Mistake(
        "order of layers", place.name, f"runs {second.layer} in front of {place.name}; Keras runs it behind",
        f"run {place.name} first, then {second.layer}", made,
    )  # fmt: skip


def arrays_of_another(place: Place) -> Iterator[Mistake]:
    """The arrays of another layer with the same shapes."""
    own = place.model.variables.get(place.name, {})
    shapes = {name: b.shape for name, b in own.items()}
    if not shapes:
        return
    count = 0
    for other, theirs in place.model.variables.items():
        if other == place.name or {name: b.shape for name, b in theirs.items()} != shapes or count >= MOST:
            continue
        count += 1
        yield Mistake(
            "layers exchanged", place.name, f"has the weights of {other}, and that has those of {place.name}",
            f"exchange the weights of {{module}} and of the counterpart of {other}",
            lambda m, other=other: with_arrays(with_arrays(m, place.name, place.model, other), other, place.model, place.name),
        )  # fmt: skip
        yield Mistake(
            "layers exchanged", place.name, f"has the weights of {other}", f"load the weights of {place.name} into {{module}}",
            lambda m, other=other: with_arrays(m, place.name, place.model, other),
        )  # fmt: skip


def with_arrays(model: Model, layer: str, of: Model, other: str) -> Model:
    """A layer with the arrays of another."""
    from dataclasses import replace

    return replace(model, variables={**model.variables, layer: dict(of.variables[other])})


__all__ = ["Edited", "LayerSpec", "mistakes"]
