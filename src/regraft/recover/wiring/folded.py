"""The variables of the layers of a file as constant maps see them: kernels summed over their taps."""

from __future__ import annotations

import numpy as np

from regraft.blueprint import LayerSpec
from regraft.errors import RegraftError
from regraft.layers import KerasVersion, build
from regraft.layers.binding import bind_layer
from regraft.recover.part import Grouping, Part

Held = dict[str, np.ndarray]


def folded(grouping: Grouping) -> dict[str, Held]:
    """
    The variables of the layers that carry means or store them, by layer.

    Of a BatchNorm all it stores; of a linear layer ``kernel``, ``(cin, cout)`` or ``(c,)`` where it mixes no channels, and
    ``bias``.
    """
    return {part.name: held for part in grouping.parts if (held := held_by(part, grouping))}


def held_by(part: Part, grouping: Grouping) -> Held:
    """The variables of one layer as constant maps see them."""
    kernels = part.type.startswith(("Conv", "DepthwiseConv", "SeparableConv", "Dense")) and "Transpose" not in part.type
    if not kernels and part.type != "BatchNormalization":
        return {}
    held = variables(part, grouping)
    return held if not kernels else linear(part.type, held)


def variables(part: Part, grouping: Grouping) -> Held:
    """The variables of one layer by their Keras names; none where they do not fit."""
    tree = grouping.tree
    spec = LayerSpec(part.name, part.type, part.settings)
    version = KerasVersion.parse(tree.keras_version or "3")
    try:
        bound, wrong = bind_layer(spec, build(spec), part.group, tree, version, tree.backend == "theano")
        return {} if wrong else {name: np.asarray(b.read(), np.float64) for name, b in bound.items()}
    except (RegraftError, TypeError, ValueError, IndexError, KeyError, AttributeError):
        return {}


def linear(kind: str, held: Held) -> Held:
    """A kernel summed over its taps, with the bias."""
    kernel: np.ndarray | None = held.get("kernel")
    if kind.startswith("Separable") and {"depthwise_kernel", "pointwise_kernel"} <= set(held):
        depth, point = taps(held["depthwise_kernel"]), taps(held["pointwise_kernel"])
        cin, multiplier = depth.shape
        kernel = (depth[:, :, None] * point.reshape(cin, multiplier, -1)).sum(1)
    elif kernel is not None and kernel.ndim >= 2:
        kernel = taps(kernel)
        if kind.startswith("Depthwise"):
            kernel = kernel[:, 0] if kernel.shape[1] == 1 else None
    if kernel is None:
        return {}
    return {"kernel": kernel} | ({"bias": held["bias"]} if "bias" in held else {})


def taps(kernel: np.ndarray) -> np.ndarray:
    """``(..., cin, cout)`` summed over the axes in front."""
    return kernel.reshape(-1, *kernel.shape[-2:]).sum(0)
