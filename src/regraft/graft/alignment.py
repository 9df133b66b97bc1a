"""Two lists of nodes side by side in the order in which they run, with gaps on both sides (Needleman and Wunsch 1970)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regraft.graft.likeness import likeness
from regraft.graft.network import Node

#: What a pair of equal sizes is worth, and names on top of that.
EQUAL, NAMES = 1.0, 0.5


def worth(ours: Node, theirs: Node) -> float:
    """What it is worth that two nodes are a pair; 0 if they cannot be one."""
    if ours.label != theirs.label:
        return 0.0
    return EQUAL + NAMES * likeness(ours.name, theirs.name)


def aligned(ours: Sequence[Node], theirs: Sequence[Node]) -> list[tuple[int, int]]:
    """The pairs of the best alignment, in order; only nodes of equal sizes are paired."""
    table = np.zeros((len(ours) + 1, len(theirs) + 1))
    score = np.array([[worth(a, b) for b in theirs] for a in ours]).reshape(len(ours), len(theirs))
    for i in range(len(ours)):
        for j in range(len(theirs)):
            paired = table[i, j] + score[i, j] if score[i, j] else -1.0
            table[i + 1, j + 1] = max(table[i, j + 1], table[i + 1, j], paired)
    pairs: list[tuple[int, int]] = []
    i, j = len(ours), len(theirs)
    while i and j:
        if score[i - 1, j - 1] and table[i, j] == table[i - 1, j - 1] + score[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif table[i, j] == table[i - 1, j]:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]
