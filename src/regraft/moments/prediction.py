"""What the layers in front of a BatchNorm say about its stored mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from regraft.blueprint import Shape
from regraft.moments.flow import Flow, settled, widened
from regraft.moments.law import Law
from regraft.moments.moment import Moments
from regraft.moments.norms import Norm, misfit
from regraft.moments.ranges import impossible
from regraft.moments.spread import mean_at_spread


@dataclass(frozen=True, eq=False)
class Prediction:
    """
    The predicted input of one BatchNorm beside the stored one.

    Attributes:
        layer: Name of the BatchNorm; ``model/layer`` inside a nested model.
        misfit: Root mean square of the difference over the live channels, in stored standard deviations; NaN where
            there is nothing to compare.
        norm: What is stored.
        mean: Predicted mean, ``(c,)``; None if there is none.
        variance: Predicted variance, ``(c,)``, rough; None if there is no mean.
        sources: The BatchNorms from which it was predicted.
        through: The layers between them and this one, in the order of the graph.
        rough: Why the prediction is less sure than linearity makes it.
        squashed: The layers in front that bound what can arrive.
        impossible: Share of the channels whose stored moments cannot come out of the activation in front.
        reason: Why there is no prediction or no comparison; empty if there is.
    """

    layer: str
    misfit: float
    norm: Norm
    mean: np.ndarray | None = None
    variance: np.ndarray | None = None
    sources: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    rough: tuple[str, ...] = ()
    squashed: tuple[str, ...] = ()
    impossible: float = 0.0
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether there is something to compare."""
        return bool(np.isfinite(self.misfit))

    @property
    def channels(self) -> int:
        """Number of channels that were compared."""
        return int(self.norm.live.sum())


def predicted(layer: str, bn: Norm, flow: Flow, shape: Shape) -> Prediction:
    """Compare what arrives at a BatchNorm with what it stores."""
    blank = Prediction(
        layer, float("nan"), bn, squashed=flow.squashed, impossible=impossible((flow.low, flow.high), bn)
    )
    flow = settled(flow, shape)
    if flow.law is None:
        return replace(blank, reason=flow.reason)
    wide = widened(flow, bn.channels)
    told = replace(blank, sources=flow.sources, through=flow.through, rough=flow.rough)
    if wide is None or wide.law is None or wide.law.channels != bn.channels:
        return replace(told, reason=f"{flow.law.channels} channels arrive, {bn.channels} are normalised")
    mean, variance = between(means(wide, wide.law, bn), bn), wide.law.moments.variance.mean(0)
    away = float("nan") if bn.trouble else misfit(mean, bn)
    return replace(told, misfit=away, mean=mean, variance=variance, reason=bn.trouble)


def means(flow: Flow, law: Law, bn: Norm) -> np.ndarray:
    """
    The mean of what arrives, ``(bounds, c)``.

    Behind an activation it depends on the spread in front; where that is rough, the stored variance tells it.
    """
    start, tail = flow.start, flow.tail
    if start is None or not tail or start.channels != bn.channels or not bn.live.any():
        return law.moments.mean

    def behind(sd: np.ndarray) -> Moments:
        """Moments at the BatchNorm for a standard deviation at the start."""
        found = reduce(lambda law, change: change(law), tail, start.with_sd(sd)).moments
        return Moments(*(np.broadcast_to(part, law.moments.mean.shape) for part in found))

    guess = np.sqrt(np.maximum(start.moments.variance, 1e-12))
    return mean_at_spread(behind, np.broadcast_to(guess, law.moments.mean.shape), bn.variance)[0]


def between(bounds: np.ndarray, bn: Norm) -> np.ndarray:
    """
    The mean between two bounds that fits best: ``(bounds, c)`` gives ``(c,)``.

    One number for all channels says how far from the first bound (equal neighbours under a maximum) to the second
    (independent ones) the truth lies.
    """
    if len(bounds) == 1:
        return bounds[0]
    step = ((bounds[1] - bounds[0]) / bn.sd)[bn.live]
    gap = ((bn.mean - bounds[0]) / bn.sd)[bn.live]
    length = float(step @ step)
    share = float(np.clip(step @ gap / length, 0.0, 1.0)) if length > 0 and np.isfinite(step @ gap) else 0.5
    return bounds[0] + share * (bounds[1] - bounds[0])
