"""Steps between units in one spelling, so that two networks can be compared: a pool is a pool, however it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from regraft.graft.affine import HALF_HARDSWISH, affine, joined, plainly, renamed
from regraft.graft.doing import Done
from regraft.graft.flattening import FLATTENING, MOVING, UNFLATTENING
from regraft.graft.network import Step
from regraft.graft.unit import CELLS, POINTWISE, RECURRENT, Unit

#: Functions whose result is 0 or more, and pools of it.
NEVER_NEGATIVE = frozenset({"relu", "relu6", "sigmoid", "hardsigmoid", "softplus", "softmax", "exp"})
#: What a recurrent module that computes its steps itself calls its functions.
FUNCTIONS = ("activation", "recurrent_activation")
#: Steps that change the shape alone, or nothing.
SHAPE_ONLY = frozenset(
    "flatten reshape view unflatten squeeze unsqueeze expand expand_as __getitem__ contiguous".split()
)


def done(steps: Sequence[Step]) -> tuple[tuple[Done, ...], tuple[int, ...]]:
    """The steps in one spelling, and the border of zeros that waits for the operation that they end in."""
    found: list[Done] = []
    border: tuple[int, ...] = ()
    put = False
    for place, step in enumerate(steps):
        if step.kind == "pad":
            if zeros(step.settings):
                put |= step.settings.get("value") != float("-inf")
                border = added(border, tuple(step.settings["pad"]))
            else:
                found.append(Done("pad", (("border", tuple(step.settings["pad"])), ("mode", step.settings["mode"]))))
        elif step.kind in SHAPE_ONLY or (step.kind in MOVING and (flat(step) or becoming(steps, place))):
            continue
        else:
            low = put and not (found and found[-1].kind in NEVER_NEGATIVE)
            one, border, put = told(step, border, low=low), (), False
            if one is not None:
                found.append(one)
    return tuple(renamed(joined(found))), border


def becoming(steps: Sequence[Step], place: int) -> bool:
    """
    Whether axes move on the way from a map to a vector, or from a vector to a map.

    The rows of the Linear behind it, or the columns of the one in front, stand accordingly.
    """
    to_vector = any(step.kind in FLATTENING and len(step.shapes[1]) == 2 for step in steps[place:])
    return to_vector or any(step.kind in UNFLATTENING and len(step.shapes[0]) == 2 for step in steps[:place])


def zeros(settings: Mapping[str, Any]) -> bool:
    """Whether a border is one of zeros; that of a max pool is as low as can be, and as harmless behind a relu."""
    value = settings.get("value")
    return settings.get("mode", "constant") == "constant" and (value is None or value == 0 or value == float("-inf"))


def flat(step: Step) -> bool:
    """Whether a permutation moves nothing but axes of length 1."""
    before, after = ([size for size in shape if size != 1] for shape in step.shapes)
    return before == after and len(set(before)) == len(before)


def told(step: Step, border: tuple[int, ...], *, low: bool = False) -> Done | None:
    """
    One step with its settings; None if it does nothing.

    Args:
        step: The step.
        border: What was put around the map before, which may be part of it.
        low: Whether that are zeros around a map that may be lower, so that a max pool sees them.
    """
    settings, rank = step.settings, max(0, len(step.shapes[0]) - 2)
    if step.kind in POINTWISE and not step.inner and set(settings) == {"other"}:
        return affine(step.kind, settings["other"])
    if step.kind == "mul" and step.inner:
        inner = done(step.inner)[0]
        if len(inner) == 1 and inner[0].kind in ("sigmoid", "hardsigmoid"):
            return Done("silu" if inner[0].kind == "sigmoid" else "hardswish")
        if len(inner) == 2 and plainly(inner[0], 1.0, 3.0) and inner[1].kind == "relu6":
            return HALF_HARDSWISH
    if step.kind in ("max_pool", "avg_pool"):
        kernel = each(settings["kernel_size"], rank)
        stride = each(settings["stride"] or settings["kernel_size"], rank)
        if step.kind == "avg_pool" and kernel == step.shapes[0][2:] and set(step.shapes[1][2:]) == {1}:
            return Done("global average pool")
        edges = overhanging(step, kernel, stride, borders(settings["padding"], border, rank))
        found: list[tuple[str, Any]] = [("kernel", kernel), ("stride", stride), ("border", edges)]
        if any(edges) and step.kind == "avg_pool":
            own = any(each(settings["padding"], rank))  # what hangs over by ceil_mode is never counted
            counts = any(border) or (own and bool(settings.get("count_include_pad", True)))
            found.append(("over", "map and border" if counts else "the map alone"))
        elif any(edges) and low:
            found.append(("around", "zeros"))
        return Done(step.kind, tuple(found))
    if step.kind in ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"):
        if step.shapes[0] == step.shapes[1]:
            return None
        return Done("global average pool") if set(step.shapes[1][2:]) == {1} else Done("adaptive average pool")
    if step.kind == "mean":
        return Done("global average pool")
    if step.kind in ("amax", "max"):
        return Done("global max pool")
    if step.kind == "clamp":
        low, high = (settings.get(name, settings.get(f"{name}_val")) for name in ("min", "max"))
        known = {(0.0, 6.0): "relu6", (0.0, None): "relu"}.get((low, high))
        return Done(known) if known else Done("clamp", (("min", low), ("max", high)))
    if step.kind == "resize":
        ratio = tuple(round(b / a, 3) for a, b in zip(step.shapes[0][2:], step.shapes[1][2:], strict=False))
        corners = () if "nearest" in settings["mode"] else (("corners", "on" if settings["align_corners"] else "off"),)
        return Done("resize", (("factor", ratio), ("mode", settings["mode"]), *corners))
    if step.kind in ("softmax", "log_softmax"):
        return Done(step.kind)
    return Done(step.kind, tuple((n, v) for n, v in settings.items() if isinstance(v, int | float | str) or n == "of"))


def overhanging(
    step: Step, kernel: tuple[int, ...], stride: tuple[int, ...], edges: tuple[int, ...]
) -> tuple[int, ...]:
    """The border of a pool with what its last windows reach beyond it (``ceil_mode``)."""
    found = list(edges)
    if not step.settings.get("ceil_mode"):
        return edges
    for axis, (size, out) in enumerate(zip(step.shapes[0][2:], step.shapes[1][2:], strict=True)):
        reach = (out - 1) * stride[axis] + kernel[axis]
        found[2 * axis + 1] += max(0, reach - size - edges[2 * axis] - edges[2 * axis + 1])
    return tuple(found)


def each(value: Any, rank: int) -> tuple[int, ...]:
    """
    A setting for every axis.

    >>> each(3, 2), each((3, 2), 2)
    ((3, 3), (3, 2))
    """
    return tuple(value) if isinstance(value, list | tuple) and len(value) > 1 else (
        (tuple(value) if isinstance(value, list | tuple) else (value,)) * rank)[:rank]  # fmt: skip


def added(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """Two borders in the order of ``torch.nn.functional.pad`` (last axis first), as one."""
    longer = max(len(first), len(second))
    return tuple(a + b for a, b in zip(*(side + (0,) * (longer - len(side)) for side in (first, second)), strict=True))


def borders(padding: Any, before: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """
    The zeros on either side of every axis, the operation's own and those put on before: ``top bottom left right``.

    >>> borders(0, (0, 1, 0, 1), 2), borders(1, (), 2)
    ((0, 1, 0, 1), (1, 1, 1, 1))
    """
    own = each(padding, rank) if not isinstance(padding, str) else (0,) * rank
    put = before + (0,) * (2 * rank - len(before))
    sides: list[int] = []
    for axis in range(rank):
        low, high = put[2 * (rank - 1 - axis) : 2 * (rank - 1 - axis) + 2]
        sides += [own[axis] + low, own[axis] + high]
    return tuple(sides)


def settings_of(unit: Unit, border: tuple[int, ...]) -> dict[str, Any]:
    """What a unit does beside its parameters, as far as two units of the same sizes can differ."""
    settings, rank = unit.use.settings, max(0, len(unit.use.shapes[0]) - 2) if unit.use.shapes else 0
    if unit.kind in ("conv", "conv_transpose"):
        kernel = {"kd": 0, "kh": 1, "kw": 2}
        weight = unit.parameters["weight"]
        sizes = [size for axis, size in zip(weight.axes.split(), weight.shape, strict=True) if axis in kernel]
        padding = settings["padding"]
        if padding == "same":
            wide = [d * (s - 1) for d, s in zip(each(settings["dilation"], rank), sizes, strict=True)]
            edges = tuple(side for w in wide for side in (w // 2, w - w // 2))
        else:
            edges = borders(padding, border, rank)
        found: dict[str, Any] = {"stride": each(settings["stride"], rank), "padding": edges}
        if unit.kind == "conv_transpose":
            found["output padding"] = each(settings["output_padding"], rank)
        if any(size > 1 for size in sizes):
            found["dilation"] = each(settings["dilation"], rank)
        return found
    if "norm" in unit.kind:
        found = {"epsilon": settings.get("eps")}
        if unit.kind == "group_norm":
            found["groups"] = settings["num_groups"]
        if unit.kind == "batch_norm" and settings.get("momentum") is not None:
            found["momentum"] = settings["momentum"]
        return found
    if unit.kind == "attention":
        return {"heads": settings.get("num_heads")}
    if unit.kind in RECURRENT or unit.kind in CELLS:
        return functions(unit)
    return {}


def functions(unit: Unit) -> dict[str, Any]:
    """The functions of a recurrent unit, where they are known: PyTorch's own have no others."""
    kind, settings = unit.kind.removesuffix("_cell"), unit.use.settings
    if not settings.get("own"):
        own = {"lstm": "tanh", "gru": "tanh", "rnn_tanh": "tanh", "rnn_relu": "relu"}[kind]
        found = {"activation": own, "recurrent activation": "sigmoid", "reset gate": "behind the product"}
    else:
        found = {name.replace("_", " "): settings[name] for name in (*FUNCTIONS, "reset gate") if name in settings}
    known = {"lstm": 2, "gru": 3}.get(kind, 1)
    return {name: found[name] for name in ("activation", "recurrent activation", "reset gate")[:known] if name in found}
