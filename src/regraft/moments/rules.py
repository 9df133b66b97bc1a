"""Which rule carries moments through which layer type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from regraft.moments.flow import Flow, once, unknown
from regraft.moments.merges import add, concatenated, merged, multiply, subtract
from regraft.moments.moving import (
    average_pool,
    flatten,
    global_average,
    global_max,
    max_pool,
    permute,
    repeat,
    reshape,
    resized,
    unchanged,
    zero_padding,
)
from regraft.moments.ranges import ANY, range_after
from regraft.moments.step import Step
from regraft.moments.through_linear import activation_layer, convolution, dense, transposed

Rule = Callable[[Step], Flow]
#: Layers whose mean output nothing in the file tells.
BLIND = {
    "Embedding": "how often each word occurs is not known",
    "LSTM": "a recurrent layer",
    "GRU": "a recurrent layer",
    "SimpleRNN": "a recurrent layer",
    "RNN": "a recurrent layer",
    "Bidirectional": "a recurrent layer",
    "ConvLSTM2D": "a recurrent layer",
    "Masking": "how much is masked is not known",
}


def average(step: Step) -> Flow:
    """The mean of several tensors."""
    return merged(step, add, factor=1.0 / len(step.flows))


def product(step: Step) -> Flow:
    """The product of several tensors."""
    return merged(step, multiply, "a product of tensors")


def rescaled(step: Step) -> Flow:
    """``Rescaling`` with plain numbers."""
    layer: Any = step.layer
    flow = step.flows[0]
    if flow.law is None or isinstance(layer.scale, tuple) or isinstance(layer.offset, tuple) or flow.margins:
        return unknown(f"{step.name} scales each place by its own number")
    factor, offset = np.asarray([layer.scale]), np.asarray([layer.offset])
    return flow.onward(step.name, lambda law: law.affine(factor, offset))


def layer_scale(step: Step) -> Flow:
    """Each channel times a stored number."""
    flow, gamma = step.flows[0], step.arrays.get("gamma")
    if flow.law is None or gamma is None or len(gamma) != flow.law.channels or flow.axis != -1:
        return unknown(f"{step.name}: its factors do not fit the channels")
    gamma = np.asarray(gamma, np.float64)
    return flow.onward(step.name, lambda law: law.affine(gamma, np.zeros_like(gamma)))


def by_rank(name: str, rule: Rule) -> dict[str, Rule]:
    """The same rule for the classes of one to three axes."""
    return {name.format(n): rule for n in (1, 2, 3)}


RULES: Mapping[str, Rule] = {
    "Dense": dense,
    **by_rank("Conv{}D", convolution),
    **by_rank("DepthwiseConv{}D", convolution),
    **by_rank("SeparableConv{}D", convolution),
    **by_rank("Conv{}DTranspose", transposed),
    **dict.fromkeys(("Activation", "ReLU", "LeakyReLU", "ELU", "PReLU"), activation_layer),
    **by_rank("MaxPooling{}D", max_pool),
    **by_rank("AveragePooling{}D", average_pool),
    **by_rank("GlobalAveragePooling{}D", global_average),
    **by_rank("GlobalMaxPooling{}D", global_max),
    **by_rank("ZeroPadding{}D", zero_padding),
    **by_rank("Cropping{}D", resized),
    **by_rank("UpSampling{}D", resized),
    **by_rank("SpatialDropout{}D", unchanged),
    **dict.fromkeys(("Resizing", "CenterCrop"), resized),
    **dict.fromkeys(
        ("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization"), unchanged
    ),
    **dict.fromkeys(("Add", "AddOperation"), partial(merged, combine=add)),
    **dict.fromkeys(("Subtract", "SubtractOperation"), partial(merged, combine=subtract)),
    **dict.fromkeys(("Multiply", "MultiplyOperation"), product),
    "Average": average,
    "Concatenate": concatenated,
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "RepeatVector": repeat,
    "Rescaling": rescaled,
    "LayerScale": layer_scale,
}


def carried(step: Step) -> Flow:
    """What leaves a layer that is no BatchNorm and no model."""
    low, high = range_after(step)
    bounds = () if (low, high) == ANY else once([*(name for flow in step.flows for name in flow.squashed), step.name])
    return replace(law_after(step), low=low, high=high, squashed=bounds)


def law_after(step: Step) -> Flow:
    """The distribution that leaves a layer."""
    reason = BLIND.get(step.spec.type)
    if reason:
        return unknown(f"{step.name}: {reason}")
    blind = next((flow for flow in step.flows if flow.law is None), None)
    if blind is not None:
        return blind
    rule = RULES.get(step.spec.type)
    if rule is None or not step.flows:
        return unknown(f"{step.name}: nothing is known of what {step.spec.type} does to means")
    return rule(step)
