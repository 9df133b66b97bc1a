"""Rules for layers that merge tensors: sums, products, joined channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

import numpy as np

from regraft.blueprint import Shape
from regraft.moments.flow import Flow, channel_axis, once, settled, unknown
from regraft.moments.law import Law
from regraft.moments.moment import Moments
from regraft.moments.step import Step


def add(left: Moments, right: Moments) -> Moments:
    """A sum of tensors, as if they were uncorrelated."""
    return Moments(left.mean + right.mean, left.variance + right.variance)


def subtract(left: Moments, right: Moments) -> Moments:
    """A difference of tensors, as if they were uncorrelated."""
    return Moments(left.mean - right.mean, left.variance + right.variance)


def multiply(left: Moments, right: Moments) -> Moments:
    """A product of tensors, as if they were independent."""
    mean = left.mean * right.mean
    raw = (left.variance + np.square(left.mean)) * (right.variance + np.square(right.mean))
    return Moments(mean, np.maximum(raw - np.square(mean), 0.0))


def merged(step: Step, combine: Callable[[Moments, Moments], Moments], *rough: str, factor: float = 1.0) -> Flow:
    """Tensors merged element by element."""
    flows = tuple(settled(flow, shape) for flow, shape in zip(step.flows, step.shapes, strict=True))
    if len({from_the_end(flow, shape) for flow, shape in zip(flows, step.shapes, strict=True)}) > 1:
        return unknown(f"{step.name} merges tensors whose channels lie on different axes")
    laws = [flow.law for flow in flows if flow.law is not None]
    if len({flow.flat for flow in flows}) > 1 or len({law.channels for law in laws} - {1}) > 1:
        return unknown(f"{step.name} merges tensors with different numbers of channels")
    mean, variance = reduce(combine, [law.moments for law in laws])
    law = Law.of(Moments(mean * factor, variance * factor**2))
    longest = max(flows, key=lambda flow: flow.law.channels if flow.law else 0)
    return joined(step, flows, law, longest, *rough)


def from_the_end(flow: Flow, shape: Shape) -> int:
    """The axis of the channels counted from the last, which broadcasting aligns."""
    return channel_axis(flow, shape) - len(shape) if shape else flow.axis


def joined(step: Step, flows: tuple[Flow, ...], law: Law, like: Flow, *rough: str) -> Flow:
    """A flow with the sources of several."""
    return replace(
        like,
        law=law,
        measured=False,
        start=law,
        tail=(),
        sources=once(source for flow in flows for source in flow.sources),
        through=once([*(name for flow in flows for name in flow.through), step.name]),
        rough=once([*(reason for flow in flows for reason in flow.rough), *rough]),
    )


def concatenated(step: Step) -> Flow:
    """Channels side by side; maps joined along another axis count as their mean, if they are equally long."""
    flows = tuple(settled(flow, shape) for flow, shape in zip(step.flows, step.shapes, strict=True))
    laws = [flow.law for flow in flows if flow.law is not None]
    shape = step.shapes[0]
    axis = getattr(step.layer, "axis", -1)
    if any(flow.flat for flow in flows):
        return unknown(f"{step.name} joins flattened maps of unknown size")
    on_channels = axis % len(shape) == channel_axis(flows[0], shape) if shape else axis == flows[0].axis
    if not on_channels:
        if len({law.channels for law in laws}) > 1:
            return unknown(f"{step.name} joins maps with different numbers of channels")
        mean, variance = reduce(add, [law.moments for law in laws])
        law = Law.of(Moments(mean / len(laws), variance / len(laws)))
        return joined(step, flows, law, flows[0], "maps joined along a spatial axis")
    law = side_by_side(laws)
    found = joined(step, flows, law, flows[0])
    return replace(found, start=None, measured=all(flow.measured for flow in flows))


def side_by_side(laws: list[Law]) -> Law:
    """The channels of several laws, one after the other."""
    bounds = max(law.moments.mean.shape[0] for law in laws)
    if all(law.given is not None for law in laws):
        parts = [[np.broadcast_to(part, (bounds, law.channels)) for part in law.moments] for law in laws]
        return Law.of(Moments(*(np.concatenate(part, axis=1) for part in zip(*parts, strict=True))))
    shapes = [(bounds, *law.values.shape[1:]) for law in laws]
    values = [np.broadcast_to(law.values, shape) for law, shape in zip(laws, shapes, strict=True)]
    weights = [np.broadcast_to(law.weights, shape) for law, shape in zip(laws, shapes, strict=True)]
    return Law(None, (np.concatenate(values, axis=1), np.concatenate(weights, axis=1)))
