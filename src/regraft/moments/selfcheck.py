"""
Does a file agree with an architecture? Every BatchNorm is asked; no data is needed.

Verdicts compare what the layers in front of a BatchNorm make of the statistics before them with what it stores. The
thresholds were measured on 14 correctly converted, trained networks with 112 BatchNorms that can be predicted: their
largest misfit is 0.22 stored standard deviations (median 0.065), so none is called doubtful.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from regraft.blueprint import Blueprint, Shape, TensorRef
from regraft.moments.memo import remembering
from regraft.moments.moment import Moments
from regraft.moments.prediction import Prediction
from regraft.moments.propagate import Arrays, predictions
from regraft.moments.rivals import Rival, rivals

Verdict = Literal["fits", "doubtful", "contradicts", "cannot tell"]
#: Misfits, in stored standard deviations, from which a layer is doubtful, and from which it contradicts.
DOUBTFUL, CONTRADICTS = 0.25, 0.5
#: Share of the channels with moments that the activation in front cannot give, from which it is doubtful, or contradicts.
SOME_IMPOSSIBLE, MANY_IMPOSSIBLE = 0.02, 0.15
#: A change of the architecture must fit better by so many nats to be named.
MARGIN = 2.3
#: With samples: misfit of means, and factor between variances (median over the channels). Three networks trained on faces
#: were run on 96 random cuts of two photographs, most of which show no face: no BatchNorm contradicts (largest misfit
#: 0.79, largest factor 2.9; on 8 cuts 0.87 and 3.8), while cuts scaled to [0, 1] for [-1, 1], or left as bytes, contradict
#: in every network from the first BatchNorm on.
SAMPLE_DOUBTFUL, SAMPLE_CONTRADICTS = 0.6, 1.0
FACTOR_DOUBTFUL, FACTOR_CONTRADICTS = 3.0, 4.0


@dataclass(frozen=True, eq=False)
class LayerVerdict:
    """
    One BatchNorm.

    Attributes:
        layer: Its name.
        verdict: What its statistics say about the layers in front of it.
        reason: Why, in words, with figures.
        prediction: The figures; None for a check with samples only.
    """

    layer: str
    verdict: Verdict
    reason: str
    prediction: Prediction | None = None


@dataclass(frozen=True, eq=False)
class SelfCheck:
    """
    An architecture against the statistics in its file.

    Attributes:
        layers: One verdict a BatchNorm, in the order in which the model runs.
        rivals: Changes of the architecture that would fit better, best first.
        summary: One sentence.
    """

    layers: tuple[LayerVerdict, ...]
    rivals: tuple[Rival, ...]
    summary: str

    @property
    def passed(self) -> bool | None:
        """Whether nothing contradicts; None if nothing could be compared."""
        if not any(layer.verdict != "cannot tell" for layer in self.layers):
            return None
        return not self.rivals and not any(layer.verdict == "contradicts" for layer in self.layers)


@remembering()
def check(
    blueprint: Blueprint,
    arrays: Arrays,
    samples: Mapping[str, Moments | tuple[np.ndarray, np.ndarray]] | None = None,
    *,
    shapes: Mapping[TensorRef, Shape] | None = None,
    inputs: Mapping[str, Moments] | None = None,
    look_for_rivals: bool = True,
) -> SelfCheck:
    """
    Judge an architecture by the BatchNorm statistics of its file.

    Args:
        blueprint: The architecture.
        arrays: The variables of every layer by name, in Keras order.
        samples: Measured mean and variance of what reaches each BatchNorm, ``(c,)`` each, when the model runs on real
            inputs: with them strides, pools, paddings and the preprocessing of the inputs are tested too.
        shapes: Of every tensor, where the caller has them.
        inputs: Mean and variance a channel of model inputs, where they are known.
        look_for_rivals: Whether to try other activations, and layers of equal shape swapped, where the fit is not good.

    Returns:
        The verdicts. Of 494 faults that were put into those networks where a prediction sees them, 381 were contradicted
        or named as a change that fits better: 58 of 58 times a sigmoid for nothing, 55 of 55 a relu for nothing, 38 of 51
        a tanh for nothing, 55 of 60 a relu left out, 55 and 42 of 60 tanh and sigmoid for relu, 73 of 75 BatchNorms and
        5 of 6 convolutions swapped; never a padding (61) or convolutions swapped within one residual stream (8), which
        take samples.
    """
    found = predictions(blueprint, arrays, shapes, inputs=inputs)
    better = rivals(blueprint, arrays, found, shapes, inputs) if look_for_rivals else ()
    better = tuple(rival for rival in better if rival.gain > MARGIN)
    layers = tuple(judged(prediction, samples) for prediction in found)
    return SelfCheck(layers, better, summary(layers, better, with_samples=bool(samples)))


def judged(
    prediction: Prediction, samples: Mapping[str, Moments | tuple[np.ndarray, np.ndarray]] | None
) -> LayerVerdict:
    """The verdict on one BatchNorm: the worse of that without and that with samples."""
    alone = without_samples(prediction)
    measured = (samples or {}).get(prediction.layer)
    if measured is None:
        return alone
    sampled = with_samples(prediction, Moments(*(np.asarray(part, np.float64) for part in measured)))
    order: tuple[Verdict, ...] = ("cannot tell", "fits", "doubtful", "contradicts")
    return max(alone, sampled, key=lambda v: order.index(v.verdict))


def without_samples(prediction: Prediction) -> LayerVerdict:
    """What the statistics before a BatchNorm say about it."""
    name, p = prediction.layer, prediction
    if p.impossible > SOME_IMPOSSIBLE:
        reason = f"{p.impossible:.0%} of its channels store moments that the activation in front of it cannot give"
        return LayerVerdict(name, "contradicts" if p.impossible > MANY_IMPOSSIBLE else "doubtful", reason, p)
    if not p.known:
        return LayerVerdict(name, "cannot tell", p.reason, p)
    way = " -> ".join((*([" + ".join(p.sources)] if p.sources else []), *p.through))
    reason = (
        f"predicted from {way}: {p.misfit:.2f} stored standard deviations off on average, over {p.channels} channels"
    )
    verdict: Verdict = "contradicts" if p.misfit > CONTRADICTS else "doubtful" if p.misfit > DOUBTFUL else "fits"
    return LayerVerdict(name, verdict, reason, p)


def with_samples(prediction: Prediction, measured: Moments) -> LayerVerdict:
    """What real activations say about a BatchNorm."""
    name, bn = prediction.layer, prediction.norm
    if bn.trouble:
        return LayerVerdict(name, "cannot tell", bn.trouble, prediction)
    if measured.mean.shape != bn.mean.shape or measured.variance.shape != bn.mean.shape:
        reason = f"{measured.mean.shape[-1:]} channels were measured, {bn.channels} are stored"
        return LayerVerdict(name, "contradicts", reason, prediction)
    if not (np.isfinite(measured.mean).all() and np.isfinite(measured.variance).all()):
        return LayerVerdict(name, "contradicts", "the model gives values that are no numbers", prediction)
    away = float(np.sqrt(np.mean(np.square((measured.mean - bn.mean)[bn.live] / bn.sd[bn.live]))))
    ratio = np.log(np.maximum(measured.variance[bn.live], 1e-12) / bn.variance[bn.live])
    factor = float(np.exp(np.median(np.abs(ratio))))
    verdict: Verdict = "fits"
    if away > SAMPLE_CONTRADICTS or factor > FACTOR_CONTRADICTS:
        verdict = "contradicts"
    elif away > SAMPLE_DOUBTFUL or factor > FACTOR_DOUBTFUL:
        verdict = "doubtful"
    direction = "larger" if float(np.median(ratio)) > 0 else "smaller"
    reason = (
        f"on the samples its input is {away:.2f} stored standard deviations off on average, "
        f"and its variance {factor:.1f} times {direction}"
    )
    return LayerVerdict(name, verdict, reason, prediction)


def summary(layers: tuple[LayerVerdict, ...], better: tuple[Rival, ...], *, with_samples: bool = False) -> str:
    """One sentence on the whole."""
    count = {v: [layer for layer in layers if layer.verdict == v] for v in ("fits", "doubtful", "contradicts")}
    asked = sum(map(len, count.values()))
    means = "means and variances on the samples" if with_samples else "stored means"
    if not layers:
        return "The architecture has no BatchNorm: its file holds no statistics to check it with."
    if not asked:
        return f"Nothing could be checked: {layers[0].layer}: {layers[0].reason}."
    if better:
        return f"The {means} of the BatchNorms speak against the architecture: {better[0].said}."
    if count["contradicts"]:
        against = count["contradicts"]
        return f"{len(against)} of {asked} BatchNorms contradict the architecture, first {against[0].layer}: {against[0].reason}."
    if count["doubtful"]:
        first = count["doubtful"][0]
        return f"{len(count['doubtful'])} of {asked} BatchNorms are doubtful, first {first.layer}: {first.reason}."
    return f"The {means} of all {asked} BatchNorms that can be predicted ({len(layers)} in all) agree with the architecture."
