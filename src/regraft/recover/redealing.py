"""
The vectors of a list without order dealt out once more, when the whole network is there to say where each belongs.

Grouping sees which vectors look as if they belonged together; that is often wrong between normalisations of equal width.
The network in between knows better: what leaves one BatchNorm must arrive at the next with the mean that is stored there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from regraft.blueprint import Blueprint, Choice
from regraft.errors import RegraftError
from regraft.layers.binding import bind
from regraft.moments.memo import remembering
from regraft.moments.propagate import NORMS, predictions
from regraft.recover.draft import Draft
from regraft.recover.part import Grouping
from regraft.recover.ranking import ranked
from regraft.weights import Group, Variable

#: Which vectors change places together. A mean and its variance stay together: grouping finds them in 121 of 125 cases,
#: and a variance alone would only change the unit in which misfits are measured.
MOVES = (
    ("moving_mean", "moving_variance"),
    ("gamma", "beta"),
    ("gamma", "beta", "moving_mean", "moving_variance"),
    ("beta",),
    ("gamma",),
)
#: By how many nats the means must be better for it.
MARGIN = 0.05
#: Misfits are told apart down to this many standard deviations; one that is not known counts as so many.
FLOOR, UNKNOWN = 0.02, 3.0
#: Calls of layers that are looked at for all drafts of a file (20 microseconds each), and elements carried through a network.
MOST_CALLS, MOST_ELEMENTS = 150_000, 3_000_000_000

#: What is said of it; statistics of sums hardly tell the betas of their terms apart, which compute the same.
WHY = "which vectors belong to which of several normalisations of equal width: where the stored means fit best"

Arrays = Mapping[str, Mapping[str, np.ndarray]]
Owners = Mapping[tuple[str, str], str]
"""For a layer and a role the layer whose vector stands there."""


def redealt(draft: Draft, drafts: int = 1) -> Draft:
    """
    The draft with the vectors of its BatchNorms where the means in between fit best.

    Only for lists in no order; any other draft, or one without BatchNorms of equal width, comes back as it is.

    Args:
        draft: The network.
        drafts: How many there are in all, which share the work.
    """
    if draft.grouping.ordered or draft.grouping.complete:
        return draft
    blueprint = next(ranked([draft])).blueprint
    try:
        binding = bind(blueprint, draft.grouping.tree)
        arrays = {name: {key: bound.read() for key, bound in of.items()} for name, of in binding.layers.items()}
        rivals = rivals_of(blueprint, arrays)
        if not rivals:
            return draft
        calls = MOST_CALLS // (drafts * max(1, len(blueprint.calls)))
        most = min(calls, MOST_ELEMENTS // max(1, draft.grouping.tree.parameter_count))
        owners = climbed(blueprint, arrays, rivals, most)
    except (RegraftError, ValueError, KeyError, IndexError, TypeError):
        return draft
    moved = {
        binding.layers[layer][role].sources[0].path: binding.layers[owner][role].sources[0]
        for (layer, role), owner in owners.items()
    }
    told = Choice("assignment", "by the means of the network", (), "assumed", WHY)
    return replace(draft, grouping=exchanged(draft.grouping, moved), choices=(*draft.choices, told))


def rivals_of(blueprint: Blueprint, arrays: Arrays) -> list[tuple[str, str]]:
    """Pairs of BatchNorms of equal width and equal roles."""
    norms = [spec.name for spec in blueprint.layers if spec.type in NORMS and spec.name in arrays]
    return [
        (one, other)
        for one, other in combinations(norms, 2)
        if {k: v.shape for k, v in arrays[one].items()} == {k: v.shape for k, v in arrays[other].items()}
    ]


def climbed(blueprint: Blueprint, arrays: Arrays, rivals: Sequence[tuple[str, str]], most: int) -> Owners:
    """
    The exchanges that make the stored means fit better, best first, as long as there are any.

    Args:
        blueprint: The network.
        arrays: Variables by layer and role.
        rivals: Layers between which vectors may be exchanged.
        most: Exchanges that are tried.

    Returns:
        For every layer and role from which layer its vector comes, where that is another.
    """
    owners: dict[tuple[str, str], str] = {}
    moves = [
        (one, other, roles) for one, other in rivals for roles in MOVES if all(role in arrays[one] for role in roles)
    ]
    with remembering():
        best = unexplained(blueprint, arrays)
        while most > 0:
            gains: list[tuple[float, int]] = []
            for i, (one, other, roles) in enumerate(moves[:most]):
                gain = best - MARGIN - unexplained(blueprint, swapped(arrays, one, other, roles))
                gains += [(gain, i)] if gain > 0 else []
            most -= len(moves)
            moved: set[str] = set()
            for _, i in sorted(gains, reverse=True):
                one, other, roles = moves[i]
                turned = swapped(arrays, one, other, roles)
                # What was tried alone must also be better behind what has been exchanged since.
                if moved & {one, other} or (now := unexplained(blueprint, turned)) >= best - MARGIN:
                    continue
                best, arrays = now, turned
                moved |= {one, other}
                for role in roles:
                    a, b = (owners.get((layer, role), layer) for layer in (one, other))
                    owners |= {(one, role): b, (other, role): a}
            if not moved:
                break
    return {key: owner for key, owner in owners.items() if key[0] != owner}


def unexplained(blueprint: Blueprint, arrays: Arrays) -> float:
    """How far all stored means are from those that the network makes of one another, in nats."""
    found = [made.misfit for made in predictions(blueprint, arrays)]
    return sum(float(np.log(FLOOR + (one if np.isfinite(one) else UNKNOWN))) for one in found)


def swapped(arrays: Arrays, one: str, other: str, roles: Sequence[str]) -> Arrays:
    """The variables with those of two layers exchanged."""
    mine, theirs = ({role: arrays[layer][role] for role in roles} for layer in (one, other))
    return {**arrays, one: {**arrays[one], **theirs}, other: {**arrays[other], **mine}}


def exchanged(grouping: Grouping, moved: Mapping[str, Variable]) -> Grouping:
    """A grouping in which other variables stand in the places of some, by their paths."""

    def changed(group: Group) -> Group:
        return replace(group, variables=tuple(moved.get(v.path, v) for v in group.variables))

    return replace(
        grouping,
        tree=replace(grouping.tree, layers=tuple(changed(group) for group in grouping.tree.layers)),
        parts=tuple(replace(part, group=changed(part.group)) for part in grouping.parts),
    )
