"""
Layers of a file onto modules by their order, for a file whose model cannot be run: nothing is compared.

Two belong together if every array of the one has its place in the other, by its role and by its shape up to the layer's
own moves of axes. Those that fit nothing else are pairs; of the others the best alignment in order decides, and names where
that leaves a choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from regraft.graft.bridge import NEUTRAL, Carried, between
from regraft.graft.held import Held
from regraft.graft.likeness import likeness
from regraft.graft.onto import Grafting, Pair
from regraft.graft.owner import Array
from regraft.graft.side_by_side import walked
from regraft.graft.unit import LINEAR, Parameter
from regraft.graft.ways import way
from regraft.layout import Fill, Layout, Move, shapes_after

#: What a couple is worth that fits, one of the same kind on top of that, and the likeness of names.
FITS, KIND, NAMES = 1.0, 1.0, 0.5
ORDER, SHAPE = "order", "the only one of its shape"


def by_order(
    ours: Sequence[Held], theirs: Sequence[Held], *, ran: bool, ordered: bool, by_forms: bool = False
) -> Grafting:
    """
    Pair what two modules hold.

    Args:
        ours: Of the converted model, in the order of the file.
        theirs: Of the user's module.
        ran: Whether those stand in the order of a run; else in that of their definition.
        ordered: Whether the file tells the order of its layers.
        by_forms: Whether the order among layers of one form may count where that of all is another: only if the result is
            compared.
    """
    ways = {(i, j): found for i, a in enumerate(ours) for j, b in enumerate(theirs) if (found := fitting(a, b))}
    single = alone(ways)
    score = np.zeros((len(ours), len(theirs)))
    for i, j in ways:
        if (i, j) not in single:
            a, b = ours[i], theirs[j]
            score[i, j] = FITS + KIND * (a.kind == b.kind) + NAMES * likeness(a.name, b.name)
    couples = [*single, *walked(filled_table(score), score)]
    if by_forms and len(couples) < max(len(ours), len(theirs)):
        couples = form_by_form(ours, theirs, ways) or couples
    pairs = tuple(
        Pair(ours[i].name, theirs[j].name, SHAPE if (i, j) in single else ORDER, ways[i, j], (i, j))
        for i, j in sorted(couples, key=lambda c: c[1])
    )
    left = [one for i, one in enumerate(ours) if i not in {i for i, _ in couples}]
    right = [one for j, one in enumerate(theirs) if j not in {j for _, j in couples}]
    told = ties([(ours[i], theirs[j]) for i, j in couples], ran)
    problems = [f"{one.name} of the file has no twin in the module" for one in left]
    problems += [f"{one.name} of the module has no twin in the file" for one in right]
    if told and not ordered:
        problems += [
            f"the file does not tell the order of its layers, and {' and '.join(names[:4])} are alike: state the pairs "
            "in a mapping.toml, with --mapping"
            for names, _ in told
        ]
    return Grafting(
        pairs, (), told, tuple(one.name for one in left), tuple(one.name for one in right), problems=tuple(problems)
    )


def alone(ways: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
    """Couples of which neither fits anything else: order has nothing to say there."""
    ours, theirs = Counter(i for i, _ in ways), Counter(j for _, j in ways)
    return [(i, j) for i, j in ways if ours[i] == theirs[j] == 1]


def form_by_form(
    ours: Sequence[Held], theirs: Sequence[Held], ways: Collection[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Couples in the order among those of one form; none if one form is more often on one side."""
    here, there = (
        {form: [i for i, one in enumerate(side) if one.form == form] for form in {one.form for one in side}}
        for side in (ours, theirs)
    )
    found = [couple for form in here for couple in zip(here[form], there.get(form, []), strict=False)]
    whole = len(found) == len(ours) == len(theirs) and all(couple in ways for couple in found)
    return found if whole else []


def filled_table(score: np.ndarray) -> np.ndarray:
    """What the best alignment of all beginnings is worth."""
    table = np.zeros((score.shape[0] + 1, score.shape[1] + 1))
    for i in range(score.shape[0]):
        for j in range(score.shape[1]):
            paired = table[i, j] + score[i, j] if score[i, j] else -1.0
            table[i + 1, j + 1] = max(table[i, j + 1], table[i + 1, j], paired)
    return table


def ties(couples: Sequence[tuple[Held, Held]], ran: bool) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Modules that are told apart by their order alone."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for ours, theirs in couples:
        alike.setdefault(ours.form, []).append(theirs.name)
    how = "they run" if ran else "they are defined, for the module was not run"
    why = f"the order of the file's layers, and that in which {how}"
    return tuple((tuple(names), why) for names in alike.values() if len(names) > 1)


def fitting(ours: Held, theirs: Held) -> tuple[Carried, ...]:
    """The way of every parameter of a module; empty if one of either side has none."""
    if ours.stock and theirs.stock and ours.kind != theirs.kind and {ours.kind, theirs.kind} - LINEAR:
        return ()
    if set(ours.parameters) - set(theirs.parameters):
        return ()
    carried: list[Carried] = []
    for role, wanted in theirs.parameters.items():
        given = ours.parameters.get(role)
        if given is None:
            value = 1.0 if role == "weight" and len(wanted.shape) == 1 else NEUTRAL.get(role.removesuffix("_reverse"))
            if value is None:
                return ()
            carried.append(Carried(wanted.key, "", (Fill(wanted.shape, value),)))
            continue
        moves = moved(given, wanted, ours)
        if moves is None:
            return ()
        carried.append(Carried(wanted.key, given.key, moves))
    return tuple(carried)


def moved(given: Parameter, wanted: Parameter, ours: Held) -> tuple[Move, ...] | None:
    """The moves of one array; None if there are none."""
    if not ours.stock and not given.axes and len(given.shape) > 1 and wanted.axes:
        # A layer that could not be converted: its arrays lie as Keras has them.
        how = way(Array(given.key, given.shape, "kernel"), Array(wanted.key, wanted.shape, "", wanted.axes))
        return None if how is None else how.moves
    if given.axes and wanted.axes:
        found = between(given, wanted, ours.kind in LINEAR)
        if found is not None and shapes_after(found, (given.shape,)) != (wanted.shape,):
            return None
        if found is not None or len(given.shape) > 1:
            return found
    return () if given.shape == wanted.shape else squeezed(given.shape, wanted.shape)


def squeezed(given: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[Move, ...] | None:
    """
    The move to a shape that differs in axes of length 1 alone; None if it differs in more.

    >>> [move.words for move in squeezed((6,), (1, 1, 6)) or ()]
    ['a0 -> 1 1 a0']
    """
    if [n for n in given if n != 1] != [n for n in wanted if n != 1]:
        return None
    return (Layout(f"{axes(given)} -> {axes(wanted)}").bind(given),)


def axes(shape: tuple[int, ...]) -> str:
    """Names of axes, those of length 1 as ``1``."""
    found: list[str] = []
    for size in shape:
        found.append("1" if size == 1 else f"a{sum(name != '1' for name in found)}")
    return " ".join(found)
