"""A model against the BatchNorm statistics in its own file, as a part of the report: neither data nor Keras is needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regraft.blueprint import Blueprint
from regraft.errors import RegraftError
from regraft.layers.binding import Binding
from regraft.moments.entry import entries
from regraft.moments.propagate import NORMS
from regraft.moments.selfcheck import LayerVerdict, check
from regraft.report import SelfCheckRow, StatisticRow
from regraft.weights import WeightTree


def self_check(
    blueprint: Blueprint,
    binding: Binding,
    tree: WeightTree,
    *,
    samples: Sequence[np.ndarray] = (),
    look_for_rivals: bool = True,
) -> SelfCheckRow | None:
    """
    Judge a model by what its BatchNorms store.

    Args:
        blueprint: The architecture.
        binding: Its variables.
        tree: The file they come from.
        samples: Real inputs, one array an input, in Keras order, batch first: the model is run on them, and variances,
            strides, pools and the preprocessing are tested too.
        look_for_rivals: Whether to name changes of the architecture that would fit better.

    Returns:
        One row a BatchNorm, and how the inputs were scaled; None if there is no BatchNorm.
    """
    if not any(spec.type in NORMS for spec in blueprint.layers):
        return None
    arrays = {
        layer: {name: bound.read() for name, bound in variables.items()} for layer, variables in binding.layers.items()
    }
    measured = None
    if samples:
        from regraft.recovery import statistics_on  # torch, which a check without samples spares

        measured = statistics_on(blueprint, tree, samples)
    try:
        found = check(blueprint, arrays, measured, look_for_rivals=look_for_rivals)
        scaled = tuple(f"{entry.input}: {entry.words}" for entry in entries(blueprint, arrays))
    except (RegraftError, ValueError, KeyError, IndexError, TypeError) as error:
        return SelfCheckRow(f"could not be made: {error}")
    return SelfCheckRow(
        summary=found.summary,
        layers=tuple(row(verdict) for verdict in found.layers),
        inputs=scaled,
        better=tuple(rival.said for rival in found.rivals),
    )


def row(verdict: LayerVerdict) -> StatisticRow:
    """One BatchNorm as a row of the report."""
    misfit = verdict.prediction.misfit if verdict.prediction is not None else float("nan")
    known = float(misfit) if np.isfinite(misfit) else None
    return StatisticRow(verdict.layer, known, verdict.verdict, verdict.reason)
