"""
Layers of a file onto modules, by their names and by what shapes allow; nothing else is known of the file.

Two belong together if each is the other's likeliest by far; then what is left alone in its place with its shape. What
neither decides is listed and left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from regraft.graft.fusing import as_one
from regraft.graft.naming import Words, alike, numbers_agree
from regraft.graft.owner import Owner
from regraft.graft.ways import How, filler, way

#: Least part of two names that must be common, and how much better than with any other it must be.
LEAST, MARGIN = 0.5, 0.02


@dataclass(frozen=True)
class Named:
    """
    A layer and a module that belong together.

    Attributes:
        source: The layer.
        target: The module.
        how: What decided.
        ways: Of each array, by its role on the side of the module.
    """

    source: Owner
    target: Owner
    how: str
    ways: Mapping[str, tuple[str, How]]


@dataclass(frozen=True)
class Pairing:
    """
    What became of both sides.

    Attributes:
        pairs: In the order of the module.
        undecided: Layers with the modules that they could be, neither decided by names nor by shapes.
        lone_sources: Layers that have no module.
        lone_targets: Modules that have no layer.
    """

    pairs: tuple[Named, ...]
    undecided: tuple[tuple[Owner, tuple[Owner, ...]], ...] = ()
    lone_sources: tuple[Owner, ...] = ()
    lone_targets: tuple[Owner, ...] = ()


@dataclass
class Sides:
    """Both sides while they are being paired; each owner by its place in the list."""

    sources: Sequence[Owner]
    targets: Sequence[Owner]
    fitting: dict[tuple[int, int], dict[str, tuple[str, How]]] = field(default_factory=dict)
    score: dict[tuple[int, int], float] = field(default_factory=dict)
    found: dict[int, tuple[int, str]] = field(default_factory=dict)

    def free(self) -> list[tuple[int, int]]:
        """Couples that fit and that are both without another."""
        taken = {target for target, _ in self.found.values()}
        return [(s, t) for s, t in self.fitting if s not in self.found and t not in taken]


def pair(sources: Sequence[Owner], targets: Sequence[Owner]) -> Pairing:
    """
    Pair layers and modules.

    Args:
        sources: Layers of the file, from ``stored``.
        targets: Modules with parameters, from ``parameters``.
    """
    sides = Sides(*as_one(sources, targets))
    for s, source in enumerate(sides.sources):
        for t, target in enumerate(sides.targets):
            ways = fitting(source, target)
            if ways is not None:
                sides.fitting[s, t] = ways
                sides.score[s, t] = max(alike(source.words, words) for words in (target.words, *target.also))
    while by_names(sides) or by_place(sides):
        pass
    by_shape(sides)
    return result(sides)


def fitting(source: Owner, target: Owner) -> dict[str, tuple[str, How]] | None:
    """
    The ways of every array of a layer into a module, by the role there, with the role here; None if they do not fit.

    A module may have parameters that the layer leaves out, where it says what they are then.
    """
    found: dict[str, tuple[str, How]] = {}
    for role, array in source.arrays.items():
        there = role if role in target.arrays else alone(role, source, target)
        how = way(array, target.arrays[there]) if there is not None else None
        if there is None or how is None or there in found:
            return None
        found[there] = (role, how)
    rest = {role: array for role, array in target.arrays.items() if role not in found}
    if any(filler(role, array.shape) is None for role, array in rest.items()):
        return None
    return found


def alone(role: str, source: Owner, target: Owner) -> str | None:
    """The role of the only array of a module, where the layer has a single one too and one of the two has no role."""
    if len(source.arrays) == 1 and len(target.arrays) == 1:
        (other,) = target.arrays
        if not role or not other or role.isdigit():
            return other
    return None


def by_names(sides: Sides) -> bool:
    """Pair those of which each is the other's likeliest; whether there were any."""
    free = sides.free()
    first = best(free, sides.score, 0)
    second = best(free, sides.score, 1)
    new = {s: t for s, t in first.items() if second.get(t) == s and sides.score[s, t] >= LEAST}
    sides.found |= {s: (t, "names") for s, t in new.items()}
    return bool(new)


def best(free: Iterable[tuple[int, int]], score: Mapping[tuple[int, int], float], side: int) -> dict[int, int]:
    """Of every owner of one side the likeliest on the other, if none comes near it."""
    ranked: dict[int, list[tuple[float, int]]] = {}
    for couple in free:
        ranked.setdefault(couple[side], []).append((score[couple], couple[1 - side]))
    found: dict[int, int] = {}
    for place, those in ranked.items():
        those.sort(reverse=True)
        if len(those) == 1 or those[0][0] - those[1][0] > MARGIN:
            found[place] = those[0][1]
    return found


def by_place(sides: Sides) -> bool:
    """Pair those that are left alone with their shape in places that belong together; whether there were any."""
    free = sides.free()
    for here, there in together(sides):
        ours = {s for s, o in enumerate(sides.sources) if o.words[: len(here)] == here}
        theirs = {t for t, o in enumerate(sides.targets) if o.words[: len(there)] == there}
        inside = [(s, t) for s, t in free if s in ours and t in theirs]
        for s, t in single(inside):
            rivals = (
                sum((other, t) in sides.fitting for other in ours),
                sum((s, other) in sides.fitting for other in theirs),
            )
            if rivals[0] == rivals[1] and numbers_agree(sides.sources[s].words, sides.targets[t].words):
                sides.found[s] = (t, "the only one left of its shape at its place")
                return True
    return False


def together(sides: Sides) -> list[tuple[Words, Words]]:
    """Numbered places of both sides that belong together, by the pairs in them; the innermost first."""
    votes: dict[Words, set[Words]] = {}
    back: dict[Words, set[Words]] = {}
    for s, (t, _) in sides.found.items():
        ours, theirs = sides.sources[s].places, sides.targets[t].places
        if len(ours) == len(theirs):
            for here, there in zip(ours, theirs, strict=True):
                votes.setdefault(here, set()).add(there)
                back.setdefault(there, set()).add(here)
    found = [(here, next(iter(those))) for here, those in votes.items() if len(those) == 1]
    found = [(here, there) for here, there in found if len(back[there]) == 1]
    return sorted(found, key=lambda couple: -len(couple[0]))


def single(couples: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The couples of which neither has another."""
    ours, theirs = (Counter(couple[side] for couple in couples) for side in (0, 1))
    return [(s, t) for s, t in couples if ours[s] == 1 and theirs[t] == 1]


def by_shape(sides: Sides) -> None:
    """Pair those that fit nothing else at all, taken or not."""
    free = set(sides.free())
    for s, t in single(list(sides.fitting)):
        if (s, t) in free:
            sides.found[s] = (t, "the shape alone: nothing else has it")


def result(sides: Sides) -> Pairing:
    """What was found, and what was not."""
    pairs = sorted(sides.found.items(), key=lambda item: item[1][0])
    named = tuple(Named(sides.sources[s], sides.targets[t], how, sides.fitting[s, t]) for s, (t, how) in pairs)
    open_: dict[int, list[int]] = {}
    for s, t in sides.free():
        if numbers_agree(sides.sources[s].words, sides.targets[t].words):
            open_.setdefault(s, []).append(t)
    taken = {t for t, _ in sides.found.values()}
    return Pairing(
        named,
        tuple((sides.sources[s], tuple(sides.targets[t] for t in those)) for s, those in open_.items()),
        tuple(owner for s, owner in enumerate(sides.sources) if s not in sides.found),
        tuple(owner for t, owner in enumerate(sides.targets) if t not in taken),
    )
