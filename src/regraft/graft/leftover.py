"""What names and shapes left over: why the result would be wrong, and what only has to be said."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from regraft.graft.by_names import LEAST, Named, Pairing
from regraft.graft.fusing import mixed, triples
from regraft.graft.naming import alike, words_of
from regraft.graft.owner import Array, Owner
from regraft.graft.ways import way
from regraft.layout import apply

Read = Callable[[str], np.ndarray]
#: As much of two names is common if they are meant to be the same.
MEANT = 0.75
RECURRENT = "is recurrent, and how its gates lie depends on settings that names do not say: give the --architecture"
SHAPES = "is it the same architecture with the same sizes (config.json)?"


def problems(pairing: Pairing, read: Read) -> Iterator[str]:
    """
    Why a module may not be filled.

    Args:
        pairing: What was found.
        read: Stored arrays by path.
    """
    if not pairing.pairs:
        yield "no layer of the file has the shapes and the name of a module: is this the architecture of the file?"
        return
    yield from undecided(pairing)
    if any(map(mixed, pairing.lone_targets)) and triples(pairing.lone_sources):
        names = ", ".join(target.name for target in pairing.lone_targets if mixed(target))
        yield f"{names}: queries, keys and values lie head by head there, one layer each in the file: split the module in three"
    for source in pairing.lone_sources:
        best = max(pairing.lone_targets, key=lambda target: alike(source.words, target.words), default=None)
        if best is not None and alike(source.words, best.words) >= MEANT and unlike(source, best):
            yield f"{best.name} is called as {source.name}, and does not fit it: {unlike(source, best)}; {SHAPES}"
        if "recurrent" in source.arrays:
            yield f"{source.name}: {RECURRENT}"
        yield from tied(source, pairing, read)


def undecided(pairing: Pairing) -> Iterator[str]:
    """Layers that fit several modules, or share one with others, where the names do not decide."""
    sharing: dict[str, int] = {}
    for _, targets in pairing.undecided:
        for target in targets:
            sharing[target.name] = sharing.get(target.name, 0) + 1
    for source, targets in pairing.undecided:
        if len(targets) > 1 or any(sharing[target.name] > 1 for target in targets):
            names = ", ".join(target.name for target in targets[:4]) + (", ..." if len(targets) > 4 else "")
            yield f"{source.name} fits {names}, and the names do not say which: state it with --mapping, or rename the modules"


def unlike(source: Owner, target: Owner) -> str:
    """What does not fit; empty if only the numbers of the names differ."""
    for role, array in source.arrays.items():
        if role not in target.arrays:
            if role and "" not in target.arrays:
                return f"it has no place for {array.word or role} {array.shape}"
            continue
        if way(array, target.arrays[role]) is None:
            axes = target.arrays[role].axes
            said = f", {axes}" if axes else ""
            return f"{role} expected {target.arrays[role].shape}{said}, the file has {array.shape}"
    return ""


def tied(source: Owner, pairing: Pairing, read: Read) -> Iterator[str]:
    """Where the module shares one array between two places, and the file has another one for the second place."""
    for pair in pairing.pairs:
        for role, target in pair.target.arrays.items():
            for key in target.again:
                words = words_of(key.split(".")[:-1])
                if alike(source.words, words) < MEANT or alike(source.words, words) <= alike(
                    source.words, pair.target.words
                ):
                    continue
                (array,) = list(source.arrays.values())[:1]
                if not same(array, pair, role, read):
                    yield (
                        f"the module has one array for {target.name} and {key}, the file has two that differ: "
                        f"{source.name} has no place; make the module without tying them (tie_word_embeddings)"
                    )


def same(array: Array, pair: Named, role: str, read: Read) -> bool:
    """Whether a stored array makes the very numbers that its place in the module gets from another."""
    there, how = pair.ways.get(role, (None, None))
    found = way(array, pair.target.arrays[role])
    if there is None or how is None or found is None or array.parts or pair.source.arrays[there].parts:
        return False
    (mine,) = apply(found.moves, (read(array.name),))
    (other,) = apply(how.moves, (read(pair.source.arrays[there].name),))
    return np.array_equal(mine, other, equal_nan=True)


def said(pairing: Pairing) -> list[tuple[tuple[str, ...], str]]:
    """Couples that are left on both sides and could be one, which neither names nor shapes say."""
    return [
        (
            (source.name, *(target.name for target in targets)),
            f"not paired: less than {LEAST:.0%} of the names is common",
        )
        for source, targets in pairing.undecided
        if len(targets) == 1
    ]
