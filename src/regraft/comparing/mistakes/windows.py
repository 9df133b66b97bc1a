"""What goes wrong with windows: padding, stride, dilation, kinds of pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from regraft.blueprint import Call, LayerSpec, TensorRef
from regraft.comparing.mistakes.mistake import Mistake, Place
from regraft.comparing.model import Model

CONVOLUTIONS = frozenset("Conv1D Conv2D Conv3D DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D".split())
POOLS = frozenset(f"{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in (1, 2, 3))
Ends = tuple[tuple[int, int], ...]
#: Those that a dilation together with a stride is tried at.
DILATED = frozenset({"Conv1D", "Conv2D", "DepthwiseConv2D"})


def mistakes(place: Place) -> Iterator[Mistake]:
    """Mistakes of a convolution or a pool."""
    kind = place.spec.type
    if place.spec.config.get("data_format") == "channels_first":
        return
    if kind in CONVOLUTIONS:
        yield from paddings(place)
        yield from strides(place)
        yield from placements(place)
        yield from dilations(place)
    elif kind in POOLS:
        yield from pools(place)


def rank_of(spec: LayerSpec) -> int:
    """Number of spatial axes."""
    return int(next(c for c in spec.type if c.isdigit()))


def sizes_of(value: object, rank: int) -> tuple[int, ...]:
    """A setting for every axis."""
    return tuple(value) if isinstance(value, tuple) else (int(str(value)),) * rank  # type: ignore[arg-type]


def window_of(spec: LayerSpec) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Kernel, stride and dilation."""
    rank = rank_of(spec)
    kernel = sizes_of(spec.config["pool_size" if spec.type in POOLS else "kernel_size"], rank)
    stride = spec.config.get("strides")
    step = kernel if stride is None else sizes_of(stride, rank)
    return kernel, step, sizes_of(spec.config.get("dilation_rate", 1), rank)


def ends_of(spec: LayerSpec, sizes: tuple[int, ...]) -> Ends:
    """What Keras puts at both ends of every axis."""
    kernel, stride, dilation = window_of(spec)
    return tuple(
        total_of(spec.config["padding"], n, (k - 1) * d + 1, s)
        for n, k, s, d in zip(sizes, kernel, stride, dilation, strict=True)
    )


