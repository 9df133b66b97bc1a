"""
Moments through a whole blueprint: every BatchNorm is predicted from those before it.

What leaves a BatchNorm is known from its ``beta`` and ``gamma``; it is carried through activations, linear layers, pools
and merges to the next BatchNorm, whose stored mean then confirms or contradicts everything in between.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from regraft.blueprint import Blueprint, Call, LayerSpec, Shape, TensorRef
from regraft.layers.base import Layer, build
from regraft.layers.walk import model_shapes, outputs_of
from regraft.moments.activations import TYPICAL
from regraft.moments.flow import Flow, channel_axis, unknown
from regraft.moments.law import Law
from regraft.moments.memo import Memo, current
from regraft.moments.moment import Moments
from regraft.moments.norms import Norm, misfit, norm
from regraft.moments.prediction import Prediction, predicted
from regraft.moments.rules import carried
from regraft.moments.step import Step

Arrays = Mapping[str, Mapping[str, np.ndarray]]
NORMS = frozenset({"BatchNormalization", "SyncBatchNormalization"})
#: What a layer receives that no other made.
CONSTANT = unknown("a constant")


def predictions(
    blueprint: Blueprint,
    arrays: Arrays,
    shapes: Mapping[TensorRef, Shape] | None = None,
    *,
    inputs: Mapping[str, Moments] | None = None,
) -> tuple[Prediction, ...]:
    """
    What every BatchNorm should have stored, and what it did store.

    Args:
        blueprint: The architecture.
        arrays: The variables of every layer by name, in Keras order; those of a nested model as ``inner/kernel``.
        shapes: Of every tensor, as ``model_shapes`` gives them, where the caller has them.
        inputs: Mean and variance a channel of model inputs, by the name of the input layer, where they are known.

    Returns:
        One for each BatchNorm, in the order in which the model runs; without a mean where nothing can be said.
    """
    walk = Walk(blueprint, arrays)
    entering = {ref: entered(walk.memo, ref.layer, inputs) for ref in blueprint.inputs}
    walk.run(entering, dict(shapes) if shapes is not None else model_shapes(blueprint))
    return walk.joined()


def entered(memo: Memo, name: str, inputs: Mapping[str, Moments] | None) -> Flow:
    """What is known of a model input."""
    known = inputs.get(name) if inputs else None
    if known is None:
        return memo.once(("input", name), (), lambda: unknown(f"{name} is an input"), held)
    return memo.once("input", (known,), lambda: Flow(Law.of(known)), held)


def held(flow: Flow) -> int:
    """Bytes of what is known of a tensor, with the values that may be made of its moments."""
    laws = [law for law in (flow.law, flow.start) if law is not None]
    tables = sum(part.nbytes for law in laws for part in law.table or ())
    return tables + sum(law.given.mean.nbytes * len(TYPICAL.nodes) for law in laws if law.given is not None)


@dataclass(eq=False)
class Walk:
    """One pass through a blueprint; predictions collect in ``found``, several for a BatchNorm that is called often."""

    blueprint: Blueprint
    arrays: Arrays
    prefix: str = ""
    found: dict[str, list[Prediction]] = field(default_factory=dict)
    memo: Memo = field(default_factory=current)

    def run(self, entering: Mapping[TensorRef, Flow], shapes: Mapping[TensorRef, Shape]) -> dict[TensorRef, Flow]:
        """What is known of every tensor."""
        flows: dict[TensorRef, Flow] = dict(entering)
        layers = {spec.name: self.memo.spec(spec)[1] for spec in self.blueprint.layers}
        told = self.told(layers)
        # What overflows, or is no number to begin with, ends as a misfit that is no number.
        with np.errstate(all="ignore"):
            for call in self.blueprint.ordered_calls:
                layer = layers[call.layer]
                made = outputs_of(self.blueprint, call, layer)
                known = flows if call.layer in self.norms else ChainMap(told, flows)
                results = self.call(call, layer, known, shapes, made)
                flows.update(zip(made, results, strict=True))
        return flows

    @cached_property
    def norms(self) -> frozenset[str]:
        """Names of the BatchNorms of this model."""
        return frozenset(spec.name for spec in self.blueprint.layers if spec.type in NORMS)

    def told(self, layers: Mapping[str, Layer | None]) -> dict[TensorRef, Flow]:
        """
        Tensors that enter a BatchNorm: what it stores are their moments, better than any prediction.

        Other layers that read such a tensor start from there. So the stream of a residual network is known wherever a
        BatchNorm reads it, even if what is added to it is not.
        """
        found: dict[TensorRef, Flow] = {}
        called = Counter(call.layer for call in self.blueprint.calls)
        for call in self.blueprint.calls:
            layer = layers.get(call.layer)
            if layer is None or call.layer not in self.norms or called[call.layer] > 1 or len(call.inputs) != 1:
                continue
            if len(self.blueprint.consumers.get(call.inputs[0], ())) > 1:
                told = self.stored(self.blueprint.by_name[call.layer], layer, self.arrays.get(call.layer, {})).entering
                if told is not None:
                    found[call.inputs[0]] = told
        return found

    def stored(self, spec: LayerSpec, layer: Layer, arrays: Mapping[str, np.ndarray]) -> Known:
        """What a BatchNorm stores."""
        name = self.prefix + spec.name
        key = ("norm", self.prefix, self.memo.spec(spec)[0], tuple(arrays))
        return self.memo.once(key, tuple(arrays.values()), lambda: known(name, layer, arrays), lambda _: 0)

    def call(
        self,
        call: Call,
        layer: Layer | None,
        flows: Mapping[TensorRef, Flow],
        shapes: Mapping[TensorRef, Shape],
        made: tuple[TensorRef, ...],
    ) -> tuple[Flow, ...]:
        """What leaves one call."""
        spec = self.blueprint.by_name[call.layer]
        if layer is None:
            return (unknown(f"{spec.name}: {spec.type} is not known"),) * len(made)
        step = Step(
            spec,
            layer,
            self.arrays.get(spec.name, {}),
            tuple(flows.get(ref, CONSTANT) for ref in call.inputs),
            tuple(shapes.get(ref) for ref in call.inputs),
            shapes.get(made[0]) if made else None,
        )
        inner = getattr(layer, "blueprint", None)
        if isinstance(inner, Blueprint):
            return self.nested(step, inner)
        if len(made) != 1:
            return (unknown(f"{spec.name} gives several tensors"),) * len(made)
        return (self.single(step),)

    def single(self, step: Step) -> Flow:
        """What leaves a layer that is no model."""
        if step.spec.type == "TimeDistributed":
            return self.single(unwrapped(step)) if len(step.flows) == 1 else unknown(f"{step.name}: several inputs")
        if step.spec.type in NORMS and step.flows:
            return self.norm(step)
        key = (self.memo.spec(step.spec)[0], step.shapes, step.output, tuple(step.arrays))
        return self.memo.once(key, (*step.arrays.values(), *step.flows), lambda: carried(step), held)

    def norm(self, step: Step) -> Flow:
        """Compare at a BatchNorm, and start anew from what it stores."""
        flow, shape, name = step.flows[0], step.shapes[0], self.prefix + step.name
        stored = self.stored(step.spec, step.layer, step.arrays)
        bn = stored.norm
        if bn is None:
            return unknown(f"{name} has no statistics that count")
        if flow.law is not None and shape and not flow.flat and channel_axis(flow, shape) != stored.axis % len(shape):
            flow = replace(
                unknown(f"{name} normalises another axis than that of the channels"),
                low=flow.low,
                high=flow.high,
                squashed=flow.squashed,
            )
        prediction = self.memo.once(
            ("prediction", shape), (stored, flow), lambda: predicted(name, bn, flow, shape), lambda _: 0
        )
        self.found.setdefault(name, []).append(prediction)
        if stored.leaving is not None:
            return stored.leaving
        return self.memo.once("untrained", (stored, flow), lambda: untrained(flow, bn, name), held)

    def nested(self, step: Step, inner: Blueprint) -> tuple[Flow, ...]:
        """A model inside the model."""
        mark = f"{step.name}/"
        own: dict[str, dict[str, np.ndarray]] = {}
        for key, array in step.arrays.items():
            layer, _, variable = key.partition("/")
            own.setdefault(layer, {})[variable] = array
        walk = Walk(inner, own, self.prefix + mark, self.found, self.memo)
        flows = walk.run(dict(zip(inner.inputs, step.flows, strict=False)), model_shapes(inner, step.shapes))
        return tuple(flows.get(ref, CONSTANT) for ref in inner.outputs)

    def joined(self) -> tuple[Prediction, ...]:
        """One prediction a BatchNorm; one that is called several times stores statistics of all calls together."""
        return tuple(several(calls) for calls in self.found.values())


def stored_norm(layer: Layer, arrays: Mapping[str, np.ndarray]) -> Norm | None:
    """What a BatchNorm stores; None where statistics are missing or those of each batch count."""
    if not {"moving_mean", "moving_variance"} <= set(arrays) or getattr(layer, "mode", 0):
        return None
    return norm(arrays, getattr(layer, "epsilon", 1e-3), deviation=getattr(layer, "deviation", False))


@dataclass(frozen=True, eq=False)
class Known:
    """
    A BatchNorm and what it tells of the tensors at it.

    Attributes:
        norm: What is stored; None if nothing that counts.
        axis: The axis that it normalises.
        entering: What reached it, where that is worth knowing.
        leaving: What leaves it; None if it is an affine map of what arrives.
    """

    norm: Norm | None
    axis: int = -1
    entering: Flow | None = None
    leaving: Flow | None = None


def known(name: str, layer: Layer, arrays: Mapping[str, np.ndarray]) -> Known:
    """What a BatchNorm of that name tells."""
    bn, axis = stored_norm(layer, arrays), getattr(layer, "axis", -1)
    if bn is None:
        return Known(None, axis)
    if bn.trouble:
        return Known(bn, axis, leaving=None if bn.live.any() else unknown(f"{name}: {bn.trouble}"))
    law = Law.of(Moments(bn.mean, np.maximum(bn.variance, 0.0)))
    return Known(
        bn,
        axis,
        Flow(law, axis=axis, sources=(name,)),
        Flow(Law.of(bn.output), axis=axis, sources=(name,)),
    )


def several(calls: list[Prediction]) -> Prediction:
    """The prediction of a BatchNorm over all its calls: their mean, if each has one."""
    if len(calls) == 1:
        return calls[0]
    means = [call.mean for call in calls if call.mean is not None]
    if len(means) < len(calls):
        return replace(calls[0], misfit=float("nan"), mean=None, variance=None, reason="one of its calls is not known")
    mean = np.mean(means, axis=0)
    return replace(calls[0], mean=mean, misfit=misfit(mean, calls[0].norm), rough=(*calls[0].rough, "a shared layer"))


def untrained(flow: Flow, bn: Norm, name: str) -> Flow:
    """Behind a BatchNorm without statistics of its own: an affine map, so what arrived is carried on."""
    stored = (bn.gamma, bn.beta, bn.mean, bn.variance)
    if flow.law is None or flow.law.channels != bn.channels or not all(np.isfinite(part).all() for part in stored):
        return flow if flow.law is None else unknown(f"{name}: {bn.trouble}")
    factor = bn.gamma / np.sqrt(np.maximum(bn.variance, 0.0) + bn.epsilon)
    return flow.onward(name, lambda law: law.affine(factor, bn.beta - factor * bn.mean))


def unwrapped(step: Step) -> Step:
    """The step of a wrapped layer, which sees every moment of time as a sample."""
    inner = step.spec.config["layer"]
    assert isinstance(inner, LayerSpec)
    spec = replace(inner, name=step.spec.name)
    flows = tuple(replace(flow, axis=flow.axis - 1 if flow.axis > 0 else flow.axis) for flow in step.flows)
    shapes = tuple(None if shape is None else (shape[0], *shape[2:]) for shape in step.shapes)
    output = None if step.output is None else (step.output[0], *step.output[2:])
    return replace(step, spec=spec, layer=build(inner), flows=flows, shapes=shapes, output=output)
