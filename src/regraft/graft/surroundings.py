"""How far around two nodes everything is the same, functions without parameters included."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from regraft.graft.canonical import done, settings_of
from regraft.graft.doing import said
from regraft.graft.network import ORDERED, Network, Node, Step

#: Nodes farther away than this do not count.
FARTHEST = 16


class Surroundings:
    """
    The surroundings of all nodes of two networks (the colours of Weisfeiler and Lehman 1968).

    A mistake of the module counts only from the distance at which it is seen, so that functions close by still tell apart what
    the wiring does not: the half of a gate behind the sigmoid from the one behind the tanh.
    """

    def __init__(self, source: Network, target: Network) -> None:
        self.rings = [(rings(source, exact=exact), rings(target, exact=exact)) for exact in (False, True)]

    def depth(self, ours: int, theirs: int) -> tuple[int, int]:
        """Up to which distance two nodes cannot be told apart, by what is done there, and by its settings as well."""
        bare, exact = (
            next((far for far, (a, b) in enumerate(zip(*both, strict=True)) if a[ours] != b[theirs]), FARTHEST)
            for both in self.rings
        )
        return bare, exact


def rings(network: Network, *, exact: bool) -> list[list[Hashable]]:
    """By distance, for every node a number that is equal where all within that distance is."""
    before = [[(way.source, told(way.steps, exact=exact)) for way in node.before] for node in network.nodes]
    after = [[(place, number, before[place][number][1]) for place, number in takers] for takers in network.after()]
    found: list[list[Hashable]] = [[hash((n.label, own(n) if exact else ())) for n in network.nodes]]
    for _ in range(1, FARTHEST):
        last = found[-1]
        ring: list[Hashable] = []
        for place, node in enumerate(network.nodes):
            taken = [hash((last[source], steps)) for source, steps in before[place]]
            given = sorted(
                hash((last[taker], steps, number if network.nodes[taker].kind in ORDERED else 0))
                for taker, number, steps in after[place]
            )
            ring.append(hash((last[place], *(taken if node.kind in ORDERED else sorted(taken)), "then", *given)))
        found.append(ring)
    return found


def told(steps: Sequence[Step], *, exact: bool) -> tuple[str, ...]:
    """What happens on a way, in words."""
    return tuple(str(step) if exact else step.kind for step in done(steps)[0])


def own(node: Node) -> tuple[tuple[str, str], ...]:
    """The settings of a unit, in words."""
    if node.unit is None:
        return ()
    settings = settings_of(node.unit, done(node.before[0].steps)[1] if node.before else ())
    return tuple((name, said(value)) for name, value in settings.items() if name != "momentum")
