"""What goes wrong where numbers change places: flattening, reshaping, enlarging, and the axes of the input."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from math import prod

import numpy as np

from regraft.blueprint import LayerSpec
from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.mistakes.windows import again
from regraft.comparing.model import Model

PERMUTED = "x = x.permute({axes}) in front of the flatten, or permute the columns of the weight behind it"

#: Maps of more axes have too many orders.
MOST_AXES = 5


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes of what moves numbers."""
    kind = place.spec.type
    if kind == "Flatten" and place.x.ndim > 2:
        yield from flattened(place)
        yield from reread(place)
    elif kind == "Reshape":
        yield from reshaped(place)
        yield from moved(place)
    elif kind == "Permute":
        yield from permuted(place)
    elif kind == "UpSampling2D":
        yield from enlarged(place)
    elif kind == "Concatenate":
        yield from joined(place)
    elif kind == "Embedding":
        yield from rows(place)
    elif kind.endswith("Transpose"):
        yield from cropped(place)


def flattened(place: Place) -> Iterator[Mistake]:
    """A map read in another order than its Dense was trained on."""
    rank = place.x.ndim
    axes = tuple(range(1, rank))
    for order in permutations(axes):
        if order == axes:
            continue
        first = order == (rank - 1, *range(1, rank - 1))
        words = "channels first" if first else f"in the order {order} of its axes in Keras"
        permute = LayerSpec(f"{place.name}/order", "Permute", {"dims": order})
        yield Mistake(
            "flatten order", place.name,
            f"flattens {words}; Keras flattens channels last, and the layer behind it was trained on that",
            PERMUTED.format(axes=", ".join(map(str, (0, *range(2, rank), 1)))),
            lambda model, permute=permute: model.before(again(model, place.call), permute),
        )  # fmt: skip


def reread(place: Place) -> Iterator[Mistake]:
    """A map flattened as Keras does, in front of weights whose columns were moved for channels first."""
    shape = place.x.shape[1:]
    first = (shape[-1], *shape[:-1])
    back = ", ".join(map(str, (*range(2, len(shape) + 1), 1)))
    code = f"%0.reshape(-1, {', '.join(map(str, first))}).permute(0, {back}).reshape(-1, {prod(shape)})"
    spec = LayerSpec(f"{place.name}/order", "Written", {"code": code, "made": (None, prod(shape))})
    yield Mistake(
        "flatten order", place.name,
        "flattens channels last, and the weight behind it has its columns in the order of channels first",
        "x.flatten(1) of channels first, or leave the columns of the weight as Keras has them",
        lambda model: model.behind(place.ref, spec),
    )  # fmt: skip


def reshaped(place: Place) -> Iterator[Mistake]:
    """A vector put into a map channels first, or into a matrix the other way."""
    if place.y is None or place.y.ndim < 3:
        return
    shape = place.y.shape[1:]
    for order in permutations(range(len(shape))):
        if order == tuple(range(len(shape))):
            continue
        sizes = tuple(shape[i] for i in order)
        back = tuple(int(i) + 1 for i in np.argsort(order))
        code = f"%0.reshape(-1, {', '.join(map(str, sizes))}).permute(0, {', '.join(map(str, back))})"
        words = "channels first" if order[0] == len(shape) - 1 else f"as {sizes}"
        yield place.other(
            "reshape order", f"reads the numbers {words}; Keras reads them as {shape}",
            f"x.reshape(-1, {', '.join(map(str, shape))}) there, and permute it afterwards",
            "Written", code=code, made=(None, *shape),
        )  # fmt: skip


def moved(place: Place) -> Iterator[Mistake]:
    """A map put into rows with its axes in another order, as where channels come first."""
    rank = place.x.ndim
    if place.y is None or not 4 <= rank <= MOST_AXES:
        return
    shape = place.y.shape[1:]
    for order in permutations(range(1, rank)):
        if order == tuple(range(1, rank)):
            continue
        words = (
            "with its channels first"
            if order == (rank - 1, *range(1, rank - 1))
            else f"in the order {order} of its axes"
        )
        code = f"%0.permute(0, {', '.join(map(str, order))}).reshape(-1, {', '.join(map(str, shape))})"
        yield place.other(
            "reshape order", f"reads the map {words}; Keras reads it channels last", "permute the map in front of the reshape",
            "Written", code=code, made=(None, *shape),
        )  # fmt: skip


def permuted(place: Place) -> Iterator[Mistake]:
    """Axes in another order, or a reshape in place of it."""
    if place.y is None:
        return
    shape = place.y.shape[1:]
    yield place.other(
        "reshape order", "reshapes; Keras moves the axes", "x.permute(...) there", "Written",
        code=f"%0.reshape(-1, {', '.join(map(str, shape))})", made=(None, *shape),
    )  # fmt: skip


