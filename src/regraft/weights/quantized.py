"""
Quantised layers: which stored arrays belong together, and the kernel that they stand for.

The decoded kernel takes the place of the quantised one; its scale, zero point and group index are used up. The
order of the arrays is that of ``variable_serialization_spec`` in ``keras/src/layers/core/*.py`` (Keras 3.15).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod

import numpy as np

from regraft.errors import FileError, quote
from regraft.weights.nodes import Dataset
from regraft.weights.order import counted
from regraft.weights.packed import ASSUMED, FLATTENED, Packed, decoded
from regraft.weights.source import Source
from regraft.weights.tree import Group, Variable
from regraft.weights.variables import variable

Item = tuple[str, Dataset]  # name in the file, array
FLOAT8 = "float8 scaling state; the kernel itself is stored as float"
EMBEDDINGS = {"embedding", "reversible_embedding"}
VALUE, OUTPUT = {"value_dense", "value"}, {"output_dense", "attention_output"}  # as attributes, and as layer names
ATTENTION = VALUE | OUTPUT | {"query_dense", "query", "key_dense", "key"}


@dataclass(frozen=True)
class Decoded:
    """
    The variables of one layer after decoding.

    Attributes:
        variables: The kernel first, as in a layer that is not quantised.
        notes: What a person should know.
        ignored: Paths left out, with the reason.
    """

    variables: tuple[Variable, ...]
    notes: tuple[str, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()


def layer_kind(*names: str) -> str:
    """The type of a layer that can be quantised, from its group key or its name; empty for others."""
    for name in names:
        stem = counted(name)[0].lstrip("_")
        if stem in EMBEDDINGS or stem in ("dense", "einsum_dense"):
            return stem
        if stem in ATTENTION:
            return "attention"
    return ""


def decode_numbered(file: Source, items: Sequence[Item], kind: str) -> Decoded:
    """
    Variables of a ``vars`` group.

    Args:
        file: Where they lie.
        items: In ascending order.
        kind: From ``layer_kind``.
    """
    nodes = [node for _, node in items]
    if not any(node.dtype.kind in "iu" and node.dtype.itemsize == 1 and len(node.shape) > 1 for node in nodes):
        return _float8(file, items) or _plain(file, items)
    _refuse_without_zeros(file, nodes)
    for match in (_match_symmetric, _match_calibrated):
        found = match(items, kind)
        if found is not None:
            return _decode(file, items, found)
    return _plain(file, items)


def decode_named(file: Source, items: Sequence[Item]) -> Decoded:
    """
    Variables of a legacy layer group, where names tell their roles: ``dense/kernel``, ``dense/kernel_scale``.

    Each sublayer is decoded for itself, and its kernel comes first.
    """
    if not any("scale" in name for name, _ in items):
        return _plain(file, items)
    sublayers: dict[str, dict[str, Item]] = {}
    for name, node in items:
        prefix, _, role = name.removesuffix(":0").rpartition("/")
        sublayers.setdefault(prefix, {})[role] = (name, node)
    parts = {prefix: decode_numbered(file, *_as_numbered(prefix, roles)) for prefix, roles in sublayers.items()}
    variables: list[Variable] = []
    for prefix, part in parts.items():
        above, _, name = prefix.rpartition("/")
        value = parts.get(f"{above}/value") if name in OUTPUT else None
        variables += _restored(value.variables, part.variables) if value else part.variables
    return Decoded(
        tuple(variables),
        tuple(note for part in parts.values() for note in part.notes),
        tuple(entry for part in parts.values() for entry in part.ignored),
    )


NUMBERED = (
    "kernel bias inputs_scale inputs_amax_history kernel_scale kernel_amax_history outputs_grad_scale "
    "outputs_grad_amax_history kernel_zero awq_scales embeddings embeddings_scale embeddings_zero g_idx "
    "reverse_embeddings reverse_embeddings_scale reverse_embeddings_zero"
).split()


def _as_numbered(prefix: str, roles: dict[str, Item]) -> tuple[list[Item], str]:
    """Roles in the order of a ``vars`` group, and the kind of layer that has them."""
    known = [roles[role] for role in NUMBERED if role in roles]
    if "kernel" in roles and roles["kernel"][1].dtype.kind == "u" and "bias" in roles:
        known.insert(0, known.pop(1))  # gptq and awq store the bias first
    rest = [item for role, item in roles.items() if role not in NUMBERED]
    kind = "embedding" if "embeddings" in roles else layer_kind(prefix.rpartition("/")[2])
    return known + rest, kind or "kernel"


def _plain(file: Source, items: Sequence[Item]) -> Decoded:
    return Decoded(tuple(variable(file, node, name) for name, node in items))


def _is_float(node: Dataset) -> bool:
    return node.dtype.kind in "fV" and not node.problem


def _is_byte(node: Dataset, kind: str) -> bool:
    return node.dtype.kind == kind and node.dtype.itemsize == 1 and len(node.shape) > 1


@dataclass(frozen=True)
class _Match:
    kernels: tuple[Packed, ...]
    bias: Item | None


def _match_symmetric(items: Sequence[Item], kind: str) -> _Match | None:
    """``kernel, [bias], scale, [zero, groups]``, and for untied embeddings the same again."""
    rest = list(items)
    bias: Item | None = None
    if len(rest) in (3, 5) and _is_float(rest[1][1]) and _is_float(rest[2][1]):
        bias = rest.pop(1)
    first = _take_symmetric(rest, kind, bias)
    if first is None:
        return None
    if not rest:
        return _Match((first,), bias)
    second = _take_symmetric(rest, kind, None, first)
    return _Match((first, second), bias) if second is not None and not rest else None


def _take_symmetric(rest: list[Item], kind: str, bias: Item | None, first: Packed | None = None) -> Packed | None:
    if len(rest) < 2 or not _is_byte(rest[0][1], "i") or not _is_float(rest[1][1]):
        return None
    (name, kernel), (_, scale) = rest.pop(0), rest.pop(0)
    zero = groups = None
    if rest and rest[0][1].shape == scale.shape and len(scale.shape) == 2:
        zero, groups = rest.pop(0)[1], rest.pop(0)[1] if rest and not first else None
        if first is not None:
            groups = first.groups
        if groups is None:
            return None
    bias_shape = bias[1].shape if bias else ()
    return Packed(name, kernel, scale, kind, zero, groups, None, bias_shape, first)


def _match_calibrated(items: Sequence[Item], kind: str) -> _Match | None:
    """Gptq and awq: ``[bias], kernel, scale, zero, [awq scales], groups``."""
    rest = list(items)
    bias = rest.pop(0) if rest and _is_float(rest[0][1]) else None
    if len(rest) not in (4, 5) or not _is_byte(rest[0][1], "u"):
        return None
    (name, kernel), scale, zero, *awq, groups = rest[0], rest[1][1], rest[2][1], *(node for _, node in rest[3:])
    if len(scale.shape) != 2 or zero.shape != scale.shape or groups.shape != kernel.shape[1:]:
        return None
    packed = Packed(name, kernel, scale, kind, zero, groups, awq[0] if awq else None, bias[1].shape if bias else ())
    return _Match((packed,), bias)


def _refuse_without_zeros(file: Source, nodes: Sequence[Dataset]) -> None:
    """Keras 3.15 forgets the zero points of gptq and awq layers in .weights.h5; it cannot load such a file either."""
    rest = list(nodes[1:] if _is_float(nodes[0]) else nodes)
    calibrated = len(rest) > 2 and _is_byte(rest[0], "u") and len(rest[1].shape) == 2 and _is_float(rest[1])
    if calibrated and rest[-1].shape == rest[0].shape[1:] and rest[2].shape != rest[1].shape:
        raise FileError(
            file.shown,
            "a gptq or awq kernel without its zero points, which some versions of Keras do not save.",
            path=rest[0].path,
            hint="Save the model before it is quantised, or with model.save('x.h5').",
        )


def _decode(file: Source, items: Sequence[Item], match: _Match) -> Decoded:
    variables: list[Variable] = []
    for packed in match.kernels:
        found = decoded(file, packed)
        if found is None:
            kernel = match.kernels[0].kernel.path
            plain = _plain(file, items)
            return Decoded(
                plain.variables, (f"{quote(kernel)} looks quantised, but it is not certain how: left as stored",)
            )
        variables.append(found)
    if match.bias is not None:
        variables.insert(1, variable(file, match.bias[1], match.bias[0]))
    return Decoded(tuple(variables))


def _float8(file: Source, items: Sequence[Item]) -> Decoded | None:
    """Float8 training keeps the kernel in float32, next to three pairs of a scale and a history of maxima."""
    for count in (1, 2):
        state = [node for _, node in items[count:]]
        if len(state) == 6 and all(
            _is_float(scale) and _is_float(history) and scale.shape == () and len(history.shape) == 1
            for scale, history in zip(state[::2], state[1::2], strict=True)
        ):
            kept = _plain(file, items[:count])
            note = "float8 layers: PyTorch calculates them in the type of the stored kernel, so results differ slightly"
            return Decoded(kept.variables, (note,), tuple((node.path, FLOAT8) for node in state))
    return None


def restore_attention(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Give the flattened output kernel of an attention layer its axes back: the value kernel has heads and size."""
    value = next((group.variables for group in groups if group.key.lstrip("_") in VALUE), ())
    return tuple(
        replace(group, variables=_restored(value, group.variables)) if group.key.lstrip("_") in OUTPUT else group
        for group in groups
    )


def _restored(value: tuple[Variable, ...], output: tuple[Variable, ...]) -> tuple[Variable, ...]:
    if not value or not output or not output[0].stored.endswith(FLATTENED):
        return output
    kernel, heads = output[0], value[0].shape[1:]
    if len(heads) != 2 or prod(heads) != kernel.shape[0]:
        return output
    shape = (*heads, kernel.shape[1])
    stored = kernel.stored.removesuffix(FLATTENED)
    return (replace(kernel, shape=shape, loader=partial(_reshaped, kernel, shape), stored=stored), *output[1:])


def _reshaped(kernel: Variable, shape: tuple[int, ...]) -> np.ndarray:
    return kernel.read().reshape(shape)


def assumed_note(variables: Iterable[Variable]) -> str:
    """A note if kernels do not tell their axes, else an empty text."""
    paths = [variable.path for variable in variables if variable.stored.endswith(ASSUMED)]
    if not paths:
        return ""
    return (
        f"{len(paths)} quantised kernels, the first at {quote(paths[0])}, do not tell their axes: only the equation of "
        "the layer does"
    )
