"""
One quantised kernel: how its numbers are packed, and its float form.

A weights file does not say whether a layer is int8 or int4, nor whether a packed axis had an odd length. Shapes of
scale, bias and group index decide nearly always; where only the numbers can tell they are looked at, and where
nothing tells the file is refused: a wrong guess would give plausible, wrong weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import permutations
from math import prod

import numpy as np
from einops import rearrange

from regraft.errors import FileError
from regraft.weights import dequantize
from regraft.weights.nodes import Dataset
from regraft.weights.source import Source
from regraft.weights.tree import Variable
from regraft.weights.variables import variable

FLATTENED = ", flattened to (contracted axes, other axes)"
FROM_BIAS = ", axes taken from the bias"
USUAL_ORDER = ", axes of the scale in the order of the kernel"
ASSUMED = (FLATTENED, FROM_BIAS, USUAL_ORDER)
NEVER = 1e-6  # chance below which half bytes that are all zero are taken for padding
USUAL_ZEROS = 0.2  # part of zeros among 4-bit weights that were not pruned
RESAVE = "In Keras 3.14 or later, load the model and save it again; or save it before it is quantised."


@dataclass(frozen=True)
class Packed:
    """
    The arrays of one quantised kernel.

    Attributes:
        name: Name of the kernel in the file.
        kernel: int8, or two 4-bit numbers a byte.
        scale: One a channel, or one a group and channel.
        kind: ``dense``, ``einsum_dense``, ``attention``, ``embedding``, ``reversible_embedding``, ``kernel`` (one of
            the first three) or empty.
        zero: Zero points of groups.
        groups: Group of each position along the contracted axis.
        awq: Factors of the input channels.
        bias_shape: Of the layer's bias; empty if it has none.
        first: For the reverse embeddings, the embeddings.
    """

    name: str
    kernel: Dataset
    scale: Dataset
    kind: str
    zero: Dataset | None = None
    groups: Dataset | None = None
    awq: Dataset | None = None
    bias_shape: tuple[int, ...] = ()
    first: Packed | None = None


def decoded(file: Source, packed: Packed) -> Variable | None:
    """
    The kernel as a float32 variable; None if it is not certain what the arrays mean.

    Where a kernel of an einsum layer does not tell its axes, ``stored`` ends with one of ``ASSUMED``.

    Raises:
        FileError: If it is certainly quantised, but the file does not tell enough to decode it.
    """
    if packed.kernel.dtype.kind == "u":
        return _calibrated(file, packed)
    if packed.zero is not None:
        return _grouped(file, packed)
    if packed.first is not None:
        return _reverse(file, packed)
    rank, scale = len(packed.kernel.shape), packed.scale.shape
    if rank != 2 or len(scale) != 1:
        return _einsum(file, packed)
    rows, cols = packed.kernel.shape
    by_row, by_col = scale[0] == rows, scale[0] in (cols, 2 * cols, 2 * cols - 1)
    if packed.kind in ("embedding", "reversible_embedding"):
        return _embedding(file, packed) if by_row else None
    if not packed.kind and by_row and by_col:
        return None
    if not packed.kind and by_row:
        return _embedding(file, packed)
    return _dense(file, packed) if by_col else None


def _made(file: Source, packed: Packed, shape: tuple[int, ...], stored: str, load: partial[np.ndarray]) -> Variable:
    """The variable; a flat 4-bit kernel of an einsum layer gets the axes of its bias back, where they fit."""
    if not stored.startswith("int8") and packed.kind not in ("dense", "embedding", "reversible_embedding"):
        if prod(packed.bias_shape) == shape[1] and len(packed.bias_shape) > 1:
            shape = (shape[0], *packed.bias_shape)
            stored += "" if packed.kind == "attention" else FROM_BIAS
        elif packed.kind != "kernel" or len(packed.bias_shape) > 1:
            stored += FLATTENED
    return Variable(
        packed.kernel.path, packed.name, shape, "float32", partial(_load, file, packed, load, shape), stored
    )


def _load(file: Source, packed: Packed, load: partial[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.ascontiguousarray(load()).reshape(shape)
    except ValueError as error:
        raise FileError(
            file.shown, f"the quantised kernel contradicts itself: {error}.", path=packed.kernel.path
        ) from None


def _read(file: Source, node: Dataset) -> np.ndarray:
    """Scales may be bfloat16."""
    return variable(file, node, "").read()


def _dense(file: Source, packed: Packed) -> Variable:
    """One scale a column: int8, or int4 packed along the last axis, or, in Keras 3.11 to 3.13, along the first."""
    (rows, cols), units = packed.kernel.shape, packed.scale.shape[0]
    if units != cols:
        return _made(file, packed, (rows, units), "int4 with scale", partial(_int4, file, packed, -1, units))
    if _is_int8(file, packed.kernel, (1,)):
        return _made(file, packed, (rows, cols), "int8 with scale", partial(_int8, file, packed, (1,)))
    raw = file.read(packed.kernel).view("u1")
    if cols == 1 and _is_padding(raw >> 4, raw & 0x0F):
        return _made(file, packed, (rows, 1), "int4 with scale", partial(_int4, file, packed, -1, 1))
    length = _unpacked(file, packed, raw[-1], raw, rows)
    return _made(file, packed, (length, cols), "int4 with scale", partial(_int4, file, packed, 0, length))


def _embedding(file: Source, packed: Packed) -> Variable:
    """One scale a row: int8, or int4 packed along the last axis."""
    rows, cols = packed.kernel.shape
    if _is_int8(file, packed.kernel, (0,)):
        return _made(file, packed, (rows, cols), "int8 with scale", partial(_int8, file, packed, (0,)))
    raw = file.read(packed.kernel).view("u1")
    length = _unpacked(file, packed, raw[:, -1], raw, cols)
    load = partial(_int4, file, packed, -1, length, by_row=True)
    return _made(file, packed, (rows, length), "int4 with scale", load)


def _reverse(file: Source, packed: Packed) -> Variable | None:
    """The output side of an untied embedding: ``(dim, rows)``, 4-bit numbers packed along the first axis."""
    assert packed.first is not None
    main = decoded(file, packed.first)
    if main is None or packed.scale.shape != packed.kernel.shape[1:]:
        return None
    dim = main.shape[1]
    if packed.kernel.shape[0] == dim:
        return _made(file, packed, packed.kernel.shape, "int8 with scale", partial(_int8, file, packed, (1,)))
    shape = (dim, packed.kernel.shape[1])
    return _made(file, packed, shape, "int4 with scale", partial(_int4, file, packed, 0, dim))


def _einsum(file: Source, packed: Packed) -> Variable:
    """int8 with a scale in the shape of the layer's output: which kernel axes it belongs to is found by length."""
    kernel = packed.kernel
    fits = _alignments(kernel.shape, packed.scale.shape)
    if not fits:
        raise FileError(file.shown, "the scale of this int8 kernel does not fit it.", path=kernel.path)
    if not _is_int8(file, kernel, fits[0]):
        raise FileError(file.shown, "an int4 kernel of Keras 3.11 to 3.13.", path=kernel.path, hint=RESAVE)
    if packed.kind == "attention":
        fits = fits[:1]  # its equations are known: the scale belongs to the last axes
    orders = [axes for axes in fits if set(axes) == set(fits[0])]
    stored = "int8 with scale" + (USUAL_ORDER if len(orders) > 1 else "")
    fits = [axes for axes in fits if list(axes) == sorted(axes)] or fits
    return _made(file, packed, kernel.shape, stored, partial(_int8_einsum, file, packed, fits))


