"""Rules for layers without weights that move, repeat, pool, cut or pad."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from regraft.moments.flow import Flow, channel_axis, repeated, settled, spatial, unknown
from regraft.moments.law import Law
from regraft.moments.moment import Moments
from regraft.moments.step import Step

FLATTENED = "a flattened map, whose places may differ"
MAXIMUM = "a maximum over neighbours"


def unchanged(step: Step) -> Flow:
    """Dropout, noise and the like at inference, enlarging by repetition: the distribution stays."""
    flow = step.flows[0]
    return flow.onward(step.name, lambda law: law)


def resized(step: Step) -> Flow:
    """Maps of another size: enlarged, cut."""
    return unchanged(replace(step, flows=(settled(step.flows[0], step.shapes[0]),)))


def zero_padding(step: Step) -> Flow:
    """Zeros around the map wait for the kernel that reads them."""
    layer: Any = step.layer
    flow = unchanged(step)
    before = flow.margins or ((0, 0),) * len(layer.padding)
    return replace(flow, margins=tuple((a + c, b + d) for (a, b), (c, d) in zip(before, layer.padding, strict=True)))


def max_pool(step: Step) -> Flow:
    """The largest of a window: equal neighbours in the first bound, independent ones in the second."""
    layer: Any = step.layer
    flow = settled(step.flows[0], step.shapes[0])
    count = math.prod(layer.pool_size)
    return flow.onward(step.name, lambda law: law.maximum(count), MAXIMUM)


def average_pool(step: Step) -> Flow:
    """The mean of a window keeps the mean; its variance lies between those of equal and of independent neighbours."""
    layer: Any = step.layer
    flow = settled(step.flows[0], step.shapes[0])
    if flow.law is None:
        return flow
    return averaged(step, flow, math.prod(layer.pool_size))


def averaged(step: Step, flow: Flow, count: int) -> Flow:
    """The mean of some elements."""
    if flow.law is None:
        return flow
    mean, variance = flow.law.moments
    return flow.then(step.name, Law.of(Moments(mean, variance / math.sqrt(count))), measured=False)


def global_average(step: Step) -> Flow:
    """The mean of a whole map, or of a sequence."""
    flow = settled(step.flows[0], step.shapes[0])
    count = places(flow, step)
    found = averaged(step, flow, count or 64)
    return replace(found, axis=found.axis if getattr(step.layer, "keepdims", False) else -1)


def global_max(step: Step) -> Flow:
    """The largest of a whole map; without its size there is no upper bound."""
    flow = settled(step.flows[0], step.shapes[0])
    count = places(flow, step)
    if count is None or flow.law is None:
        return flow if flow.law is None else unknown(f"{step.name}: the size of the map is not known")
    found = flow.onward(step.name, lambda law: law.maximum(count), MAXIMUM)
    return replace(found, axis=found.axis if getattr(step.layer, "keepdims", False) else -1)


def places(flow: Flow, step: Step) -> int | None:
    """Number of positions of the map that enters; None if it is not known."""
    shape = step.shapes[0]
    sizes = (None,) if shape is None else spatial(flow, shape, len(shape) - 2)
    return None if None in sizes else math.prod(n or 0 for n in sizes)


def flatten(step: Step) -> Flow:
    """All elements of a sample in one axis; of a map of unknown size they wait for the layer behind."""
    flow, shape = settled(step.flows[0], step.shapes[0]), step.shapes[0]
    if flow.law is None or flow.flat or (shape is not None and len(shape) == 2):
        return flow.onward(step.name, lambda law: law)
    first = getattr(step.layer, "data_format", "channels_last") == "channels_first"
    # With channels_first Flatten itself moves axis 1 to the end, whatever lies on it.
    if shape is None and flow.axis != -1:
        return unknown(f"{step.name}: the rank of its input is not known")
    axis = channel_axis(flow, shape)
    last = len(shape) - 1 if shape else -1
    if axis not in (1, last) or (first and axis != 1):
        return unknown(f"{step.name} flattens the channels from the middle of the map")
    fastest = first or axis == last
    count = places(flow, step)
    if count is None:
        return flow.then(step.name, flow.law, FLATTENED, axis=-1, flat="last" if fastest else "first")
    return flow.then(step.name, repeated(flow.law, count, fastest), FLATTENED, axis=-1)


def reshape(step: Step) -> Flow:
    """The channels stay where the last axis does; a vector that becomes a map has the mean of its places a channel."""
    flow, shape, output = settled(step.flows[0], step.shapes[0]), step.shapes[0], step.output
    if flow.law is None:
        return flow
    if output is None or flow.flat or shape is None or channel_axis(flow, shape) != len(shape) - 1:
        return unknown(f"{step.name}: the channels cannot be followed")
    channels = output[-1]
    if channels == flow.law.channels:
        return replace(flow.onward(step.name, lambda law: law), axis=-1)
    if len(shape) != 2 or not channels or flow.law.channels % channels:
        return unknown(f"{step.name} cuts the channels into parts")
    mean, variance = (part.reshape(len(part), -1, channels) for part in flow.law.moments)
    law = Law.of(Moments(mean.mean(1), variance.mean(1) + mean.var(1)))
    return flow.then(step.name, law, FLATTENED, axis=-1, measured=False)


def permute(step: Step) -> Flow:
    """Axes in another order."""
    layer: Any = step.layer
    flow = settled(step.flows[0], step.shapes[0])
    if flow.law is None:
        return flow
    axis = flow.axis % (len(layer.dims) + 1)
    return replace(flow.onward(step.name, lambda law: law), axis=(0, *layer.dims).index(axis))


def repeat(step: Step) -> Flow:
    """A vector, again and again."""
    return replace(unchanged(step), axis=-1)
