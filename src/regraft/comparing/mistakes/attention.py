"""What goes wrong with attention: its scale, its heads, its parts, its masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import numpy as np

from regraft.blueprint import LayerSpec
from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.mistakes.windows import again
from regraft.comparing.model import Model

PARTS = ("query", "key", "value")


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes of attention, and of masks anywhere."""
    if place.spec.type == "MultiHeadAttention":
        yield from scales(place)
        yield from parts(place)
        yield from causal(place)
    yield from masks(place)


def scales(place: Place) -> Iterator[Mistake]:
    """Scores divided by another number."""
    width, heads = (int(str(place.spec.config[n])) for n in ("key_dim", "num_heads"))
    embed = place.x.shape[-1]
    for words, factor in (
        ("does not divide the scores", width**0.5),
        ("divides the scores by the root of the whole width", (width / (heads * width)) ** 0.5),
        ("divides the scores by the root of the width of its input", (width / embed) ** 0.5),
        ("divides the scores by key_dim", width**-0.5),
        ("multiplies the scores by the root of key_dim", float(width)),
        ("divides the scores twice", width**-0.5),
    ):
        if abs(factor - 1) > 1e-9:
            names = [n for n in ("query/kernel", "query/bias") if n in place.variables]
            yield place.edit_all(
                "attention scale", f"{words}; Keras divides them by sqrt(key_dim) = {width**0.5:.4g}",
                f"scores / {width} ** 0.5 in {{module}}", {n: (lambda a, f=factor: a * f) for n in names},
            )  # fmt: skip


def parts(place: Place) -> Iterator[Mistake]:
    """Query, key and value exchanged, heads read in another order, a part without its bias."""
    own = {p: {n: place.array(n) for n in place.variables if n.startswith(f"{p}/")} for p in PARTS}
    for order in permutations(PARTS):
        if order == PARTS:
            continue
        edits = {f"{p}/{n.partition('/')[2]}": a for p, o in zip(PARTS, order, strict=True) for n, a in own[o].items()}
        if all(a.shape == getattr(place.variable(n), "shape", None) for n, a in edits.items()):
            told = ", ".join(order)
            yield place.edit_all(
                "query, key and value", f"has the weights of {told} as query, key, value",
                "load query, key, value in that order into {module}",
                {n: (lambda _, a=a: a) for n, a in edits.items()},
            )  # fmt: skip

    def interleaved(a: np.ndarray) -> np.ndarray:
        *front, heads, dim = a.shape
        return a.reshape(*front, heads * dim).reshape(*front, dim, heads).swapaxes(-1, -2)

    names = [n for p in PARTS for n in own[p]]
    yield place.edit_all(
        "order of heads", "its heads lie interleaved: (dim heads) where Keras has (heads dim)",
        "x.view(batch, time, heads, dim) in {module}", dict.fromkeys(names, interleaved),
    )  # fmt: skip
    if "attention_output/kernel" in place.variables:
        yield place.edit_all(
            "order of heads", "joins its heads in another order in front of the output projection",
            "x.transpose(1, 2).reshape(batch, time, heads * dim) in {module}",
            {"attention_output/kernel": lambda a: a.reshape(-1, a.shape[-1]).reshape(a.shape[1], a.shape[0], -1).swapaxes(0, 1)},
        )  # fmt: skip
    for name in place.variables:
        if name.endswith("/bias"):
            yield place.edit_all("missing bias", f"{name} is 0", f"load {name} into {{module}}", {name: np.zeros_like})
        array = place.variable(name)
        if name.endswith("/kernel") and array is not None:
            flat = array.reshape(array.shape[0], -1) if name[0] in "qkv" else array.reshape(-1, array.shape[-1])
            if flat.shape[0] == flat.shape[1]:
                yield place.edit_all(
                    "weight transposed", f"the weight of {name.partition('/')[0]} is not transposed",
                    "weight = kernel.reshape(cin, -1).T in {module}",
                    {name: lambda a, n=flat.shape: a.reshape(n).T.reshape(a.shape)},
                )  # fmt: skip


def causal(place: Place) -> Iterator[Mistake]:
    """A causal mask, or none."""
    on = bool(place.call.arguments.get("use_causal_mask"))

    def made(model: Model) -> Model:
        call = again(model, place.call)
        new = replace(call, arguments={**call.arguments, "use_causal_mask": not on})
        return model.with_calls((), (new,), {(call.layer, call.call)})

    words = "attends to later steps too; Keras does not" if on else "attends to earlier steps only; Keras to all"
    yield Mistake("attention mask", place.name, words, f"is_causal={on} in {{module}}", made)


def masks(place: Place) -> Iterator[Mistake]:
    """Masked steps taken like any other, or the others masked."""
    if not place.model.masked or not place.call.inputs:
        return
    kind = place.spec.type
    if kind == "Embedding" and place.spec.config.get("mask_zero"):
        yield place.setting(
            "missing mask", "takes masked steps like any other; Keras skips them (mask_zero=True)",
            "hand mask = (x != 0) on to the layers behind {module}", mask_zero=False,
        )  # fmt: skip
    if kind in ("Masking", "Embedding"):
        return
    for what, words, layer in (
        ("missing mask", "takes masked steps like any other; Keras skips them", "Unmasked"),
        ("mask polarity", "skips the steps that count, and takes those that are masked", "Inverted"),
    ):
        spec = LayerSpec(f"{place.name}/{layer.lower()}", layer, {"code": "%0"})
        yield Mistake(
            what, place.name, words, "the mask of Keras is True where a step counts: hand it to {module}"
            if layer == "Inverted" else "hand the mask to {module}",
            lambda m, spec=spec: masked_before(m, place, spec),
        )  # fmt: skip


def masked_before(model: Model, place: Place, spec: LayerSpec) -> Model:
    """Every input of a call through a layer that changes its mask; one tensor taken several times stays one."""
    call = again(model, place.call)
    number = call.inputs[0]
    from regraft.blueprint import Call, TensorRef

    inputs = tuple(TensorRef(spec.name) if ref == number else ref for ref in call.inputs)
    return model.with_calls(
        (spec,), (Call(spec.name, (number,)), replace(call, inputs=inputs)), {(call.layer, call.call)}
    )
