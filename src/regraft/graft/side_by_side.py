"""Layers of a file and of a module side by side: which pair, which pair but for a size, which are extra or missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regraft.graft.likeness import likeness
from regraft.graft.pieces import Piece
from regraft.graft.unit import LINEAR, NORMS

#: What a pair is worth: one that was found before, equal sizes, the kind alone, a like kernel or groups, sizes, the name.
FOUND, EQUAL, KIND, FORM, SIZES, NAME = 3.0, 2.0, 0.4, 0.25, 0.6, 0.3
#: Layers out of order stand side by side from here on: the kind, the form and some sizes are the same.
LEAST = 1.0
#: Share of the layers that an alignment in order must pair to be kept as it is.
WHOLE = 0.8
#: What it is worth that a normalisation of another kind, or a convolution for a Dense, stands there.
AKIN = 0.5


@dataclass(frozen=True)
class Row:
    """
    One line of an alignment.

    Attributes:
        ours: Layer of the file, None if there is none.
        theirs: Module of the user's, None if there is none.
        differs: Axes of different length, with both: in the file, in the module.
    """

    ours: Piece | None
    theirs: Piece | None
    differs: tuple[tuple[str, object, object], ...] = ()

    @property
    def paired(self) -> bool:
        """Whether there is one on either side."""
        return self.ours is not None and self.theirs is not None

    @property
    def equal(self) -> bool:
        """Whether they are a pair of equal sizes."""
        return self.paired and not self.differs


def side_by_side(
    ours: Sequence[Piece], theirs: Sequence[Piece], known: Mapping[int, int], *, ran: bool = True
) -> list[Row]:
    """
    The best alignment in the order in which both run.

    Args:
        ours: Layers of the file.
        theirs: Modules of the user's.
        known: Pairs that were found by structure: number in ``theirs`` to number in ``ours``.
        ran: Whether the modules stand in the order of a run. In the order of their definition they may cross, and the lines
            stand in the order of the file.
    """
    back = {i: j for j, i in known.items()}
    score = np.zeros((len(ours), len(theirs)))
    for i, a in enumerate(ours):
        for j, b in enumerate(theirs):
            if i in back or j in known:
                score[i, j] = FOUND * (back.get(i) == j)
            else:
                score[i, j] = worth(a, b)
    table = np.zeros((len(ours) + 1, len(theirs) + 1))
    for i in range(len(ours)):
        for j in range(len(theirs)):
            paired = table[i, j] + score[i, j] if score[i, j] else -1.0
            table[i + 1, j + 1] = max(table[i, j + 1], table[i + 1, j], paired)
    couples = walked(table, score)
    if ran:
        return rows(ours, theirs, {**dict(couples), **back})
    whole = len(couples) >= WHOLE * min(len(ours), len(theirs))
    crossed = crossing(score, [(i, j) for i, j in couples if whole or score[i, j] >= EQUAL])
    turned = rows(theirs, ours, {j: i for i, j in crossed.items()})
    return [row_of(row.theirs, row.ours) for row in turned]


def row_of(ours: Piece | None, theirs: Piece | None) -> Row:
    """A row of two, or of one."""
    return Row(ours, theirs, differing(ours, theirs) if ours is not None and theirs is not None else ())


def crossing(score: np.ndarray, couples: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The pairs, and out of order those of equal sizes that are left, then those that are nearly so."""
    found = dict(couples)
    taken = set(found.values())
    order = sorted(((-value, i, j) for (i, j), value in np.ndenumerate(score) if value >= LEAST))
    for _, i, j in order:
        if i not in found and j not in taken:
            found[i] = j
            taken.add(j)
    return found


def walked(table: np.ndarray, score: np.ndarray) -> list[tuple[int, int]]:
    """The pairs of the best way through a table."""
    found: list[tuple[int, int]] = []
    i, j = score.shape
    while i and j:
        if score[i - 1, j - 1] and table[i, j] == table[i - 1, j - 1] + score[i - 1, j - 1]:
            i, j = i - 1, j - 1
            found.append((i, j))
        elif table[i, j] == table[i - 1, j]:
            i -= 1
        else:
            j -= 1
    return found[::-1]


def rows(ours: Sequence[Piece], theirs: Sequence[Piece], couples: Mapping[int, int]) -> list[Row]:
    """The alignment in the order of the module; what the file has more stands behind what came before it there."""
    found: list[Row] = []
    at = {j: i for i, j in couples.items()}
    told: set[int] = set()

    def extras(until: int) -> None:
        for i in range(until):
            if i not in couples and i not in told:
                told.add(i)
                found.append(Row(ours[i], None))

    for j, piece in enumerate(theirs):
        i = at.get(j)
        if i is None:
            found.append(Row(None, piece))
            continue
        extras(i)
        found.append(Row(ours[i], piece, differing(ours[i], piece)))
    extras(len(ours))
    return found


def worth(ours: Piece, theirs: Piece) -> float:
    """What it is worth that two layers stand side by side; 0 if they cannot."""
    if family(ours.kind) != family(theirs.kind):
        return 0.0
    names = set(ours.sizes) | set(theirs.sizes)
    same = sum(size(ours, axis) == size(theirs, axis) for axis in names) / max(1, len(names))
    if ours.kind != theirs.kind:
        return AKIN * same if same > AKIN else 0.0
    form = (size(ours, "kernel") == size(theirs, "kernel")) + (by_channel(ours) == by_channel(theirs))
    name = NAME * likeness(ours.name, theirs.name)
    return (EQUAL if same == 1.0 else KIND + FORM * form + SIZES * same) + name


def by_channel(piece: Piece) -> bool:
    """Whether a convolution is one for each channel."""
    return piece.sizes.get("groups", 1) != 1 and piece.sizes.get("groups") == piece.sizes.get("cin")


def family(kind: str) -> str:
    """Kinds that can stand for each other."""
    return "linear" if kind in LINEAR else "norm" if kind in NORMS else kind


def size(piece: Piece, axis: str) -> object:
    """The length of an axis, of a kernel without axes of length 1, for a Dense is a convolution of length 1."""
    value = piece.sizes.get(axis, 1 if axis == "groups" else "")
    return value if axis != "kernel" or set(str(value).split("x")) - {"1", ""} else ""


def differing(ours: Piece, theirs: Piece) -> tuple[tuple[str, object, object], ...]:
    """Axes of different length."""
    names = dict.fromkeys((*ours.sizes, *theirs.sizes))
    found: list[tuple[str, object, object]] = []
    if family(ours.kind) != family(theirs.kind) or (ours.kind != theirs.kind and ours.kind not in LINEAR):
        found.append(("kind", ours.kind, theirs.kind))
    for axis in names:
        a, b = size(ours, axis), size(theirs, axis)
        if a != b and not (axis == "kernel" and same_kernel(str(a), str(b))):
            found.append((axis, ours.sizes.get(axis, a), theirs.sizes.get(axis, b)))
    return tuple(found)


def same_kernel(ours: str, theirs: str) -> bool:
    """
    Whether two kernels are the same but for axes of length 1, where one has more axes.

    >>> same_kernel("3", "3x1"), same_kernel("1x7", "7x1")
    (True, False)
    """
    a, b = ours.split("x"), theirs.split("x")
    return len(a) != len(b) and [n for n in a if n != "1"] == [n for n in b if n != "1"]
