"""What goes wrong with attention: its scale, its heads, its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import numpy as np

from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.model import Edited, Model

PARTS = ("query", "key", "value")
#: Numbers of heads that are tried end here.
MOST_HEADS = 32


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes of attention; those of its masks are in ``masks``."""
    if place.spec.type == "MultiHeadAttention":
        yield from scales(place)
        yield from parts(place)
        yield from heads(place)


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

        kernels = {n: a for n, a in edits.items() if n.endswith("/kernel")}
        if len(kernels) < len(edits) and all(a.shape == place.array(n).shape for n, a in kernels.items()):
            yield place.edit_all(
                "query, key and value", f"has the kernels of {', '.join(order)} as query, key, value, with the biases in order",
                "load query, key, value in that order into {module}",
                {n: (lambda _, a=a: a) for n, a in kernels.items()},
            )  # fmt: skip

    def interleaved(a: np.ndarray) -> np.ndarray:
        *front, heads, dim = a.shape
        return a.reshape(*front, heads * dim).reshape(*front, dim, heads).swapaxes(-1, -2)

    names = [n for p in PARTS for n in own[p]]
    yield place.edit_all(
        "order of heads", "its heads lie interleaved: (dim heads) where Keras has (heads dim)",
        "x.view(batch, time, heads, dim) in {module}", dict.fromkeys(names, interleaved),
    )  # fmt: skip
    for part in PARTS:
        yield place.edit_all(
            "order of heads", f"the heads of its {part} lie interleaved: (dim heads) where Keras has (heads dim)",
            "x.view(batch, time, heads, dim) in {module}", dict.fromkeys(own[part], interleaved),
        )  # fmt: skip
    square = {
        n: (lambda a: a.reshape(len(a), -1).T.reshape(a.shape))
        for n in names if n.endswith("/kernel") and len(a := place.array(n)) ** 2 == a.size
    }  # fmt: skip
    if len(square) == len(PARTS):
        yield place.edit_all(
            "weight transposed", "the weights of query, key and value are not transposed",
            "weight = kernel.reshape(cin, -1).T in {module}", square,
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


def heads(place: Place) -> Iterator[Mistake]:
    """The same weights cut into another number of heads, with the scale that goes with it."""
    count, width = (int(str(place.spec.config[n])) for n in ("num_heads", "key_dim"))
    value = place.spec.config.get("value_dim")
    if value is not None and int(str(value)) != width:
        return
    total = count * width
    for other in range(1, min(total, MOST_HEADS) + 1):
        if other != count and total % other == 0:
            yield Mistake(
                "number of heads", place.name, f"has {other} heads; Keras has {count}", f"num_heads={count} in {{module}}",
                lambda m, other=other: cut(m, place.name, count, width, other),
            )  # fmt: skip


def cut(model: Model, layer: str, count: int, width: int, other: int) -> Model:
    """A model with the heads of one attention in another number."""
    total = count * width
    own = dict(model.variables[layer])
    for name, old in own.items():
        at = next((i for i in range(len(old.shape) - 1) if tuple(old.shape[i : i + 2]) == (count, width)), None)
        if at is not None:
            shape = (*old.shape[:at], other, total // other, *old.shape[at + 2 :])
            own[name] = Edited(old.sources, old.moves, shape, lambda a, shape=shape: a.reshape(shape))
    config: dict[str, int] = {"num_heads": other, "key_dim": total // other}
    if model.blueprint.by_name[layer].config.get("value_dim") is not None:
        config["value_dim"] = total // other
    return replace(model.with_layer(layer, **config), variables={**model.variables, layer: own})
