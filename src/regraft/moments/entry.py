"""
How were the inputs of a model scaled? The BatchNorm behind its first linear layer tells.

Its stored mean is linear in the mean of every input channel: a few unknowns, dozens of equations. Its stored variance
gives the scale, up to how alike neighbouring inputs are, which is fitted with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from regraft.blueprint import Blueprint, Call, LayerSpec, Shape, TensorRef
from regraft.layers.walk import built, model_shapes
from regraft.moments.borders import sight
from regraft.moments.linear import Linear, linear
from regraft.moments.norms import Norm
from regraft.moments.propagate import NORMS, Arrays, stored_norm
from regraft.moments.scale import Scale, scale
from regraft.moments.wording import said, trusted

#: Layers that neither scale nor shift what passes.
TRANSPARENT = frozenset("Dropout SpatialDropout1D SpatialDropout2D GaussianNoise Flatten InputLayer Reshape".split())


@dataclass(frozen=True, eq=False)
class Entry:
    """
    What is known of one model input.

    Attributes:
        layer: The layer that reads it, or the BatchNorm that normalises it directly.
        input: The input layer.
        mean: Mean of every input channel, ``(cin,)``; None where it cannot be told.
        error: Standard error of each mean; zeros where the statistics are stored directly.
        scale: Standard deviation of the input, over all channels, with bounds; None where it cannot be told.
        r2: Share of the stored means that the input means explain; 1 where they are stored directly. Inputs of mean 0
            explain nothing and need not: then ``misfit`` counts.
        misfit: What they leave unexplained, in stored standard deviations.
        words: All of it in one sentence.
    """

    layer: str
    input: str
    mean: np.ndarray | None
    error: np.ndarray | None
    scale: Scale | None
    r2: float
    misfit: float
    words: str


def entries(blueprint: Blueprint, arrays: Arrays, shapes: Mapping[TensorRef, Shape] | None = None) -> tuple[Entry, ...]:
    """
    The scaling of the model's inputs, as far as it can be told.

    Args:
        blueprint: The architecture.
        arrays: The variables of every layer by name, in Keras order.
        shapes: Of every tensor, where the caller has them.

    Returns:
        One for each BatchNorm that an input reaches directly or through one linear layer without activation.
    """
    known = dict(shapes) if shapes is not None else model_shapes(blueprint)
    layers = built(blueprint)
    found: list[Entry] = []
    for spec, bn, path in paths(blueprint, arrays, layers):
        entering = path[-1]
        if len(path) == 1:
            found.append(direct(spec, entering, bn))
        else:
            found.append(through_linear(blueprint, arrays, known, path[0].layer, entering, bn))
    return tuple(found)


def paths(
    blueprint: Blueprint, arrays: Arrays, layers: Mapping[str, object]
) -> Iterator[tuple[LayerSpec, Norm, tuple[TensorRef, ...]]]:
    """Each BatchNorm near an input: with the input alone, or with the output of the linear layer and the input."""
    producer = {(call.layer, call.call): call for call in blueprint.calls}
    for call in blueprint.calls:
        spec = blueprint.by_name[call.layer]
        layer = layers.get(spec.name)
        bn = stored_norm(layer, arrays.get(spec.name, {})) if spec.type in NORMS and layer is not None else None  # type: ignore[arg-type]
        if bn is None or bn.trouble:
            continue
        ref = back(blueprint, producer, call.inputs[0])
        if ref in blueprint.inputs:
            yield spec, bn, (ref,)
            continue
        first = producer.get((ref.layer, ref.call))
        reads = blueprint.by_name.get(ref.layer)
        plain = reads is not None and reads.config.get("activation", "linear") == "linear"
        if first is None or not plain or len(first.inputs) != 1:
            continue
        start = back(blueprint, producer, first.inputs[0])
        if start in blueprint.inputs:
            yield spec, bn, (ref, start)


def back(blueprint: Blueprint, producer: Mapping[tuple[str, int], Call], ref: TensorRef) -> TensorRef:
    """The tensor before layers that change nothing."""
    while (call := producer.get((ref.layer, ref.call))) is not None and len(call.inputs) == 1:
        if blueprint.by_name[ref.layer].type not in TRANSPARENT:
            break
        ref = call.inputs[0]
    return ref


def direct(spec: LayerSpec, entering: TensorRef, bn: Norm) -> Entry:
    """A BatchNorm on the input itself: its statistics are those of the input."""
    size = Scale(float(np.sqrt(np.mean(bn.variance))), float(bn.sd.min()), float(bn.sd.max()))
    words = said(bn.mean, np.zeros_like(bn.mean), size, 1.0, 0.0)
    return Entry(spec.name, entering.layer, bn.mean, np.zeros_like(bn.mean), size, 1.0, 0.0, words)


def through_linear(
    blueprint: Blueprint,
    arrays: Arrays,
    shapes: Mapping[TensorRef, Shape],
    name: str,
    entering: TensorRef,
    bn: Norm,
) -> Entry:
    """The first linear layer and the BatchNorm behind it."""
    spec, shape = blueprint.by_name[name], shapes.get(entering)
    blank = Entry(name, entering.layer, None, None, None, 0.0, math.inf, "")
    groups = spec.config.get("groups", 1)
    kernel = linear(spec.type, arrays.get(name, {}), groups=groups if isinstance(groups, int) else 1)
    if kernel is None or kernel.cout != bn.channels or spec.type.endswith("Transpose"):
        return said_of(blank, "the layer that reads the input does not tell its scaling")
    axes = sights(kernel, spec, shape)
    shares = visible(axes)
    weights = kernel.mean(np.eye(kernel.cin), shares) - kernel.bias
    channels = shape[1 if spec.config.get("data_format") == "channels_first" else -1] if shape else None
    if channels and len(weights) != channels and len(weights) % channels == 0:
        # A flattened input: all its places count as having the same mean.
        weights = weights.reshape(-1, channels, weights.shape[1]).sum(0)
    mean, error, r2, rest = solve(weights, bn.mean - kernel.bias, bn)
    if mean is None:
        return said_of(blank, f"{len(weights)} input channels are too many for {int(bn.live.sum())} equations")
    size = None
    if kernel.groups == 1 and not kernel.depthwise and trusted(r2, rest) and len(mean) == kernel.cin:
        size = scale(kernel, bn, shares, of_borders(kernel, mean, axes))
    return Entry(name, entering.layer, mean, error, size, r2, rest, said(mean, error, size, r2, rest))


def said_of(blank: Entry, words: str) -> Entry:
    """An entry that tells nothing, and why."""
    return replace(blank, words=words)


def sights(kernel: Linear, spec: LayerSpec, shape: Shape) -> tuple[np.ndarray, ...]:
    """For every spatial axis which taps read the input at each position: ``(positions, taps)``."""
    rank = len(kernel.taps)
    first = spec.config.get("data_format") == "channels_first"
    known = shape is not None and len(shape) == rank + 2
    sizes = (None,) * rank if not known or shape is None else (shape[2:] if first else shape[1:-1])
    padding = spec.config.get("padding", "valid")
    return tuple(
        np.ones((1, taps), bool)
        if size is None or not isinstance(padding, str)
        else sight(taps, size, padding, stride, hole)
        for taps, size, stride, hole in zip(
            kernel.taps, sizes, numbers(spec, "strides", rank), numbers(spec, "dilation_rate", rank), strict=True
        )
    )


def numbers(spec: LayerSpec, name: str, rank: int) -> tuple[int, ...]:
    """A setting with one number an axis, or one for all; 1 where it is not set."""
    value = spec.config.get(name, 1)
    if isinstance(value, tuple):
        return tuple(n for n in value if isinstance(n, int))
    return (value if isinstance(value, int) else 1,) * rank


def visible(axes: tuple[np.ndarray, ...]) -> np.ndarray:
    """The share of the positions at which each tap reads the input, ``(taps...)``."""
    shares = np.ones(())
    for seen in axes:
        shares = np.multiply.outer(shares, seen.mean(0))
    return shares


def of_borders(kernel: Linear, mean: np.ndarray, axes: tuple[np.ndarray, ...]) -> np.ndarray:
    """The variance that the zeros around a map of constant channels give each output channel, ``(cout,)``."""
    values, weight = kernel.taps_of(mean), np.ones(())
    for seen in axes:
        kinds, counts = np.unique(seen, axis=0, return_counts=True)
        # The axis of the taps leaves in front, the kinds of positions come in behind.
        values = np.moveaxis(np.tensordot(kinds.astype(float), values, axes=(1, 0)), 0, -2)
        weight = np.multiply.outer(weight, counts / counts.sum())
    flat, share = values.reshape(-1, kernel.cout), weight.reshape(-1)
    centre = share @ flat
    return share @ np.square(flat - centre)


def solve(weights: np.ndarray, wanted: np.ndarray, bn: Norm) -> tuple[np.ndarray | None, np.ndarray, float, float]:
    """
    Least squares for the mean of each input channel.

    Args:
        weights: ``(cin, cout)``.
        wanted: Stored means without the bias, ``(cout,)``.
        bn: The BatchNorm; equations are weighted by its standard deviations.

    Returns:
        Means and their standard errors, ``(cin,)``; R^2 against all means being zero, corrected for the number of
        unknowns; what is left unexplained, in stored standard deviations. No means where the equations are too few.
    """
    a = (weights[:, bn.live] / bn.sd[bn.live]).T
    b = (wanted / bn.sd)[bn.live]
    count, unknowns = a.shape
    if count < unknowns + 2 or np.linalg.matrix_rank(a) < unknowns:
        return None, np.zeros(0), 0.0, math.inf
    mean = np.linalg.lstsq(a, b, rcond=None)[0]
    rest = float(np.square(b - a @ mean).sum()) / (count - unknowns)
    error = np.sqrt(rest * np.diag(np.linalg.inv(a.T @ a)))
    whole = float(np.square(b).sum()) / count
    return mean, error, max(0.0, 1.0 - rest / whole) if whole > 0 else 0.0, math.sqrt(rest)
