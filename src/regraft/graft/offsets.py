"""Where a bias that the target has no place for goes: into the means of the normalisations that take it off again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regraft.graft.canonical import done
from regraft.graft.doing import Done
from regraft.graft.network import Network, Way


@dataclass(frozen=True)
class Offset:
    """
    What one tensor is without, compared with its twin.

    Attributes:
        keys: Biases, by their entries in the source's state dict.
        axis: Along which they lie in the target.
    """

    keys: tuple[str, ...] = ()
    axis: int = 1


@dataclass
class Reach:
    """
    How far a number on top of every channel comes.

    Attributes:
        norms: Places of the batch normalisations where it ends.
        sums: Places of the sums that it passes on the way there.
        lost: Whether it comes anywhere else, where it cannot be made up for.
    """

    norms: set[int] = field(default_factory=set)
    sums: set[int] = field(default_factory=set)
    lost: bool = False


def reach(network: Network, place: int, after: list[list[tuple[int, int]]]) -> Reach:
    """Where a number on top of what leaves a node comes: past pools and sums, up to normalisations."""
    found = Reach()
    waiting = [place]
    while waiting and not found.lost:
        for behind, number in after[waiting.pop()]:
            node = network.nodes[behind]
            if not all(map(unmoved, steps(node.before[number]))):
                found.lost = True
            elif node.kind == "batch_norm":
                found.norms.add(behind)
            elif node.kind == "add" and node.unit is None:
                if behind in found.sums:
                    found.lost = True  # it comes twice
                found.sums.add(behind)
                waiting.append(behind)
            else:
                found.lost = True
    return found


def steps(way: Way) -> tuple[Done, ...]:
    """What happens on a way; a border that is put on in front of what it ends in counts."""
    found, border = done(way.steps)
    return (*found, Done("pad")) if any(border) else found


def unmoved(step: Done) -> bool:
    """Whether a number on top of every channel comes through a step as it is."""
    settings = dict(step.settings)
    if step.kind == "max_pool":
        return settings.get("around") != "zeros"
    if step.kind == "avg_pool":
        return settings.get("over") != "map and border"
    return step.kind == "global average pool"


def reached(source: Network, ours: int, target: Network, theirs: int, pairs: Mapping[int, int]) -> Reach | None:
    """
    Where in the target the bias of a unit is made up for; None if it is not, or not in the same places as in the source.

    Args:
        source: The network that has the bias.
        ours: The unit there.
        target: The network that has not.
        theirs: Its twin there.
        pairs: Places in the source by places in the target.
    """
    there = reach(target, theirs, target.after())
    if there.lost or not there.norms:
        return None
    here = reach(source, ours, source.after())
    same = {pairs.get(place) for place in there.norms} == here.norms
    return there if same and not here.lost else None
