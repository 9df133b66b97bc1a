"""
How much of a map each tap of a sliding kernel sees.

With zero padding a tap at distance d from the centre reads a zero at d of H positions, so it weighs ``1 - d / H`` in
the mean of the output. That is how padding, dilation and map size leave a trace in stored means.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

#: ``valid``, ``same``, ``causal``, or the number of zeros before and after the map.
Padding = str | tuple[int, int]


def padding_before(size: int, window: int, stride: int, padding: Padding) -> tuple[int, int]:
    """
    Zeros before and after one axis, as TensorFlow puts them: the odd one comes after.

    >>> padding_before(8, 3, 2, "same"), padding_before(9, 3, 2, "same")
    ((0, 1), (1, 1))
    """
    if isinstance(padding, tuple):
        return padding
    if padding == "causal":
        return window - 1, 0
    if padding == "valid":
        return 0, 0
    total = max(window - 1 - (size - 1) % stride, 0)
    return total // 2, total - total // 2


@cache
def sight(taps: int, size: int, padding: Padding = "same", stride: int = 1, dilation: int = 1) -> np.ndarray:
    """
    For one axis which taps read the map at each output position: ``(positions, taps)`` of bool, read-only.

    Args:
        taps: Kernel size along the axis.
        size: Length of the map, without padding.
        padding: ``valid``, ``same``, ``causal``, or the number of zeros (before, after).
        stride: Of the kernel.
        dilation: Of the kernel.
    """
    window = (taps - 1) * dilation + 1
    before, after = padding_before(size, window, stride, padding)
    count = max((size + before + after - window) // stride + 1, 0)
    places = np.arange(count)[:, None] * stride + np.arange(taps) * dilation - before
    seen = (places >= 0) & (places < size)
    seen.flags.writeable = False
    return seen


@cache
def axis_shares(
    taps: int, size: int | None, padding: Padding = "same", stride: int = 1, dilation: int = 1
) -> np.ndarray:
    """
    For one axis the share of the output positions at which each tap reads the map and not the padding.

    Args:
        taps: Kernel size along the axis.
        size: Length of the map, without padding; None where it is not known or so long that borders do not count.
        padding: ``valid``, ``same``, ``causal``, or the number of zeros (before, after).
        stride: Of the kernel.
        dilation: Of the kernel.

    Returns:
        ``(taps,)``, read-only; all ones for ``valid`` and for an unknown size.

    >>> axis_shares(3, 10).tolist()
    [0.9, 1.0, 0.9]
    """
    shares = np.ones(taps)
    if size is not None and padding not in ("valid", (0, 0)):
        seen = sight(taps, size, padding, stride, dilation)
        shares = seen.mean(0) if len(seen) else shares
    shares.flags.writeable = False
    return shares


@cache
def spread_shares(taps: int, size: int | None, length: int | None, cut: int, stride: int, dilation: int) -> np.ndarray:
    """
    For one axis of a transposed convolution the share of the output positions that receive each tap.

    Args:
        taps: Kernel size along the axis.
        size: Length of the input; None if unknown.
        length: Length of the output; None if unknown.
        cut: How many elements Keras cuts off the start of the full result.
        stride: Of the layer.
        dilation: Of the layer.

    Returns:
        ``(taps,)``, read-only; ``1 / stride`` each where the sizes are unknown.
    """
    shares = np.full(taps, 1.0 / stride)
    if size is not None and length:
        places = np.arange(size)[:, None] * stride + np.arange(taps) * dilation - cut
        shares = ((places >= 0) & (places < length)).sum(0) / length
    shares.flags.writeable = False
    return shares


def window_shares(
    kernel_size: Sequence[int],
    sizes: Sequence[int | None],
    padding: Padding | Sequence[Padding] = "same",
    strides: Sequence[int] | int = 1,
    dilation: Sequence[int] | int = 1,
) -> np.ndarray:
    """
    The share of every tap of a kernel with several axes: the product over its axes.

    Args:
        kernel_size: One number a spatial axis.
        sizes: Of the map that enters, one an axis; None for an axis that is unknown or has no border effect.
        padding: For all axes, or a list with one an axis.
        strides: One an axis, or one for all.
        dilation: One an axis, or one for all.

    Returns:
        ``(*kernel_size,)``.
    """
    rank = len(kernel_size)
    steps = (strides,) * rank if isinstance(strides, int) else strides
    holes = (dilation,) * rank if isinstance(dilation, int) else dilation
    every = padding if isinstance(padding, list) else [padding] * rank
    shares = np.ones(())
    for axis in zip(kernel_size, sizes, every, steps, holes, strict=True):
        shares = np.multiply.outer(shares, axis_shares(*axis))
    return shares
