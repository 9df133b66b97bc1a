"""A model against the BatchNorm statistics in its own file, as a part of the report: neither data nor Keras is needed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from regraft.blueprint import Blueprint
from regraft.errors import RegraftError
from regraft.layers.binding import Binding
from regraft.moments.entry import entries
from regraft.moments.prediction import Prediction
from regraft.moments.propagate import NORMS
from regraft.moments.selfcheck import LayerVerdict, check
from regraft.report import SelfCheckRow, StatisticRow

#: Channels a layer that the report keeps.
MOST_POINTS = 64


def self_check(
    blueprint: Blueprint,
    binding: Binding,
    *,
    measured: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    look_for_rivals: bool = True,
) -> SelfCheckRow | None:
    """
    Judge a model by what its BatchNorms store.

    Args:
        blueprint: The architecture.
        binding: Its variables.
        measured: Mean and variance a channel of what reaches each BatchNorm on real inputs: with them variances,
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
    found = verdict.prediction
    misfit = found.misfit if found is not None else float("nan")
    known = float(misfit) if np.isfinite(misfit) else None
    channels = found.channels if found is not None and known is not None else 0
    return StatisticRow(verdict.layer, known, verdict.verdict, verdict.reason, channels, points(found))


def points(found: Prediction | None) -> tuple[tuple[float, float, float], ...]:
    """Predicted mean, stored mean and stored standard deviation of at most ``MOST_POINTS`` live channels."""
    if found is None or found.mean is None or not found.known:
        return ()
    live = np.flatnonzero(found.norm.live & np.isfinite(found.mean))
    if len(live) > MOST_POINTS:
        live = live[np.linspace(0, len(live) - 1, MOST_POINTS).round().astype(int)]
    columns = (found.mean[live], found.norm.mean[live], found.norm.sd[live])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return tuple((significant(a), significant(b), significant(c)) for a, b, c in rows)


def significant(value: float) -> float:
    """A number as it is drawn: four digits are enough."""
    return float(f"{value:.4g}")
