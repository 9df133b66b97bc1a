"""The parameters of the module against those that the file has for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from regraft.graft.onto import Grafting, filled
from regraft.grafting.source import Converted
from regraft.report.compared import WeightRow

#: Parameters of one module are the file's if they differ by no more than single precision does.
ROUNDING = 1e-6
#: Kernels that differ by more were trained on, or are another file's.
FOREIGN = 1e-2
#: From this share of parameters on a module has other weights throughout.
MOST = 0.8
MOVED = "the same numbers in another order"


def weight_rows(
    source: Converted, grafting: Grafting, state: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, WeightRow]]:
    """
    Parameters that are not what the file says, with what they are instead, by the layer of Keras.

    Args:
        source: The file.
        grafting: Which unit is which.
        state: The module's parameters.
    """
    wanted = filled(grafting, source.state)
    paths = {
        key: tuple(v.path for made in transfer.sources for v in made.sources)
        for transfer in source.module.transfers
        for key in transfer.parameters
    }
    layers = {key: transfer.layer for transfer in source.module.transfers for key in transfer.parameters}
    for way in grafting.carried:
        if way.target not in state or way.target not in wanted or not way.source:
            continue
        right, own = wanted[way.target], state[way.target]
        if own.dtype.kind != "f" or right.shape != own.shape:
            continue
        off = relative(right, own)
        if off > ROUNDING:
            row = WeightRow(way.target, paths.get(way.source, ()), off, instead(right, own, way.target, wanted))
            yield layers.get(way.source, ""), row


def foreign(rows: Sequence[tuple[str, WeightRow]], count: int) -> frozenset[str]:
    """
    Layers whose kernel is neither that of the file nor made of its numbers: no mistake in moving it explains that.

    Args:
        rows: Parameters that differ, by layer.
        count: How many parameters the module has; if most differ it has other weights throughout, and every such layer counts.
    """
    if throughout(rows, count):
        return frozenset(layer for layer, _ in rows)
    return frozenset(
        layer
        for layer, row in rows
        if not row.how
        and row.error is not None
        and row.error > FOREIGN
        and "weight" in row.parameter.rpartition(".")[2]
    )


def throughout(rows: Sequence[tuple[str, WeightRow]], count: int) -> bool:
    """Whether nearly all parameters of a module are others than the file's."""
    strange = [row for _, row in rows if row.error is not None and row.error > FOREIGN and row.how != MOVED]
    return len(strange) >= MOST * count and any(not row.how for row in strange)


def relative(right: np.ndarray, own: np.ndarray) -> float:
    """Largest difference relative to the largest value."""
    if not right.size:
        return 0.0
    return float(np.abs(right.astype(np.float64) - own).max() / max(float(np.abs(right).max()), 1e-30))


def instead(right: np.ndarray, own: np.ndarray, key: str, wanted: Mapping[str, np.ndarray]) -> str:
    """What a parameter is instead of what it should be; empty if that is not known."""
    if own.size > 1 and float(np.ptp(own)) == 0.0:
        return f"{own.flat[0]:g} throughout: not loaded"
    for words, moved in moves(right):
        if moved.shape == own.shape and relative(moved, own) <= ROUNDING:
            return words
    if alike(right, own):
        return MOVED
    for other, array in wanted.items():
        if other != key and array.size == own.size and alike(array, own):
            return f"the numbers of {other}"
    return ""


def moves(right: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What may become of an array."""
    if right.ndim == 2:
        yield "transposed", right.T
    if right.ndim == 4:
        yield "height and width exchanged", right.swapaxes(2, 3)
        yield "in and out channels exchanged", right.swapaxes(0, 1)
        yield "turned by 180 degrees", right[:, :, ::-1, ::-1]
    if right.ndim == 3:
        yield "turned end for end", right[:, :, ::-1]


def alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays hold the same numbers."""
    return a.size == b.size and relative(np.sort(a, axis=None), np.sort(b, axis=None)) <= ROUNDING
