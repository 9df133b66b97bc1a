"""Names of operations in a graph, and the layers that they belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: What TensorFlow puts behind a name that was taken.
AGAIN = re.compile(r"(_\d+)*")


def tensors_of(names: Sequence[str], layers: Sequence[str]) -> dict[int, list[str]]:
    """
    The operations of every layer call.

    A graph keeps the name of a layer as part of a path, with a number behind it where the name was taken before, so
    that ``re_lu_1`` may be the layer of that name or the layer ``re_lu``. Paths and calls both come in the order in which
    they run, so the longest pairing that keeps the order tells which is which.

    Args:
        names: Of the operations, in the order of the graph: ``digits_1/re_lu_1/Relu``.
        layers: Of the layer calls, in the order of the model.

    Returns:
        The operations by the number of the call; a call without any is left out.

    >>> tensors_of(["m/a_1/Conv", "m/a_1/Relu", "m/a_1_2/Conv", "m/b_1/Add"], ["a", "a_1", "b"])
    {0: ['m/a_1/Conv', 'm/a_1/Relu'], 1: ['m/a_1_2/Conv'], 2: ['m/b_1/Add']}
    """
    scopes: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        parts = name.split("/")[:-1]
        depth = next((i for i, part in enumerate(parts) if any(bears(part, layer) for layer in layers)), None)
        if depth is not None:
            scopes.setdefault(tuple(parts[: depth + 1]), []).append(name)
    ends = [scope[-1] for scope in scopes]
    operations = list(scopes.values())
    return {call: operations[scope] for call, scope in aligned(layers, ends)}


def bears(part: str, layer: str) -> bool:
    """Whether a part of a path is the name of a layer, with or without a number behind it."""
    return part.startswith(layer) and AGAIN.fullmatch(part[len(layer) :]) is not None


def aligned(layers: Sequence[str], scopes: Sequence[str]) -> list[tuple[int, int]]:
    """The longest pairing of both that keeps the order, as pairs of numbers."""
    best = [[0] * (len(scopes) + 1) for _ in range(len(layers) + 1)]
    for i in range(len(layers) - 1, -1, -1):
        for j in range(len(scopes) - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], bears(scopes[j], layers[i]) + best[i + 1][j + 1])
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(layers) and j < len(scopes):
        if bears(scopes[j], layers[i]) and best[i][j] == 1 + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs
