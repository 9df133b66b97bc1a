"""Recurrent layers in a bag of arrays: kernel, recurrent kernel and bias have the gates along one axis."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from regraft.recover.grouping.affinity import BIAS, clean, finite, made_by, odds, rows_of
from regraft.recover.grouping.assignment import assign
from regraft.recover.grouping.bag import Bag, Body

#: Tables of words are far longer than wide; kernels of recurrent layers are not.
TABLE = 8


def take_recurrent(bag: Bag) -> list[Body]:
    """Take all recurrent layers out of a bag."""
    found = [body for kind, gates in (("LSTM", 4), ("GRU", 3), ("SimpleRNN", 1)) for body in _of_kind(bag, kind, gates)]
    return _both_ways(bag, found)


def _of_kind(bag: Bag, kind: str, gates: int) -> list[Body]:
    by_width: dict[int, list[int]] = defaultdict(list)
    for i in bag.of_rank(2):
        by_width[bag.shapes[i][1]].append(i)
    found: list[Body] = []
    for width, matrices in by_width.items():
        units = width // gates
        double = [i for i in matrices if bag.shapes[i][0] == 2] if kind == "GRU" and units != 2 else []
        longest = TABLE * units if gates == 1 else max(bag.shapes[i][0] for i in matrices)
        kernels = [i for i in matrices if i not in double and bag.shapes[i][0] <= longest]
        biases = double or bag.vectors().get(width, [])
        square = [i for i in kernels if bag.shapes[i][0] == units]
        if width % gates or not square:
            continue
        count = min(len(square), len(kernels) // 2)
        if biases:
            # Dense layers have a bias each, recurrent layers one for two kernels.
            count = min(count, len(double) or len(kernels) - len(biases))
        elif gates == 1:
            count = 0
        if count > 0:
            found += _matched(bag, kind, units, kernels, square, biases, count)
    return found


def _matched(
    bag: Bag, kind: str, units: int, kernels: list[int], square: list[int], biases: list[int], count: int
) -> list[Body]:
    """Kernels, recurrent kernels and biases of one width, dealt out to ``count`` layers."""
    recurrent = sorted(square, key=lambda i: mixing(bag.read(i)))[:count]
    rest = [i for i in kernels if i not in recurrent]
    norms = {i: np.sqrt((clean(bag.read(i)) ** 2).sum(axis=0)) for i in (*recurrent, *rest)}
    scores = odds(np.array([norms[i] for i in recurrent]), np.array([norms[i] for i in rest]), 0.4, 0.3)
    scores += np.array([0.0 if bag.shapes[i][0] in bag.widths else -3.0 for i in rest])[None, :]
    partner = [rest[j] for j in assign(-scores)]
    doubts = _doubts(-scores, np.array([rest.index(i) for i in partner]))
    if len(square) > count:
        # As many channels as units: kernel and recurrent kernel differ in their history alone.
        doubts = np.minimum(doubts, 1.0)
    own: list[list[int]] = [[kernel, again] for kernel, again in zip(partner, recurrent, strict=True)]
    if biases:
        # ``(2, gates)`` of a GRU: one row each for the kernel and the recurrent kernel.
        values = (
            bag.vector_rows(biases)
            if len(bag.shapes[biases[0]]) == 1
            else np.array([clean(bag.read(i)[0]) for i in biases])
        )
        fits = np.array([BIAS * sum(made_by(values, rows_of(bag.read(i))) for i in pair) for pair in own])
        width = max(len(biases), count)
        padded = np.full((count, width), -50.0)
        padded[:, : len(biases)] = fits
        for body, j in zip(own, assign(-padded), strict=True):
            if j < len(biases):
                body.append(biases[j])
        doubts = np.minimum(doubts, _doubts(-padded, assign(-padded)))
    found = [
        Body(kind, places, units, bag.shapes[places[0]][0], closed=True, doubt=float(d))
        for places, d in zip(own, doubts, strict=True)
    ]
    for body in found:
        bag.take(body.places)
    return found


def _doubts(costs: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """For each row what its cheapest exchange costs, with another row or for a column that nobody has."""
    rows = np.arange(len(columns))
    own = costs[rows, columns]
    taken = costs[:, columns]
    swaps = taken + taken.T - own[:, None] - own[None, :]
    np.fill_diagonal(swaps, 99.0)
    free = np.setdiff1d(np.arange(costs.shape[1]), columns)
    moves = (costs[:, free] - own[:, None]).min(axis=1) if free.size else np.full(len(rows), 99.0)
    return np.minimum(swaps.min(axis=1, initial=99.0), moves)


def mixing(kernel: np.ndarray) -> float:
    """How far the rows of a kernel are from orthogonal: recurrent kernels start there, and stay near."""
    rows = finite(kernel)
    alike = rows @ rows.T
    whole = float((alike**2).sum())
    return 1.0 - float((np.diag(alike) ** 2).sum()) / whole if whole else 1.0


def _both_ways(bag: Bag, bodies: list[Body]) -> list[Body]:
    """Pairs of equal shapes are the two directions of one layer, if something takes both or nothing takes one."""
    groups: dict[tuple[str, int, int, int], list[Body]] = defaultdict(list)
    for body in bodies:
        groups[body.type, body.cin, body.width, len(body.places)].append(body)
    found: list[Body] = []
    for (kind, cin, units, _), members in groups.items():
        consumers = {shape[-2] for i, shape in enumerate(bag.shapes) if len(shape) >= 2 and i in bag.left}
        consumers |= {b.cin for b in bodies if b not in members}
        pairs = len(members) // 2 if 2 * units in consumers or units not in consumers else 0
        for k in range(pairs):
            ahead, back = members[2 * k : 2 * k + 2]
            doubt = min(ahead.doubt, back.doubt, 2.0 if 2 * units in consumers else 1.0)
            found.append(
                Body(
                    "Bidirectional", [*ahead.places, *back.places], 2 * units, cin, closed=True, wraps=kind, doubt=doubt
                )
            )
        found += members[2 * pairs :]
    return found
