"""Which unit of one network is which unit of another: by structure, then by order, then by names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from regraft.graft.alignment import aligned
from regraft.graft.likeness import likeness
from regraft.graft.network import ENDS, ORDERED, Network
from regraft.graft.surroundings import Surroundings


@dataclass
class Matching:
    """
    Pairs of nodes.

    Attributes:
        pairs: Place in the source network by place in the target network.
        how: Why, by place in the target network: ``structure``, ``what precedes``, ``what follows``, ``order``.
        ties: Sets of places in the target that the structure does not tell apart, with the reason for the choice made.
    """

    pairs: dict[int, int] = field(default_factory=dict)
    how: dict[int, str] = field(default_factory=dict)
    ties: list[tuple[tuple[int, ...], str]] = field(default_factory=list)

    def add(self, source: int, target: int, how: str) -> None:
        """One more pair."""
        self.pairs[target] = source
        self.how[target] = how


def match(source: Network, target: Network) -> Matching:
    """
    Pair the nodes of two networks.

    Nodes with the same past and the same future are the same. Where the networks differ in places, nodes with the same past,
    or the same future, are; what is left is aligned in the order in which it runs.
    """
    found = Matching()
    ends = {node.name: place for place, node in enumerate(source.nodes) if node.kind in ENDS}
    for place, node in enumerate(target.nodes):
        if node.kind in ENDS and node.name in ends:
            found.add(ends[node.name], place, "place")
    by_structure(source, target, found)
    for how in ("what precedes", "what follows"):
        by_one_side(source, target, found, how)
    rest = [[i for i, n in enumerate(net.nodes) if n.unit is not None and i not in done]
            for net, done in ((source, set(found.pairs.values())), (target, found.pairs))]  # fmt: skip
    for ours, theirs in aligned([source.nodes[i] for i in rest[0]], [target.nodes[i] for i in rest[1]]):
        found.add(rest[0][ours], rest[1][theirs], "order")
    merges(source, target, found)
    return found


def merges(source: Network, target: Network, found: Matching) -> None:
    """Sums and the like that are left, where all that they take is paired."""
    free = [i for i, node in enumerate(source.nodes) if node.unit is None and i not in set(found.pairs.values())]
    for place, node in enumerate(target.nodes):
        if node.unit is not None or place in found.pairs:
            continue
        taken = sorted(found.pairs.get(way.source, -1) for way in node.before)
        twin = next(
            (
                i
                for i in free
                if source.nodes[i].kind == node.kind and sorted(way.source for way in source.nodes[i].before) == taken
            ),
            None,
        )
        if twin is not None:
            free.remove(twin)
            found.add(twin, place, "what it takes")


def by_structure(source: Network, target: Network, found: Matching) -> None:
    """Pairs of nodes with the same past and the same future; symmetric ones by functions, names, order."""
    marks: tuple[dict[int, int], dict[int, int]] = ({}, {})
    around: Surroundings | None = None
    while True:
        classes = grouped(colours(source, marks[0]), colours(target, marks[1]))
        tied = None
        for ours, theirs in classes.values():
            if len(ours) != len(theirs):
                continue
            if len(ours) == 1:
                if theirs[0] not in found.pairs:
                    found.add(ours[0], theirs[0], "structure")
            elif tied is None or min(theirs) < min(tied[1]):
                tied = (ours, theirs)
        if tied is None:
            return
        around = around or Surroundings(source, target)
        chosen, reason = closest(source, target, *tied, around)
        found.ties.append((tuple(tied[1]), reason))
        marks[0][chosen[0]] = marks[1][chosen[1]] = len(marks[0]) + 1


def closest(
    source: Network, target: Network, ours: Sequence[int], theirs: Sequence[int], around: Surroundings
) -> tuple[tuple[int, int], str]:
    """Of nodes that the wiring does not tell apart, those with the same functions around them, else by name, else the first."""
    likely = sorted(
        (
            (around.depth(a, b), likeness(source.nodes[a].name, target.nodes[b].name), -a, -b)
            for a in ours
            for b in theirs
        ),
        reverse=True,
    )
    (depth, best, a, b), *others = likely
    rivals = [(far, score) for far, score, x, y in others if (x == a) != (y == b)]
    if all(far < depth for far, _ in rivals):
        return (-a, -b), "the functions around them"
    if best > 0 and all((far, score) < (depth, best) for far, score in rivals):
        return (-a, -b), "their names"
    first = max((x, y) for far, _, x, y in likely if far == depth)
    return (-first[0], -first[1]), "the order in which they run"


Colour = Hashable


def colours(network: Network, marks: Mapping[int, int]) -> list[tuple[Colour, Colour]]:
    """For every node its past and its future, each as one number that is equal where they are."""
    past: list[Colour] = []
    for place, node in enumerate(network.nodes):
        before = [past[way.source] for way in node.before]
        arranged = tuple(before) if node.kind in ORDERED else tuple(sorted(before, key=repr))
        past.append(hash((node.label, marks.get(place, 0), arranged)))
    future: list[Colour] = [0] * len(network.nodes)
    after = network.after()
    for place in reversed(range(len(network.nodes))):
        node = network.nodes[place]
        ends = sorted((future[i], n if network.nodes[i].kind in ORDERED else 0) for i, n in after[place])
        future[place] = hash((node.label, marks.get(place, 0), tuple(ends)))
    return list(zip(past, future, strict=True))


def grouped(
    ours: Sequence[Colour], theirs: Sequence[Colour], skip: tuple[set[int], set[int]] = (set(), set())
) -> dict[Colour, tuple[list[int], list[int]]]:
    """Places of equal colour in both networks."""
    classes: dict[Colour, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, found in enumerate((ours, theirs)):
        for place, colour in enumerate(found):
            if place not in skip[side]:
                classes[colour][side].append(place)
    return classes


def by_one_side(source: Network, target: Network, found: Matching, how: str) -> None:
    """Pairs of nodes with the same past, or the same future, among those that are left, where that leaves one choice."""
    side = 0 if how == "what precedes" else 1
    ours = [pair[side] for pair in colours(source, {})]
    theirs = [pair[side] for pair in colours(target, {})]
    classes = grouped(ours, theirs, (set(found.pairs.values()), set(found.pairs)))
    for mine, others in classes.values():
        if len(mine) == len(others) == 1:
            found.add(mine[0], others[0], how)
