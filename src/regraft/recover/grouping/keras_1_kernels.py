"""Convolutions of Keras 0 and 1: the kernel lies as ``dim_ordering`` says, and that of Conv1D has an axis more."""

from __future__ import annotations

from collections.abc import Iterator

from regraft.layers import KerasVersion
from regraft.recover.grouping.open_forms import OpenFit

KERAS_1_TYPES = frozenset({"Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "SeparableConv2D"})
ORDERS = ("channels_last", "channels_first")
Shapes = tuple[tuple[int, ...], ...]


def keras_1_kernels(shapes: Shapes, version: KerasVersion) -> Iterator[OpenFit]:
    """
    The convolutions that the arrays can be, in both orders as far as they fit.

    Sources: ``keras/layers/convolutional.py`` of 0.3.3 (channels first only), 1.0 and 1.2.2.
    """
    orders = ORDERS[1:] if version.before(1) else ORDERS
    for order in orders:
        yield from _convolutions(shapes, order, version)
        yield from _separable(shapes, order)


def _convolutions(shapes: Shapes, order: str, version: KerasVersion) -> Iterator[OpenFit]:
    kernel, *rest = shapes
    rank = len(kernel) - 2
    if rank not in (2, 3) or len(rest) > 1:
        return
    first = order == "channels_first"
    window, cout = (kernel[2:], kernel[0]) if first else (kernel[:-2], kernel[-1])
    if rest and rest[0] != (cout,):
        return
    # Windows are small and square, so the order that makes them so is the likely one.
    odd = 1.5 * (len(set(window)) > 1) + (2.0 if max(window) > max(kernel) / 2 and max(kernel) > 7 else 0.0)
    roles = ("kernel", "bias")[: len(shapes)]
    bias = {"use_bias": len(rest) == 1}
    if rank == 2 and window[1] == 1:
        cost = 2.2 + (2.5 if window[0] == 1 else 0.0) + (0.5 if first and not version.before(1, 1) else 0.0)
        yield OpenFit("Conv1D", {"filters": cout, "kernel_size": window[:1], **bias}, cost, roles)
    settings = {"filters": cout, "kernel_size": window, "data_format": order, **bias}
    yield OpenFit(f"Conv{rank}D", settings, 1.4 + odd, roles)
    if rank == 2:
        yield OpenFit("Conv2DTranspose", settings, 5.0 + odd, roles)


def _separable(shapes: Shapes, order: str) -> Iterator[OpenFit]:
    if len(shapes) not in (2, 3) or len(shapes[0]) != 4 or len(shapes[1]) != 4:
        return
    depthwise, pointwise = shapes[:2]
    if order == "channels_first":
        multiplier, cin, *window = depthwise
        cout, middle, *ones = pointwise
    else:
        *window, cin, multiplier = depthwise
        *ones, middle, cout = pointwise
    if ones != [1, 1] or middle != cin * multiplier or (len(shapes) == 3 and shapes[2] != (cout,)):
        return
    settings = {
        "filters": cout,
        "kernel_size": tuple(window),
        "depth_multiplier": multiplier,
        "data_format": order,
        "use_bias": len(shapes) == 3,
    }
    roles = ("depthwise_kernel", "pointwise_kernel", "bias")[: len(shapes)]
    yield OpenFit("SeparableConv2D", settings, 2.5, roles)
