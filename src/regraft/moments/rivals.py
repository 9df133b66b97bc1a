"""Would another architecture fit the stored statistics better? Small changes are tried where the fit is not good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, islice

import numpy as np

from regraft.blueprint import Blueprint, LayerSpec, Shape, TensorRef
from regraft.moments.moment import Moments
from regraft.moments.norms import nats
from regraft.moments.prediction import Prediction
from regraft.moments.propagate import Arrays, predictions

#: What is tried in place of an activation.
ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid")
#: Layers behind which everything fits that well are left alone.
GOOD = 0.12
#: More changes than that are not tried.
MOST = 150
IMPOSSIBLE_NATS = 10.0


@dataclass(frozen=True)
class Rival:
    """
    A change of the architecture and what it brings.

    Attributes:
        said: The change, in words, with figures.
        gain: By how many nats it fits better.
        layers: The layers it touches.
    """

    said: str
    gain: float
    layers: tuple[str, ...]


def rivals(
    blueprint: Blueprint,
    arrays: Arrays,
    found: tuple[Prediction, ...],
    shapes: Mapping[TensorRef, Shape] | None = None,
    inputs: Mapping[str, Moments] | None = None,
) -> tuple[Rival, ...]:
    """
    The changes that fit better, best first: another activation of one layer, the variables of two layers swapped.

    Args:
        blueprint: The architecture.
        arrays: The variables of every layer.
        found: What ``predictions`` gives for both.
        shapes: As for ``predictions``.
        inputs: As for ``predictions``.
    """
    suspects = suspicious(found)
    if not suspects:
        return ()
    changes = [*activation_changes(blueprint, suspects), *swaps(blueprint, arrays, suspects)]
    better: list[Rival] = []
    for said, layers, other, others in islice(changes, MOST):
        gain = cost_above(found, predictions(other, {**arrays, **others}, shapes, inputs=inputs))
        if gain > 0:
            better.append(Rival(f"{said} would fit better", gain, layers))
    return tuple(sorted(better, key=lambda rival: -rival.gain))


def suspicious(found: tuple[Prediction, ...]) -> frozenset[str]:
    """The layers that lead to a BatchNorm that does not fit well, and those BatchNorms."""
    bad = [p for p in found if (p.known and p.misfit > GOOD) or p.impossible]
    return frozenset(name for p in bad for name in (p.layer, *p.sources, *p.through, *p.squashed))


Change = tuple[str, tuple[str, ...], Blueprint, Mapping[str, Mapping[str, np.ndarray]]]


def activation_changes(blueprint: Blueprint, suspects: frozenset[str]) -> Iterator[Change]:
    """Blueprints with one activation changed."""
    for spec in blueprint.layers:
        now = "relu" if spec.type == "ReLU" else spec.config.get("activation")
        if spec.name not in suspects or not isinstance(now, str) or spec.unknown:
            continue
        for name in ACTIVATIONS:
            if name != now:
                layers = tuple(with_activation(s, name) if s is spec else s for s in blueprint.layers)
                yield f"{name} instead of {now} in {spec.name}", (spec.name,), replace(blueprint, layers=layers), {}


def with_activation(spec: LayerSpec, name: str) -> LayerSpec:
    """The layer with another activation; a ReLU layer becomes an Activation."""
    if spec.type == "ReLU":
        return replace(spec, type="Activation", config={"activation": name})
    return replace(spec, config={**spec.config, "activation": name})


def swaps(blueprint: Blueprint, arrays: Arrays, suspects: frozenset[str]) -> Iterator[Change]:
    """Variables of two layers of one type and shape in each other's place; one of them is suspicious."""
    alike: dict[object, list[str]] = {}
    for spec in blueprint.layers:
        own = arrays.get(spec.name, {})
        if own:
            shapes = tuple((name, array.shape) for name, array in own.items())
            alike.setdefault((spec.type, shapes), []).append(spec.name)
    for names in alike.values():
        for a, b in combinations(names, 2):
            if a in suspects or b in suspects:
                yield f"{a} and {b} swapped", (a, b), blueprint, {a: arrays[b], b: arrays[a]}


def cost_above(now: tuple[Prediction, ...], then: tuple[Prediction, ...]) -> float:
    """By how many nats the second fits better, over the BatchNorms where both say something and differ."""
    by_layer = {p.layer: p for p in then}
    gains = [gain(p, by_layer[p.layer]) for p in now if p.layer in by_layer]
    changed = [g for g in gains if g != 0.0]
    return sum(changed) / len(changed) ** 0.5 if changed else 0.0


def gain(now: Prediction, then: Prediction) -> float:
    """By how many nats one BatchNorm fits better."""
    ruled_out = IMPOSSIBLE_NATS * (now.impossible - then.impossible)
    if not (now.known and then.known) or abs(now.misfit - then.misfit) < 1e-9:
        return ruled_out
    # ``nats`` counts from the better one.
    costs = nats([now.misfit, then.misfit], min(now.channels, then.channels))
    return float(costs[0] - costs[1]) + ruled_out
