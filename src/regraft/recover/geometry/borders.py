"""
What the borders of padded maps say: stored BatchNorm means against padding, dilation and map size.

A padded convolution reads zeros at the border, so each tap weighs what it sees of the map; the mean that the next
BatchNorm stored tells padded from unpadded, and small maps from large ones. What enters is known from the BatchNorm
before. Activations may not be known yet: what enters is taken as it is or as behind a ReLU, and likewise what leaves,
whichever comes closest under any padding; then the padding is judged under that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint, Call, Shape, TensorRef
from regraft.errors import RegraftError
from regraft.layers import Layer
from regraft.layers.binding import bind
from regraft.layers.walk import built, model_shapes
from regraft.moments.activations import erf, relu
from regraft.moments.borders import window_shares
from regraft.moments.flow import Flow
from regraft.moments.law import Law
from regraft.moments.linear import Linear, linear
from regraft.moments.norms import Norm, misfit, nats
from regraft.moments.prediction import between
from regraft.moments.propagate import NORMS, Walk, stored_norm
from regraft.recover.geometry.ways import Price, Way, map_of
from regraft.weights import WeightTree

#: Sides tried to find the closest that a layer can come.
TRIED = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 60, 80, 112, 160)
#: A layer that comes no closer than this under any padding tells nothing: something else is wrong in front of it.
FAR = 0.3
#: A layer that comes so close needs no ReLU behind it to explain what is stored.
NEAR = 0.15
#: Files with more elements than this are not read for it.
MOST = 150_000_000


@dataclass(eq=False)
class Site:
    """
    A convolution right in front of a BatchNorm.

    Attributes:
        layer: Name of the convolution.
        bn: Name of the BatchNorm.
        norm: What it stores; if a ReLU stands between the two, what must have entered that to give it.
        kernel: The convolution.
        entering: Mean of every channel that enters, ``(bounds, cin)``.
        least: The closest it comes under any padding and size, in stored standard deviations.
    """

    layer: str
    bn: str
    norm: Norm
    kernel: Linear
    entering: np.ndarray
    least: float = np.inf
    taps: np.ndarray = field(init=False)
    known: dict[bytes, float] = field(default_factory=dict)
    prices: dict[tuple[object, ...], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.taps = np.stack([self.kernel.taps_of(mean).reshape(-1, self.kernel.cout) for mean in self.entering])

    def misfit(self, shares: np.ndarray) -> float:
        """Distance of the predicted from the stored mean, in stored standard deviations, for taps that weigh so much."""
        key = shares.tobytes()
        if key not in self.known:
            means = np.einsum("t,btc->bc", shares.reshape(-1), self.taps) + self.kernel.bias
            self.known[key] = misfit(between(means, self.norm), self.norm)
        return self.known[key]

    def price(self, layer: Any, sizes: tuple[int | None, ...]) -> float:
        """What a setting costs on a map of these sizes, in nats above the best there could be."""
        key = (tuple(map(coarse, sizes)), layer.padding, layer.strides, layer.dilation_rate)
        if key not in self.prices:
            rounded, padding, steps, holes = key
            found = self.misfit(window_shares(layer.kernel_size, rounded, padding, steps, holes))
            cost = nats([self.least, found], self.norm.channels)
            self.prices[key] = float(cost[1] - cost[0])
        return self.prices[key]


@cache
def coarse(side: int | None) -> int | None:
    """
    A side as far as borders can tell it: large ones leave little trace, and very large ones none.

    >>> coarse(15), coarse(61), coarse(500)
    (15, 60, None)
    """
    if side is None or side > 2 * TRIED[-1]:
        return None
    if side <= 24:
        return side
    return min(TRIED, key=lambda tried: (abs(tried - side), tried))


@dataclass(frozen=True, eq=False)
class Borders:
    """The sites of a network; without any it says nothing."""

    sites: dict[str, Site] = field(default_factory=dict)

    def price(self, name: str) -> Price | None:
        """What the ways of a layer cost by its border, given the shapes that arrive; None if nothing tells."""
        site = self.sites.get(name)
        if site is None:
            return None

        def of(way: Way, arriving: tuple[Shape, ...]) -> float:
            if way.layer is None:
                return 0.0
            sizes = map_of(arriving, way.layer)
            return site.price(way.layer, sizes) if sizes else 0.0

        return of


def borders(blueprint: Blueprint, tree: WeightTree) -> Borders:
    """
    The sites of a network whose sizes were set provisionally: they matter only where no BatchNorm stands in between.

    Nothing is raised: a file whose statistics cannot be used has no sites.
    """
    if not any(spec.type in NORMS for spec in blueprint.layers) or tree.parameter_count > MOST:
        return Borders()
    try:
        arrays = {
            layer: {name: bound.read() for name, bound in variables.items()}
            for layer, variables in bind(blueprint, tree).layers.items()
        }
        walk = Walk(blueprint, arrays)
        layers = built(blueprint)
        flows = walk.run({ref: Flow(None, reason="an input") for ref in blueprint.inputs}, model_shapes(blueprint))
        flows = {**flows, **walk.told(layers)}
    except (RegraftError, ValueError, KeyError, IndexError, TypeError, ArithmeticError):
        return Borders()
    found = (site_at(blueprint, call, layers, arrays, flows) for call in blueprint.ordered_calls)
    return Borders({site.layer: site for site in found if site is not None})


def site_at(
    blueprint: Blueprint,
    call: Call,
    layers: dict[str, Layer | None],
    arrays: dict[str, dict[str, np.ndarray]],
    flows: dict[TensorRef, Flow],
) -> Site | None:
    """The site that a call is, if it is one."""
    spec, layer = blueprint.by_name[call.layer], layers[call.layer]
    after = blueprint.consumers.get(TensorRef(call.layer, call.call), ())
    if not hasattr(layer, "dilation_rate") or spec.type.endswith("Transpose") or len(after) != 1 or not call.inputs:
        return None
    follower = blueprint.by_name[after[0].layer]
    flow, norm_layer = flows.get(call.inputs[0]), layers[follower.name]
    kernel = linear(spec.type, arrays.get(spec.name, {}), groups=getattr(layer, "groups", 1))
    if follower.type not in NORMS or norm_layer is None or flow is None or flow.law is None or kernel is None:
        return None
    norm = stored_norm(norm_layer, arrays.get(follower.name, {}))
    if norm is None or norm.trouble or flow.margins or max(kernel.taps) == 1 or flow.law.channels != kernel.cin:
        return None
    best = closest(spec.name, follower.name, norm, kernel, flow.law)
    return best if np.isfinite(best.least) and best.least < FAR else None


def closest(layer: str, bn: str, norm: Norm, kernel: Linear, law: Law) -> Site:
    """The site with or without a ReLU in front of the convolution and behind it, whichever comes closest."""
    entering = (law.moments.mean, law.through(relu).moments.mean)
    found = [site_with(layer, bn, norm, kernel, means) for means in entering]
    if not min(site.least for site in found) < NEAR:
        before = before_relu(norm)
        found += [site_with(layer, bn, before, kernel, means) for means in entering if before.live.any()]
    return min(found, key=lambda site: site.least if np.isfinite(site.least) else np.inf)


def before_relu(norm: Norm) -> Norm:
    """
    What enters a ReLU, Gaussian in every channel, if these moments leave it.

    Mean over standard deviation of what leaves grows with that of what enters, so a table tells one from the other.
    """
    z = np.linspace(-4.0, 8.0, 1201)
    below = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    above = (1 + erf(z / np.sqrt(2))) / 2
    mean = z * above + below
    spread = np.sqrt(np.maximum((z * z + 1) * above + z * below - mean * mean, 1e-12))
    ratio = np.maximum(norm.mean, 0.0) / norm.sd
    at = np.interp(ratio, mean / spread, z)
    scale = norm.sd / np.interp(at, z, spread)
    live = norm.live & (norm.mean > 0)
    return replace(norm, mean=at * scale, variance=np.square(scale), live=live)


def site_with(layer: str, bn: str, norm: Norm, kernel: Linear, means: np.ndarray) -> Site:
    """A site, with the closest that it comes over some sides."""
    site = Site(layer, bn, norm, kernel, means)
    shares = [window_shares(kernel.taps, (side,) * len(kernel.taps), "same") for side in TRIED]
    site.least = min(site.misfit(s) for s in [np.ones(kernel.taps), *shares])
    return site