def _alignments(kernel: tuple[int, ...], scale: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Kernel axes that the axes of the scale longer than 1 may belong to; the usual one, the last axes, first."""
    wanted = tuple(n for n in scale if n > 1)
    long_axes = [axis for axis, n in enumerate(kernel) if n > 1]
    found = [axes for axes in permutations(long_axes, len(wanted)) if tuple(kernel[a] for a in axes) == wanted]
    return sorted(found, key=lambda axes: (list(axes) != sorted(axes), [-axis for axis in reversed(axes)]))


def _grouped(file: Source, packed: Packed) -> Variable | None:
    """4-bit numbers with zero points: packed along the last axis, or along the first for reverse embeddings."""
    assert packed.zero is not None
    assert packed.groups is not None
    (rows, cols), scale, count = packed.kernel.shape, packed.scale.shape, packed.groups.shape
    stored = "int4 with scale and zero point"
    if packed.first is not None:
        fits = scale[1] == cols and -(-count[0] // 2) == rows
        shape, pack_axis, group_axis = (count[0], cols), 0, 0
    elif packed.kind in ("embedding", "reversible_embedding"):
        fits = scale[0] == rows and -(-count[0] // 2) == cols
        shape, pack_axis, group_axis = (rows, count[0]), -1, 1
    else:
        fits = count == (rows,) and -(-scale[1] // 2) == cols
        shape, pack_axis, group_axis = (rows, scale[1]), -1, 0
    if not fits or len(count) != 1:
        return None
    return _made(file, packed, shape, stored, partial(_int4_grouped, file, packed, shape, pack_axis, group_axis))


def _calibrated(file: Source, packed: Packed) -> Variable:
    """Gptq and awq: ``(units, cin)``, unsigned, two 4-bit numbers a byte where that halves the units."""
    (stored_units, cin), units = packed.kernel.shape, packed.scale.shape[0]
    if stored_units not in (units, -(-units // 2)):
        raise FileError(file.shown, "the scale of this kernel does not fit it.", path=packed.kernel.path)
    method = "awq" if packed.awq else "gptq"
    return _made(file, packed, (cin, units), f"{method} with scale", partial(_from_groups, file, packed))


def _is_int8(file: Source, node: Dataset, channel_axes: tuple[int, ...]) -> bool:
    """Whether the bytes are numbers of 8 bits, not pairs of 4."""
    values = file.read(node)
    if dequantize.shows_int8(values):
        return True
    if not dequantize.fills_int8(values, channel_axes):
        return False
    # So small or so empty that it could be both: then the other kernels of the file tell.
    for folder in file.root.walk():
        for other in folder.datasets.values():
            if other.dtype == np.int8 and len(other.shape) > 1 and dequantize.shows_int8(file.read(other)):
                return True
    raise FileError(file.shown, "nothing tells whether this kernel is int8 or int4.", path=node.path, hint=RESAVE)


def _is_padding(half_bytes: np.ndarray, others: np.ndarray) -> bool:
    """Whether half bytes are zero, and too many to be so by chance."""
    zeros = max(USUAL_ZEROS, float((others == 0).mean()))
    return not half_bytes.any() and zeros**half_bytes.size < NEVER


def _unpacked(file: Source, packed: Packed, last: np.ndarray, raw: np.ndarray, stored: int) -> int:
    """Length of a packed axis: its last high half bytes are padding where it is odd."""
    if (last >> 4).any():
        return 2 * stored
    if _is_padding(last >> 4, raw & 0x0F):
        return 2 * stored - 1
    raise FileError(
        file.shown,
        f"nothing tells whether an axis of this int4 kernel has {2 * stored - 1} or {2 * stored} entries.",
        path=packed.kernel.path,
        hint=RESAVE,
    )


def _int8(file: Source, packed: Packed, axes: tuple[int, ...]) -> np.ndarray:
    scale, rank = _read(file, packed.scale), len(packed.kernel.shape)
    lengths = [packed.kernel.shape[axis] if axis in axes else 1 for axis in range(rank)]
    squeezed = scale.reshape([n for n in scale.shape if n > 1])
    if len(axes) > 1:
        squeezed = squeezed.transpose(np.argsort(axes))
    return dequantize.per_channel(file.read(packed.kernel), squeezed.reshape(lengths))


def _int8_einsum(file: Source, packed: Packed, fits: list[tuple[int, ...]]) -> np.ndarray:
    if len(fits) > 1:
        values = file.read(packed.kernel)
        fits = [axes for axes in fits if dequantize.fills_int8(values, axes)]
        if len(fits) != 1:
            raise ValueError("equal lengths hide which axes its scale belongs to")
    return _int8(file, packed, fits[0])


def _int4(file: Source, packed: Packed, axis: int, length: int, *, by_row: bool = False) -> np.ndarray:
    values = dequantize.unpack(file.read(packed.kernel), axis, length, signed=True)
    scale = _read(file, packed.scale)
    return dequantize.per_channel(values, rearrange(scale, "rows -> rows 1") if by_row else scale)


def _int4_grouped(file: Source, packed: Packed, shape: tuple[int, ...], pack_axis: int, group_axis: int) -> np.ndarray:
    assert packed.zero is not None
    assert packed.groups is not None
    values = dequantize.unpack(file.read(packed.kernel), pack_axis, shape[pack_axis], signed=True)
    scale, zero, groups = (_read(file, node) for node in (packed.scale, packed.zero, packed.groups))
    return dequantize.grouped(values, scale, zero, groups, group_axis)


def _from_groups(file: Source, packed: Packed) -> np.ndarray:
    assert packed.zero is not None
    assert packed.groups is not None
    values, units = file.read(packed.kernel), packed.scale.shape[0]
    if not values.any():
        raise ValueError("it was saved before it was calibrated, so it is all zero")
    if values.shape[0] != units or (packed.awq and units == 1):
        values = dequantize.unpack(values, 0, units, signed=False)
    scale, zero, groups = (_read(file, node) for node in (packed.scale, packed.zero, packed.groups))
    kernel = rearrange(dequantize.grouped(values, scale, zero, groups, 1), "units cin -> cin units")
    return kernel if packed.awq is None else kernel / rearrange(_read(file, packed.awq), "cin -> cin 1")