def total_of(padding: object, size: int, window: int, stride: int) -> tuple[int, int]:
    """What Keras puts at both ends of one axis."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return window - 1, 0
    total = max(0, (-(-size // stride) - 1) * stride + window - size)
    return total // 2, total - total // 2


def rules(spec: LayerSpec, sizes: tuple[int, ...]) -> Iterator[Ends]:
    """What a module may put at both ends instead, each once."""
    kernel, stride, dilation = window_of(spec)
    axes = list(zip(sizes, kernel, stride, dilation, strict=True))
    same = [total_of("same", n, (k - 1) * d + 1, s) for n, k, s, d in axes]
    wide = [((k - 1) * d, k, d) for _, k, _, d in axes]
    known = {ends_of(spec, sizes)}
    for ends in (
        tuple((w // 2, w // 2) for w, _, _ in wide),
        tuple((-(-w // 2), -(-w // 2)) for w, _, _ in wide),
        tuple((b, a) for a, b in same),
        tuple(same),
        tuple((0, 0) for _ in wide),
        tuple((k // 2, k // 2) for _, k, _ in wide),
        tuple(((k - 1) // 2, (k - 1) // 2) for _, k, _ in wide),
        tuple((d, d) for _, _, d in wide),
        tuple((1, 1) for _ in wide),
        tuple((2, 2) for _ in wide),
        tuple((w, 0) for w, _, _ in wide),
        tuple((0, w) for w, _, _ in wide),
        tuple((w, w) for w, _, _ in wide),
        tuple((a + b, 0) for a, b in same),
        tuple((a + 1, b + 1) for a, b in same),
        tuple((2 * a, 2 * b) for a, b in same),
        tuple((a + w // 2, b + w // 2) for (a, b), (w, _, _) in zip(same, wide, strict=True)),
        tuple((0, a + b) for a, b in same),
        tuple((w // 2, w - w // 2) for w, _, _ in wide),
        tuple((w - w // 2, w // 2) for w, _, _ in wide),
    ):
        if ends not in known:
            known.add(ends)
            yield ends


def words_of(ends: Ends) -> str:
    """
    Padding as a person says it.

    >>> words_of(((1, 1), (1, 1))), words_of(((0, 1), (0, 1))), words_of(((0, 0), (1, 2)))
    ('1 on every side', '0 before and 1 after', '0 and 0, 1 and 2')
    """
    if len(set(ends)) > 1:
        return ", ".join(f"{a} and {b}" for a, b in ends)
    before, after = ends[0]
    return (
        (f"{before} on every side" if before else "nothing")
        if before == after
        else f"{before} before and {after} after"
    )


def change_of(ends: Ends, fill: str = "") -> str:
    """The line that pads as Keras does."""
    if all(a == b for a, b in ends) and not fill:
        sizes = tuple(a for a, _ in ends)
        return f"padding={sizes if len(set(sizes)) > 1 else sizes[0]} in {{module}}"
    pads = tuple(n for pair in reversed(ends) for n in pair)
    value = f", value={fill}" if fill else ""
    return f"padding=0 in {{module}}, and x = torch.nn.functional.pad(x, {pads}{value}) in front of it"


def bordered(place: Place, ends: Ends) -> Model:
    """The layer on a map with a border of its own."""
    spec, rank = place.spec, len(ends)
    border = LayerSpec(f"{spec.name}/border", f"ZeroPadding{rank}D", {"padding": ends})
    model = place.model.with_layer(spec.name, padding="valid")
    return model.before(place.call, border)


def paddings(place: Place) -> Iterator[Mistake]:
    """Another border in front of a convolution."""
    spec, sizes = place.spec, place.x.shape[1:-1]
    right = ends_of(spec, sizes)
    for ends in rules(spec, sizes):
        what = "padding side" if sum(map(sum, ends)) == sum(map(sum, right)) else "padding"
        yield Mistake(
            what,
            spec.name,
            f"pads {words_of(ends)}; Keras pads {words_of(right)} (padding={str(spec.config['padding'])!r})",
            change_of(right),
            lambda model, ends=ends: bordered(replace(place, model=model, call=again(model, place.call)), ends),
        )


def again(model: Model, call: Call) -> Call:
    """The same call in another model, where it may take other tensors."""
    return next(c for c in model.calls if (c.layer, c.call) == (call.layer, call.call))


def strides(place: Place) -> Iterator[Mistake]:
    """Another stride, with the border that goes with it, or with that of the stride of Keras."""
    _, right, _ = window_of(place.spec)
    rank = len(right)
    shown = right[0] if len(set(right)) == 1 else right
    ends = ends_of(place.spec, place.x.shape[1:-1])
    for stride in (1, 2, 3):
        if (stride,) * rank == right:
            continue
        words, change = f"moves by {stride}; Keras moves by {shown}", f"stride={shown} in {{module}}"
        yield place.setting("stride", words, change, strides=(stride,) * rank)
        if any(map(sum, ends)):

            def made(model: Model, stride: int = stride) -> Model:
                model = model.with_layer(place.name, strides=(stride,) * rank)
                return bordered(replace(place, model=model, call=again(model, place.call)), ends)

            yield Mistake("stride", place.name, words, change, made)


def placements(place: Place) -> Iterator[Mistake]:
    """The stride of a bottleneck at another of its convolutions."""
    _, here, _ = window_of(place.spec)
    for other in following(place.model, place.ref):
        _, there, _ = window_of(other)
        if here == there or len(here) != len(there):
            continue
        yield Mistake(
            "stride placement",
            place.name,
            f"moves by {there[0]} here and by {here[0]} in {other.name}; Keras by {here[0]} here and by {there[0]} there",
            f"stride={here[0]} in {{module}}, and stride={there[0]} in the counterpart of {other.name}",
            lambda model, other=other, there=there: model.with_layer(place.name, strides=there).with_layer(
                other.name, strides=here
            ),
        )


def following(model: Model, ref: TensorRef, most: int = 2) -> list[LayerSpec]:
    """The next convolutions behind a tensor, through what keeps its shape."""
    found: list[LayerSpec] = []
    todo = [ref]
    for _ in range(12):
        if not todo or len(found) >= most:
            break
        for call in model.blueprint.consumers.get(todo.pop(0), ()):
            spec = model.spec(call)
            if spec.type in CONVOLUTIONS:
                found.append(spec)
            todo.append(TensorRef(call.layer, call.call))
    return found[:most]


def dilations(place: Place) -> Iterator[Mistake]:
    """Another dilation, with the border that goes with it, with that of Keras, or with one of its own on every side."""
    kernel, stride, right = window_of(place.spec)
    if max(kernel) == 1:
        return
    sizes, rank = place.x.shape[1:-1], len(right)
    for dilation in (1, 2, 3, 4, 8):
        if (dilation,) * rank == right:
            continue
        words = f"dilation {dilation}; Keras has {right[0]}"
        change = f"dilation={right[0]} in {{module}}"
        if max(stride) == 1:
            yield place.setting("dilation", words, change, dilation_rate=(dilation,) * rank)
        for border in (
            ends_of(place.spec, sizes),
            tuple((dilation * (k - 1) // 2, dilation * (k - 1) // 2) for k in kernel),
            tuple((dilation * a, dilation * b) for a, b in ends_of(place.spec, sizes)),
        ):
            code_size = tuple(
                n + a + b - dilation * (k - 1) for n, (a, b), k in zip(sizes, border, kernel, strict=True)
            )
            if min(code_size) < 1 or (max(stride) > 1 and place.spec.type not in DILATED):
                continue
            yield Mistake(
                "dilation", place.name, words, change,
                lambda model, dilation=dilation, border=border: dilated(place, model, dilation, border),
            )  # fmt: skip


def dilated(place: Place, model: Model, dilation: int, border: Ends) -> Model:
    """A convolution with another dilation, on a map with a border of its own."""
    rank = len(border)
    _, stride, _ = window_of(place.spec)
    if max(stride) == 1:
        model = model.with_layer(place.name, dilation_rate=(dilation,) * rank)
        return bordered(replace(place, model=model, call=again(model, place.call)), border)
    # Keras has no dilation together with a stride: every map is computed, and some of its places are taken
    model = model.with_layer(place.name, dilation_rate=(dilation,) * rank, strides=(1,) * rank)
    model = bordered(replace(place, model=model, call=again(model, place.call)), border)
    steps = ", ".join(f"::{s}" for s in stride)
    sizes, kernel = place.x.shape[1:-1], window_of(place.spec)[0]
    made = tuple(
        -(-(n + a + b - dilation * (k - 1)) // s) for n, (a, b), k, s in zip(sizes, border, kernel, stride, strict=True)
    )
    width = None if place.y is None else place.y.shape[-1]
    step = LayerSpec(f"{place.name}/step", "Written", {"code": f"%0[:, {steps}]", "made": (None, *made, width)})
    return model.behind(place.ref, step)


def pools(place: Place) -> Iterator[Mistake]:
    """Another pool: kind, stride, border, what the border counts for."""
    spec = place.spec
    kind = "max" if spec.type.startswith("Max") else "average"
    other = spec.type.replace("Max", "Average") if kind == "max" else spec.type.replace("Average", "Max")
    swapped = "average" if kind == "max" else "max"
    config = {k: v for k, v in spec.config.items() if k in ("pool_size", "strides", "padding", "data_format")}
    yield place.other(
        "kind of pool", f"takes the {swapped} of each window; Keras takes the {kind}",
        f"nn.{'Max' if kind == 'max' else 'Avg'}Pool{rank_of(spec)}d as {{module}}", other, **config,
    )  # fmt: skip
    kernel, stride, _ = window_of(spec)
    sizes = place.x.shape[1:-1]
    right = ends_of(spec, sizes)
    rank = len(kernel)
    if kind == "max" and any(map(sum, right)):
        pads = tuple(n for pair in reversed(right) for n in pair)
        made = (None, *(place.y.shape[1:-1] if place.y is not None else ()), place.x.shape[-1])
        yield place.other(
            "kind of pool", "takes the average of each window, border counted; Keras takes the max",
            f"nn.MaxPool{rank}d as {{module}}", "WrittenMap",
            code=f"F.avg_pool{rank}d(F.pad(%0, {pads}), {kernel}, {stride})", made=made,
        )  # fmt: skip
    for step in dict.fromkeys((kernel, (1,) * rank, (2,) * rank)):
        if step != stride:
            yield place.setting(
                "stride",
                f"moves by {step[0]}; Keras moves by {stride[0]}",
                f"stride={stride[0]} in {{module}}",
                strides=step,
            )
    for ends in (right, *rules(spec, sizes)):
        pads = tuple(n for pair in reversed(ends) for n in pair)
        slid = tuple((n + a + b - k) // s + 1 for n, (a, b), k, s in zip(sizes, ends, kernel, stride, strict=True))
        if min(slid) < 1:
            continue
        for what, code in codes(kind, rank, pads, kernel, stride):
            if ends == right and what != "border counted":
                continue
            words = "counts the border's zeros" if what == "border counted" else f"pads {words_of(ends)}"
            if what == "border of zeros":
                words += " with zeros"
            name = "count_include_pad" if ends == right and kind == "average" else "padding"
            fill = 'float("-inf")' if kind == "max" else ""
            change = "count_include_pad=False in {module}" if name == "count_include_pad" else change_of(right, fill)
            made = (None, *slid, place.x.shape[-1])
            yield place.other(
                name, f"{words}; Keras pads {words_of(right)} and leaves the border out", change, "WrittenMap",
                code=code, made=made,
            )  # fmt: skip
    if kind == "average" and any(map(sum, right)):
        pads = tuple(min(ends) for ends in right)
        made = (None, *(place.y.shape[1:-1] if place.y is not None else ()), place.x.shape[-1])
        yield place.other(
            "count_include_pad", "counts the border's zeros; Keras leaves them out", "count_include_pad=False in {module}",
            "WrittenMap", code=f"F.avg_pool{rank}d(%0, {kernel}, {stride}, {pads}, ceil_mode=True)", made=made,
        )  # fmt: skip


def codes(
    kind: str, rank: int, pads: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...]
) -> Iterator[tuple[str, str]]:
    """Pools with a border, as PyTorch computes them."""
    if kind == "max":
        for what, value in (("padding", "float('-inf')"), ("border of zeros", "0.0")):
            yield what, f"F.max_pool{rank}d(F.pad(%0, {pads}, value={value}), {kernel}, {stride})"
        return
    pool = f"F.avg_pool{rank}d(F.pad({{}}, {pads}), {kernel}, {stride})"
    yield "border counted", pool.format("%0")
    yield "padding", f"{pool.format('%0')} / {pool.format('torch.ones_like(%0)')}"
