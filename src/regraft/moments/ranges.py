"""
Which values a tensor can have, and whether a BatchNorm stores moments that such values cannot have.

Behind a relu no mean is negative, behind a sigmoid none is above 1, and the variance of values between two bounds has a
limit too. So a BatchNorm right behind an activation tests it even where nothing is known of what came before.
"""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from regraft.blueprint import LayerSpec
from regraft.moments.activations import Function, function
from regraft.moments.norms import Norm
from regraft.moments.step import Step

Range = tuple[float, float]
ANY: Range = (-math.inf, math.inf)
#: Layers that give nothing but values that entered, or means of them.
KEEPS = ("MaxPooling", "AveragePooling", "GlobalMax", "GlobalAverage", "Cropping", "UpSampling", "SpatialDropout")
KEEPS_TOO = frozenset("Dropout Flatten Reshape Permute RepeatVector Maximum Minimum Average".split())
LINEAR = ("Dense", "Conv", "Separable", "Depthwise")
PROBE = np.concatenate([-np.geomspace(1e3, 1e-3, 120), [0.0], np.geomspace(1e-3, 1e3, 120)])
EDGES = np.array([-1e3, 1e3])
#: Beyond this a bound is none.
HUGE = 1e6
#: Share of a standard deviation by which a moving average may pass a bound.
SLACK = 0.05


def behind(a: Function, entering: Range = ANY) -> Range:
    """The values of a function of one element on a range; infinite where it still grows at 1000."""
    low, high = entering
    values, ends, near = (
        np.asarray(a(x[None, None, :])).reshape(-1, len(x)) for x in (np.clip(PROBE, low, high), EDGES, 0.9 * EDGES)
    )
    is_open = np.array([low == -math.inf, high == math.inf])
    falls, grows = ((ends < near - 1e-3) & is_open).any(), ((ends > near + 1e-3) & is_open).any()
    low, high = float(values.min()), float(values.max())
    return -math.inf if falls or low < -HUGE else low, math.inf if grows or high > HUGE else high


def range_after(step: Step) -> Range:
    """The values that leave a layer, from those that enter it."""
    kind = step.spec.type
    entering = [(flow.low, flow.high) for flow in step.flows] or [ANY]
    hull = (min(low for low, _ in entering), max(high for _, high in entering))
    if kind in ("Activation", "ReLU", "LeakyReLU", "ELU", "PReLU"):
        return through(step.spec, step, hull)
    if kind == "Softmax":
        return 0.0, 1.0
    if kind in ("LSTM", "GRU", "Bidirectional"):
        return recurrent(step.spec)
    if kind.startswith(LINEAR):
        activation = getattr(step.layer, "activation", "linear")
        return ANY if activation == "linear" else through(activation, step, ANY)
    if kind.startswith("ZeroPadding"):
        return min(hull[0], 0.0), max(hull[1], 0.0)
    if kind.startswith(KEEPS) or kind in KEEPS_TOO or kind == "Concatenate":
        return hull
    if kind == "Add":
        return reduce(lambda a, b: (a[0] + b[0], a[1] + b[1]), entering)
    return ANY


def recurrent(spec: LayerSpec) -> Range:
    """The values of a gated layer: those of its activation, as its gates let no more than all through."""
    inner = spec.config.get("layer")
    if isinstance(inner, LayerSpec):
        return recurrent(inner) if spec.config.get("merge_mode") in ("concat", "ave", None) else ANY
    bounded = spec.type in ("LSTM", "GRU") and spec.config.get("activation", "tanh") == "tanh"
    return (-1.0, 1.0) if bounded else ANY


def through(activation: str | LayerSpec, step: Step, entering: Range) -> Range:
    """The values behind an activation; softmax gives shares."""
    if activation == "softmax":
        return 0.0, 1.0
    a = function(activation, step.arrays)
    return ANY if a is None else behind(a, entering)


def impossible(values: Range, bn: Norm) -> float:
    """
    The share of the live channels whose stored moments values of this range cannot have.

    Args:
        values: What can arrive at the BatchNorm.
        bn: The BatchNorm.

    Returns:
        0 to 1; 0 where nothing is known.
    """
    low, high = values
    if bn.trouble or values == ANY:
        return 0.0
    mean, sd = bn.mean[bn.live], bn.sd[bn.live]
    wrong = (mean < low - SLACK * sd) | (mean > high + SLACK * sd)
    if math.isfinite(low) and math.isfinite(high):
        most = np.maximum((mean - low) * (high - mean), 0.0)
        wrong |= np.square(sd) > 1.1 * most + (SLACK * (high - low)) ** 2
    return float(wrong.mean()) if wrong.size else 0.0
