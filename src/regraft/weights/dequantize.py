"""
Quantised kernels as float32: the arithmetic of Keras' own layers, element by element.

Two conventions meet here. Kernels with one scale a channel are ``q / scale``; kernels with groups and zero points
are ``(q - zero) * scale``. Sources: ``keras/src/quantizers/quantizers.py`` (``unpack_int4``,
``dequantize_with_sz_map``) and ``layers/core/{dense,einsum_dense,embedding,reversible_embedding}.py``, Keras 3.15.
"""

from __future__ import annotations

import numpy as np
from einops import rearrange


def unpack(packed: np.ndarray, axis: int, length: int, *, signed: bool) -> np.ndarray:
    """
    Two 4-bit numbers from each byte along ``axis`` (0 or -1); the low half comes first.

    Args:
        packed: int8 or uint8, two axes.
        axis: The packed axis.
        length: Unpacked length of that axis; the last half byte is padding where it is odd.
        signed: Whether the numbers are -8 to 7, else 0 to 15.
    """
    raw = packed.view("u1")
    low, high = raw & 0x0F, raw >> 4
    pattern = "rows cols half -> (rows half) cols" if axis == 0 else "rows cols half -> rows (cols half)"
    both = rearrange(np.stack([low, high], axis=-1), pattern)
    both = both[:length] if axis == 0 else both[:, :length]
    return (both ^ 8).astype("i1") - 8 if signed else both


def per_channel(quantised: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """``q / scale``, where ``scale`` broadcasts against ``q``."""
    values = quantised.astype("f4")
    values /= scale.astype("f4")
    return values


def grouped(quantised: np.ndarray, scale: np.ndarray, zero: np.ndarray, group: np.ndarray, axis: int) -> np.ndarray:
    """
    ``(q - zero[g]) * scale[g]``.

    Args:
        quantised: Two axes.
        scale: As ``quantised``, but ``axis`` counts groups.
        zero: As ``scale``.
        group: Group of each position along ``axis``.
        axis: The grouped axis.

    Raises:
        ValueError: If a group does not exist.
    """
    index = np.rint(group.astype("f8")).astype("i8")
    if index.shape != (quantised.shape[axis],) or index.min(initial=0) < 0 or index.max(initial=0) >= scale.shape[axis]:
        raise ValueError("g_idx names a group that does not exist")
    values = quantised.astype("f4")
    values -= np.take(zero, index, axis=axis).astype("f4")
    values *= np.take(scale, index, axis=axis).astype("f4")
    return values


def shows_int8(quantised: np.ndarray) -> bool:
    """
    Whether the bytes cannot be pairs of symmetric 4-bit numbers.

    With one scale a channel Keras maps to -7 ... 7, so a half byte of -8 never occurs in int4.
    """
    raw = quantised.view("u1")
    return bool(((raw & 0x0F) == 8).any() or ((raw >> 4) == 8).any())


def fills_int8(quantised: np.ndarray, channel_axes: tuple[int, ...]) -> bool:
    """Whether every channel that is not all zero reaches 127, as Keras' int8 scaling makes it."""
    others = tuple(axis for axis in range(quantised.ndim) if axis not in channel_axes)
    largest = np.abs(quantised.astype("i2")).max(axis=others, initial=0)
    return bool(np.isin(largest, (0, 127)).all())
