"""Rules for linear layers, with their borders and the activation they carry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from regraft.blueprint import LayerSpec
from regraft.moments.activations import function
from regraft.moments.borders import Padding, spread_shares, window_shares
from regraft.moments.flow import Flow, channel_axis, settled, spatial, unknown, widened
from regraft.moments.law import Law
from regraft.moments.linear import Linear, linear
from regraft.moments.step import Step

UNMEASURED = "an activation with no BatchNorm in front of it"


def dense(step: Step) -> Flow:
    """The last axis; a flattened map of unknown size gets its size from the rows of the kernel."""
    kernel = linear("Dense", step.arrays)
    if kernel is None:
        return unknown(f"{step.name} has no kernel")
    flow = widened(settled(step.flows[0], step.shapes[0]), kernel.cin)
    if flow is None:
        return unknown(f"{step.name} has {kernel.cin} rows, no multiple of the channels that were flattened")
    return mixed(step, flow, kernel, None, -1)


def convolution(step: Step) -> Flow:
    """Convolutions of all kinds but transposed ones."""
    layer: Any = step.layer
    kernel = linear(step.spec.type, step.arrays, groups=getattr(layer, "groups", 1))
    if kernel is None:
        return unknown(f"{step.name} has no kernel")
    flow, rank = step.flows[0], len(kernel.taps)
    sizes = spatial(flow, step.shapes[0], rank)
    padding: Padding | list[Padding] = layer.padding
    if layer.padding == "valid" and len(flow.margins) == rank:
        # The zeros that a padding layer put around the map count as padding, and the map is as large as before.
        padding = list(flow.margins)
        sizes = tuple(n and n - sum(ends) for n, ends in zip(sizes, flow.margins, strict=True))
        flow = replace(flow, margins=())
    else:
        flow = settled(flow, step.shapes[0])
    shares = window_shares(kernel.taps, sizes, padding, layer.strides, layer.dilation_rate)
    return mixed(step, flow, kernel, shares, 1 if step.first else -1)


def transposed(step: Step) -> Flow:
    """Transposed convolutions; their outputs differ between the phases of the stride, which the variance leaves out."""
    layer: Any = step.layer
    kernel = linear(step.spec.type, step.arrays)
    if kernel is None:
        return unknown(f"{step.name} has no kernel")
    flow, rank = settled(step.flows[0], step.shapes[0]), len(kernel.taps)
    sizes, lengths = spatial(flow, step.shapes[0], rank), spatial(flow, step.output, rank)
    cuts = tuple(max(cut, 0) // 2 for cut in layer.surplus)
    shares = np.ones(())
    for axis in zip(kernel.taps, sizes, lengths, cuts, layer.strides, layer.dilation_rate, strict=True):
        shares = np.multiply.outer(shares, spread_shares(*axis))
    return mixed(step, flow, kernel, shares, 1 if step.first else -1)


def mixed(step: Step, flow: Flow, kernel: Linear, shares: np.ndarray | None, axis: int) -> Flow:
    """The flow behind a linear layer along ``axis``, and behind the activation that the layer carries."""
    shape = step.shapes[0]
    if flow.law is None:
        return flow
    if shape and channel_axis(flow, shape) != axis % len(shape):
        return unknown(f"{step.name} works along another axis than that of the channels")
    if flow.law.channels != kernel.cin:
        return unknown(f"{step.name} takes {kernel.cin} channels, {flow.law.channels} arrive")
    law = Law.of(kernel.moments(flow.law.moments, shares))
    flow = flow.then(step.name, law, axis=axis, measured=False)
    activation = getattr(step.layer, "activation", "linear")
    return flow if activation == "linear" else activated(step, flow, activation)


def activated(step: Step, flow: Flow, activation: str | LayerSpec) -> Flow:
    """The flow behind an activation function."""
    a = function(activation, step.arrays)
    if a is None:
        return unknown(f"{step.name} mixes elements, or its function is not known")
    if flow.margins and (a(np.zeros((1, 1, 1))) != 0).any():
        flow = settled(flow, step.shapes[0])
    if flow.law is None:
        return flow
    return flow.onward("", lambda law: law.through(a), *(() if flow.measured else (UNMEASURED,)))


def activation_layer(step: Step) -> Flow:
    """Layers that are activation functions."""
    (flow, *_), shape = step.flows, step.shapes[0]
    if step.spec.type == "PReLU" and (flow.flat or (shape and channel_axis(flow, shape) != len(shape) - 1)):
        return unknown(f"{step.name}: its slopes lie along another axis than the channels")
    found = activated(step, flow, step.spec)
    return found if found.law is None else replace(found, through=(*found.through, step.name))