def enlarged(place: Place) -> Iterator[Mistake]:
    """Another way to enlarge a map."""
    right = place.spec.config.get("interpolation")
    sizes = tuple(place.y.shape[1:-1]) if place.y is not None else ()
    made = (None, *sizes, place.x.shape[-1])
    for mode, corners in (
        ("nearest", None),
        ("bilinear", False),
        ("bilinear", True),
        ("bicubic", False),
        ("bicubic", True),
    ):
        if (mode == right and not corners) or not sizes:
            continue
        more = "" if corners is None else f", align_corners={corners}"
        name = f"{mode}{' with align_corners' if corners else ''}"
        aligned = ", align_corners=False" if right != "nearest" else ""
        change = f'F.interpolate(x, scale_factor=2, mode="{right}"{aligned}) as {{module}}'
        yield place.other(
            "upsampling", f"enlarges by {name}; Keras by {right}", change, "WrittenMap",
            code=f'F.interpolate(%0, size={sizes}, mode="{mode}"{more})', made=made,
        )  # fmt: skip


def joined(place: Place) -> Iterator[Mistake]:
    """Tensors put side by side along another axis."""
    axis = int(str(place.spec.config.get("axis", -1)))
    rank = place.x.ndim
    for other in range(1, rank):
        if other != axis % rank:
            yield place.setting(
                "axis",
                f"joins along axis {other} of Keras; Keras joins along {axis}",
                f"dim of axis {axis} there",
                axis=other,
            )


def rows(place: Place) -> Iterator[Mistake]:
    """A table whose rows are off by one."""
    for shift, words in ((1, "one row too early"), (-1, "one row too late")):
        yield place.edit(
            "embedding offset", f"reads {words}", "the index as it is in {module}",
            embeddings=lambda a, shift=shift: np.roll(a, shift, 0),
        )  # fmt: skip
    yield place.edit(
        "embedding offset", "the row of the padding index is 0, as padding_idx makes it; in Keras it has numbers",
        "no padding_idx in {module}, or load row 0", embeddings=lambda a: np.concatenate([0 * a[:1], a[1:]]),
    )  # fmt: skip
    width = place.spec.config.get("output_dim")
    if isinstance(width, int):
        yield Mistake(
            "scale", place.name, "multiplies by the square root of the width; Keras does not", "no factor behind {module}",
            lambda model: model.edited(place.name, {"embeddings": lambda a: a * width**0.5}),
        )  # fmt: skip


def cropped(place: Place) -> Iterator[Mistake]:
    """A transposed convolution that is cropped in other places."""
    spec = place.spec
    if place.y is None or spec.config.get("data_format") == "channels_first":
        return
    rank = place.y.ndim - 2
    kernel, strides = (tuple(spec.config[n]) for n in ("kernel_size", "strides"))  # type: ignore[arg-type]
    sizes = place.y.shape[1:-1]
    whole = tuple((n - 1) * s + k for n, s, k in zip(place.x.shape[1:-1], strides, kernel, strict=True))
    seen: set[tuple[tuple[int, int], ...]] = set()
    right = tuple(crop_of(k, s, w - n) for k, s, w, n in zip(kernel, strides, whole, sizes, strict=True))
    for padding in range(0, max(kernel)):
        for more in range(0, max(strides)):
            ends = tuple((padding, padding - more) for _ in range(rank))
            if ends == right or ends in seen or any(w - a - b < 1 for w, (a, b) in zip(whole, ends, strict=True)):
                continue
            seen.add(ends)
            made = (None, *(w - a - b for w, (a, b) in zip(whole, ends, strict=True)), place.y.shape[-1])
            words = f"padding={padding}, output_padding={more}"

            def mistaken(
                model: Model, ends: tuple[tuple[int, int], ...] = ends, made: tuple[int | None, ...] = made
            ) -> Model:
                pads = tuple(-n for pair in reversed(ends) for n in pair)
                model = model.with_layer(place.name, padding="valid", output_padding=None)
                return model.behind(
                    place.ref,
                    LayerSpec(f"{place.name}/crop", "WrittenMap", {"code": f"F.pad(%0, {pads})", "made": made}),
                )

            yield Mistake(
                "padding", place.name, f"has {words}; Keras takes {right[0]} off the ends of what the kernel makes",
                transposed_change(right), mistaken,
            )  # fmt: skip


def crop_of(kernel: int, stride: int, total: int) -> tuple[int, int]:
    """What Keras takes off both ends of one axis."""
    del stride, kernel
    before = total // 2 if total > 0 else 0
    return before, total - before


def transposed_change(right: tuple[tuple[int, int], ...]) -> str:
    """The line that crops as Keras does."""
    if all(a == b for a, b in right):
        return f"padding={right[0][0]}, output_padding=0 in {{module}}"
    if all(a < b for a, b in right):
        return "padding=0 in {module}, and crop its result: y[..., " + ", ".join(f"{a}:-{b}" for a, b in right) + "]"
    return f"padding={right[0][0]}, output_padding={right[0][0] - right[0][1]} in {{module}}"
