"""The likeliest candidates once more, each as a whole: by the statistics in the file, on samples, and by labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from regraft.blueprint import Blueprint
from regraft.errors import RegraftError
from regraft.layers.binding import Binding, bind
from regraft.moments.norms import Norm, misfit, nats, norm, pooled
from regraft.moments.propagate import NORMS, predictions
from regraft.recover.candidate import Candidate, Run

#: Elements that are read and carried through the network once for every candidate; larger models get fewer candidates.
BUDGET = 400_000_000
#: Samples that are run; more would only take longer.
MOST_SAMPLES = 64
#: What one more sample classified right is worth, in nats.
NATS_PER_LABEL = 2.3


def rescored(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates with what their statistics cost added, cheapest first; nothing changes in a network without BatchNorm."""
    size = candidates[0].tree.parameter_count if candidates else 0
    looked_at = max(2, min(len(candidates), BUDGET // max(1, size)))
    found = [by_statistics(candidate) for candidate in candidates[:looked_at]]
    return [*priced(candidates[:looked_at], found), *candidates[looked_at:]]


def by_statistics(candidate: Candidate) -> dict[str, float]:
    """Misfit of every BatchNorm, as the file alone tells it; empty if the candidate does not hold together."""
    try:
        binding = bind(candidate.blueprint, candidate.tree)
        if not norms_of(candidate, binding):
            return {}
        made = predictions(candidate.blueprint, arrays_of(binding))
    except (RegraftError, ValueError, KeyError, IndexError, TypeError):
        return {}
    return {prediction.layer: prediction.misfit for prediction in made}


def on_samples(
    candidates: Sequence[Candidate], samples: tuple[np.ndarray, ...], labels: np.ndarray | None, run: Run
) -> list[Candidate]:
    """Candidates priced by the mean and variance that real inputs give at every BatchNorm, and by how they classify."""
    found: list[dict[str, float]] = []
    extra: list[float] = []
    some = tuple(array[:MOST_SAMPLES] for array in samples)
    for candidate in candidates:
        misfits, right = measured(candidate, some, labels, run)
        found.append(misfits)
        extra.append(-NATS_PER_LABEL * right)
    best = min(extra, default=0.0)
    repriced = [replace(c, cost=c.cost + cost - best) for c, cost in zip(candidates, extra, strict=True)]
    return priced(repriced, found)


def measured(
    candidate: Candidate, samples: tuple[np.ndarray, ...], labels: np.ndarray | None, run: Run
) -> tuple[dict[str, float], int]:
    """Misfit of every BatchNorm on samples, and how many are classified right."""
    try:
        binding = bind(candidate.blueprint, candidate.tree)
    except RegraftError:
        return {}, 0
    norms = norms_of(candidate, binding)
    entering = {call.layer: call.inputs[0] for call in candidate.blueprint.calls if call.layer in norms}
    ran = run(candidate.blueprint, candidate.tree, samples, tuple(entering.values()))
    misfits = {
        name: sample_misfit(ran.seen[ref], norms[name], norm_axis(candidate.blueprint, name))
        for name, ref in entering.items()
        if ref in ran.seen
    }
    right = 0
    if labels is not None and ran.outputs and ran.outputs[0].ndim == 2:
        classes = ran.outputs[0].argmax(1) if ran.outputs[0].shape[1] > 1 else (ran.outputs[0][:, 0] > 0.5).astype(int)
        right = int((classes == np.asarray(labels).reshape(-1)[: len(classes)]).sum())
    return misfits, right


def sample_misfit(seen: np.ndarray, bn: Norm, axis: int) -> float:
    """Mean and standard deviation of an activation against the stored ones, as one number like a misfit of means."""
    channels = np.moveaxis(seen, axis, -1).reshape(-1, seen.shape[axis])
    if channels.shape[1] != bn.channels:
        return float("nan")
    spread = np.log(channels.std(0)[bn.live] + 1e-12) - np.log(bn.sd[bn.live] + 1e-12)
    means = misfit(channels.mean(0), bn)
    return float(np.sqrt(np.square(means) + np.mean(np.square(np.clip(spread, -3, 3))))) if spread.size else means


def priced(candidates: Sequence[Candidate], found: Sequence[Mapping[str, float]]) -> list[Candidate]:
    """The cost of every misfit against those of the same BatchNorm in the other candidates."""
    names = sorted({name for misfits in found for name in misfits})
    every = [nats([misfits.get(name, float("nan")) for misfits in found]) for name in names]
    cost = pooled(every) if every else np.zeros(len(candidates))
    repriced = [replace(c, cost=c.cost + float(extra)) for c, extra in zip(candidates, cost, strict=True)]
    return sorted(repriced, key=lambda c: c.cost)


def norms_of(candidate: Candidate, binding: Binding) -> dict[str, Norm]:
    """Every BatchNorm of a candidate that has statistics to compare with."""
    found: dict[str, Norm] = {}
    for spec in candidate.blueprint.layers:
        if spec.type in NORMS and spec.name in binding.layers:
            arrays = {name: bound.read() for name, bound in binding.layers[spec.name].items()}
            epsilon = spec.config.get("epsilon", 1e-3)
            stored = norm(arrays, epsilon if isinstance(epsilon, float | int) else 1e-3)
            if not stored.trouble:
                found[spec.name] = stored
    return found


def norm_axis(blueprint: Blueprint, name: str) -> int:
    """The axis that a BatchNorm normalises."""
    axis = blueprint.by_name[name].config.get("axis", -1)
    return axis[0] if isinstance(axis, tuple) and isinstance(axis[0], int) else axis if isinstance(axis, int) else -1


def arrays_of(binding: Binding) -> dict[str, dict[str, np.ndarray]]:
    """Every variable, read."""
    return {
        layer: {name: bound.read() for name, bound in variables.items()} for layer, variables in binding.layers.items()
    }


__all__ = ["norm_axis", "on_samples", "rescored"]
