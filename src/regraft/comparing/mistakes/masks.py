"""What goes wrong with masks: none, the other way round, a causal one of another shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from regraft.blueprint import Call, LayerSpec, TensorRef
from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.mistakes.windows import again
from regraft.comparing.model import Model

#: Arguments of a call that are masks. Keras 3 saves the mask that an embedding makes as one of them.
GIVEN = ("mask", "attention_mask", "query_mask", "key_mask", "value_mask")
POLARITY = "the mask of Keras is True where a step counts, key_padding_mask and attn_mask of PyTorch where it does not: invert one"
#: Triangles in place of a causal mask.
TRIANGLES = {
    "tril(1)": "attends to one later step too; Keras to none",
    "tril(-1)": "does not attend to the step itself; Keras does",
    "triu()": "attends to later steps in place of earlier ones",
    "triu(1)": "attends to later steps in place of earlier ones, and not to the step itself",
}
#: Of these, in which a step looks at nothing.
EMPTY = frozenset({"tril(-1)", "triu(1)"})


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes of masks at any call."""
    if place.spec.type == "MultiHeadAttention":
        yield from causal(place)
    yield from masks(place)


def causal(place: Place) -> Iterator[Mistake]:
    """A causal mask, none, or another triangle."""
    on = bool(place.call.arguments.get("use_causal_mask"))
    words = "attends to later steps too; Keras does not" if on else "attends to earlier steps only; Keras to all"
    yield Mistake(
        "attention mask", place.name, words, f"is_causal={on} in {{module}}",
        lambda model: with_arguments(model, place.call, use_causal_mask=not on),
    )  # fmt: skip
    if not on or "attention_mask" in place.call.arguments or place.x.ndim != 3:
        return
    for triangle, told in TRIANGLES.items():
        code = f"torch.ones(%0.shape[0], %0.shape[1], %0.shape[1]).{triangle} > 0"
        spec = LayerSpec(
            f"{place.name}/triangle", "Written", {"code": code, "made": (None, place.x.shape[1], place.x.shape[1])}
        )

        def made(model: Model, spec: LayerSpec = spec, empty: bool = triangle in EMPTY) -> Model:
            front = Call(spec.name, (again(model, place.call).inputs[0],))
            model = with_arguments(model, place.call, use_causal_mask=False, attention_mask=TensorRef(spec.name))
            model = model.with_calls((spec,), (front,), set())
            return blank(model, place, TensorRef(spec.name), zero=False) if empty else model

        yield Mistake(
            "attention mask",
            place.name,
            told,
            "torch.ones(t, t).tril() > 0 is what a step may look at in {module}",
            made,
        )


def masks(place: Place) -> Iterator[Mistake]:
    """Masked steps taken like any other, or the others masked."""
    given = [name for name in GIVEN if isinstance(place.call.arguments.get(name), TensorRef)]
    kind = place.spec.type
    if not place.call.inputs or not (given or place.model.masked):
        return
    if kind == "Embedding" and place.spec.config.get("mask_zero"):
        yield place.setting(
            "missing mask", "takes masked steps like any other; Keras skips them (mask_zero=True)",
            "hand mask = (x != 0) on to the layers behind {module}", mask_zero=False,
        )  # fmt: skip
    if kind in ("Masking", "Embedding"):
        return
    yield Mistake(
        "missing mask", place.name, "takes masked steps like any other; Keras skips them", "hand the mask to {module}",
        lambda model: masked_otherwise(model, place, given, LayerSpec(f"{place.name}/unmasked", "Unmasked", {"code": "%0"})),
    )  # fmt: skip
    yield Mistake(
        "mask polarity", place.name, "skips the steps that count, and takes those that are masked (its mask is inverted)",
        f"{POLARITY} for {{module}}",
        lambda model: masked_otherwise(model, place, given, LayerSpec(f"{place.name}/inverted", "Inverted", {"code": "%0"})),
    )  # fmt: skip
    mask = place.call.arguments.get("attention_mask")
    if isinstance(mask, TensorRef) and mask in place.values and place.values[mask].ndim == 3:

        def inverted(model: Model, *, zero: bool) -> Model:
            spec = LayerSpec(f"{place.name}/inverted", "Inverted", {"code": "%0"})
            model = masked_otherwise(model, place, given, spec)
            return blank(model, place, TensorRef(f"{place.name}/not_attention_mask"), zero=zero)

        for zero in (True, False):
            yield Mistake(
                "mask polarity", place.name,
                "skips the steps that count, and takes those that are masked (its mask is inverted); where all count, nothing is "
                f"left, and it gives {'its bias' if zero else 'NaN'}",
                f"{POLARITY} for {{module}}", partial(inverted, zero=zero),
            )  # fmt: skip


def blank(model: Model, place: Place, mask: TensorRef, *, zero: bool) -> Model:
    """
    Behind an attention: what looks at nothing gives no number, or the bias alone; Keras takes the mean there.

    Masks of -inf leave NaN, the attention of PyTorch itself zeros in front of its last projection (``zero``).
    """
    bias = place.variable("attention_output/bias")
    nothing = (
        "float('nan')" if not zero else "0.0" if bias is None else f"torch.tensor({bias.tolist()}, dtype=%0.dtype)"
    )
    code = f"torch.where((%1 != 0).any(-1, keepdim=True), %0, {nothing})"
    spec = LayerSpec(f"{place.name}/blank", "Written", {"code": code})
    model = model.behind(place.ref, spec)
    (name,) = {s.name for s in model.blueprint.layers if s.name.startswith(spec.name)}
    call = next(c for c in model.calls if c.layer == name)
    return model.with_calls((), (replace(call, inputs=(*call.inputs, mask)),), {(name, call.call)})


def masked_otherwise(model: Model, place: Place, given: list[str], spec: LayerSpec) -> Model:
    """Every input of a call through a layer that changes its mask, and the masks that are arguments like those."""
    call = again(model, place.call)
    arguments = dict(call.arguments)
    specs: list[LayerSpec] = []
    calls: list[Call] = []
    for name in given:
        mask = arguments.pop(name)
        if spec.type == "Inverted" and isinstance(mask, TensorRef):
            own = LayerSpec(f"{place.name}/not_{name}", "Written", {"code": "%0 == 0"})
            specs, calls = [*specs, own], [*calls, Call(own.name, (mask,))]
            arguments[name] = TensorRef(own.name)
    first, new = call.inputs[0], TensorRef(spec.name)
    if model.masked:  # one tensor taken several times stays one
        specs, calls = [*specs, spec], [*calls, Call(spec.name, (first,))]
        arguments = {name: new if value == first else value for name, value in arguments.items()}
        call = replace(call, inputs=tuple(new if ref == first else ref for ref in call.inputs))
    return model.with_calls(specs, (*calls, replace(call, arguments=arguments)), {(call.layer, call.call)})


def with_arguments(model: Model, call: Call, **arguments: object) -> Model:
    """A call with other arguments."""
    old = again(model, call)
    new = replace(old, arguments={**old.arguments, **arguments})  # type: ignore[dict-item]
    return model.with_calls((), (new,), {(old.layer, old.call)})
