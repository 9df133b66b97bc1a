"""
Three layers of a file that are one module, or one that is three: queries, keys and values. Every order is tried.

The graphs differ there, so that nothing but the outputs can say which order is right; they have to be equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

from regraft.emit.plan import Transfer
from regraft.graft.bridge import Carried
from regraft.graft.comparing import TOLERANCE
from regraft.graft.mapping import Entry, Made, TensorMap
from regraft.graft.network import Network
from regraft.graft.onto import Grafting, Pair, Side, side
from regraft.graft.scripted import outputs
from regraft.graft.unit import Unit
from regraft.grafting.source import Converted, reader, wide
from regraft.grafting.tensor_map import telling, tensor_map
from regraft.layout import Move, Split, Stack

PARTS = 3
NO_TWIN = "has no twin in"
HOW = "three in one, in the order that makes the outputs equal"
#: Units of the file's side and of the module's, one of the two sides with three.
Group = tuple[Sequence[Unit], Sequence[Unit]]


def fused(
    source: Converted, ours: Sequence[Any], right: Side, inputs: Sequence[Any], module: Any, grafting: Grafting
) -> tuple[Grafting, TensorMap] | None:
    """
    A graft that failed, with three layers as one module or the other way round; None if that does not make it right.

    Args:
        source: The file.
        ours: The example as the converted model takes it.
        right: The user's module as it ran.
        inputs: The example.
        module: The user's module; it is not changed.
        grafting: What was found without.
    """
    if not all(NO_TWIN in problem for problem in grafting.problems):
        return None
    left = side(source.twin.model, wide(ours))
    groups = grouped(alone(left.network, set(grafting.matching.pairs.values())),
                     alone(right.network, set(grafting.matching.pairs)))  # fmt: skip
    if not groups:
        return None
    rest = tensor_map(source.module, grafting)
    for order in permutations(range(PARTS)):
        entries = [entry for group in groups for entry in of_group(source, group, order)]
        if not entries:
            return None
        plan = TensorMap((*rest.entries, *entries))
        off = outputs(source.twin.model, module, ours, inputs, plan.parameters(reader(source.tree)))
        if off and all(error is not None and error <= TOLERANCE for error in off):
            pairs = tuple(pair_of(group, order) for group in groups)
            whole = replace(grafting, pairs=(*grafting.pairs, *pairs), problems=(), lone_source=(), lone_target=())
            return whole, plan
    return None


def alone(network: Network, paired: set[int]) -> list[Unit]:
    """Units without a twin, in the order in which they run."""
    return [node.unit for i, node in enumerate(network.nodes) if node.unit is not None and i not in paired]


def grouped(ours: Sequence[Unit], theirs: Sequence[Unit]) -> list[Group]:
    """Three linear layers of one side with one of the other that is as wide as they are together; none if any is left."""
    many, few = (ours, theirs) if len(ours) > len(theirs) else (theirs, ours)
    if not few or len(many) != PARTS * len(few):
        return []
    found: list[Group] = []
    for number, whole in enumerate(few):
        parts = tuple(many[PARTS * number : PARTS * (number + 1)])
        if not all(wide_as(part, whole) for part in parts):
            return []
        found.append((parts, (whole,)) if many is ours else ((whole,), parts))
    return found


def wide_as(part: Unit, whole: Unit) -> bool:
    """Whether a linear layer is a third of another."""
    if {part.kind, whole.kind} != {"linear"} or set(part.parameters) != set(whole.parameters):
        return False
    out, into, *rest = part.sizes
    return whole.sizes == (PARTS * int(str(out)), into, *rest)


def of_group(source: Converted, group: Group, order: Sequence[int]) -> list[Entry]:
    """The ways of all parameters of a group; none if one of them is not a simple one."""
    ours, theirs = group
    found: list[Entry] = []
    for role, first in ours[0].parameters.items():
        taken = [transfer_of(source, unit.parameters[role].key) for unit in ours]
        if any(one is None for one in taken) or len({said(one) for one in taken if one is not None}) > 1:
            return []
        transfers = [one for one in taken if one is not None]
        axis = first.axes.split().index("cout") if first.axes else 0
        put = [theirs[i].parameters[role] for i in order] if len(theirs) > 1 else [theirs[0].parameters[role]]
        if any(parameter.axes != first.axes for parameter in put):
            return []
        if len(ours) > 1:
            transfers = [transfers[i] for i in order]
        move: Move = Stack(axis, PARTS) if len(ours) > 1 else Split(axis, PARTS)
        made = tuple(Made(tuple(v.path for v in s.sources), telling(s.moves)) for one in transfers for s in one.sources)
        names = " + ".join(dict.fromkeys(one.layer for one in transfers))
        keys = tuple(parameter.key for parameter in put)
        found.append(Entry(names, made, (*telling(transfers[0].moves), move), keys, {}, {}, HOW))
    return found


def transfer_of(source: Converted, key: str) -> Transfer | None:
    """How the file makes one parameter of the converted model, if that takes one variable."""
    found = next((one for one in source.module.transfers if key in one.parameters), None)
    return found if found is not None and len(found.parameters) == 1 and len(found.sources) == 1 else None


def said(transfer: Transfer) -> tuple[str, ...]:
    """The moves of a transfer in words."""
    return tuple(move.words for move in transfer.moves)


def pair_of(group: Group, order: Sequence[int]) -> Pair:
    """A group as a pair of the report."""
    ours, theirs = group
    ours, theirs = ([units[i] for i in order] if len(units) > 1 else units for units in (ours, theirs))
    carried = tuple(Carried(p.key, "", ()) for unit in theirs for p in unit.parameters.values())
    names = [" + ".join(unit.name for unit in side) for side in (ours, theirs)]
    return Pair(names[0], names[1], HOW, carried, (ours[0].use.place, theirs[0].use.place), partial=True)
