"""The parameters of one module onto another that computes the same: pairs, ways, differences, and what does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from regraft.graft.bridge import Bridge, Carried, bridge
from regraft.graft.difference import Difference, differences
from regraft.graft.flattening import columns, rows
from regraft.graft.front import without_fronts
from regraft.graft.matching import Matching, match
from regraft.graft.network import Network, Node, network_of
from regraft.graft.offsets import Offset, reached
from regraft.graft.trace import Trace, trace
from regraft.graft.unit import CELLS
from regraft.layout import apply


@dataclass(frozen=True)
class Pair:
    """
    A unit of the source and one of the target.

    Attributes:
        source: Name of the unit in the converted model.
        target: Path of the module in the user's.
        how: Why they are a pair.
        carried: The ways of the target's parameters.
        places: Where the two stand in their traces.
        partial: Whether the two are not compared: the results differ in the order of their features, or are seen at the end of
            a stack or loop only.
        offset: Biases that the target's result is without, because a normalisation behind it makes up for them.
    """

    source: str
    target: str
    how: str
    carried: tuple[Carried, ...]
    places: tuple[int, int]
    partial: bool = False
    offset: Offset = field(default_factory=Offset)


@dataclass(frozen=True)
class Merged:
    """
    A sum, or another operation without parameters on several tensors, in both modules.

    Attributes:
        places: Where the two stand in their traces.
        offset: Biases that the target's result is without.
    """

    places: tuple[int, int]
    offset: Offset = field(default_factory=Offset)


@dataclass(frozen=True)
class Grafting:
    """
    What became of the parameters.

    Attributes:
        pairs: In the order in which the user's module runs.
        differences: Settings that weights do not carry, where they differ.
        ties: Units that the structure does not tell apart, and what decided.
        lone_source: Units of the source without a twin.
        lone_target: Units of the target without a twin.
        unused: Parameters of the target that its run does not touch.
        problems: Why the result would not be the same function; nothing may be written while there are any.
        merges: Sums and the like that are pairs.
        matching: Which node is which.
    """

    pairs: tuple[Pair, ...]
    differences: tuple[Difference, ...] = ()
    ties: tuple[tuple[tuple[str, ...], str], ...] = ()
    lone_source: tuple[str, ...] = ()
    lone_target: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    merges: tuple[Merged, ...] = ()
    matching: Matching = field(default_factory=Matching, repr=False)

    @property
    def carried(self) -> tuple[Carried, ...]:
        """Every parameter of the target that is filled."""
        return tuple(way for pair in self.pairs for way in pair.carried)


@dataclass(frozen=True)
class Side:
    """A module as it ran."""

    trace: Trace
    network: Network


def side(module: Any, inputs: Sequence[Any]) -> Side:
    """A module with its trace."""
    found = trace(module, inputs)
    return Side(found, network_of(found))


def onto(source: Side, target: Side, state: Mapping[str, np.ndarray]) -> Grafting:
    """
    Pair two modules and find the way of every parameter.

    Args:
        source: The converted model, which computes what Keras does.
        target: The user's module.
        state: The parameters of the source.
    """
    left, right = without_fronts(source.network, target.network)
    found = match(left, right)
    ours, theirs = left.nodes, right.nodes
    bridges: dict[int, Bridge] = {}
    problems: list[str] = parametrized(target.trace.unused)
    turning = columns(left, right, found.pairs)
    for place, twin in sorted(found.pairs.items()):
        a, b = ours[twin].unit, theirs[place].unit
        if a is None or b is None:
            continue
        turned = rows(left, ours[twin], right, theirs[place]) if b.kind == "linear" else None
        bridges[place] = bridge(a, b, turned, turning.get(place))
        problems += [bridges[place].problem] if bridges[place].problem else []
    offsets, troubles = folded(left, right, found, bridges, state)
    problems += troubles
    partial = set(turning) | unseen(theirs) | {i for i, twin in found.pairs.items() if twin in unseen(ours)}
    pairs = tuple(
        Pair(
            ours[found.pairs[i]].name,
            theirs[i].name,
            found.how[i],
            way.carried,
            places(ours[found.pairs[i]], theirs[i]),
            i in partial,
            offsets.get(i, Offset()),
        )
        for i, way in bridges.items()
    )
    paired = set(found.pairs.values())
    lone = tuple(n.name for i, n in enumerate(ours) if n.unit is not None and i not in paired)
    alone = tuple(n.name for i, n in enumerate(theirs) if n.unit is not None and i not in found.pairs)
    problems += [f"{name} of the file has no twin in the module" for name in dict.fromkeys(lone)]
    problems += [f"{name} of the module has no twin in the file" for name in dict.fromkeys(alone)]
    ties = tuple((tuple(theirs[i].name for i in group), why) for group, why in found.ties)
    told = tuple(differences(left, right, found))
    merges = tuple(
        Merged((ours[twin].place, theirs[i].place), offsets.get(i, Offset()))
        for i, twin in found.pairs.items()
        if theirs[i].unit is None and theirs[i].place >= 0 and ours[twin].place >= 0
    )
    return Grafting(pairs, told, ties, lone, alone, target.trace.unused, tuple(problems), merges, found)


def unseen(nodes: Sequence[Node]) -> set[int]:
    """Units whose result cannot be seen by itself: inner layers of a stack, cells called step by step, packed sequences."""
    last = {node.unit.use.place: i for i, node in enumerate(nodes) if node.unit is not None}
    return {
        i
        for i, node in enumerate(nodes)
        if node.unit is not None
        and (node.kind in CELLS or last[node.unit.use.place] != i or node.unit.use.settings.get("packed"))
    }


def parametrized(unused: Sequence[str]) -> list[str]:
    """Weights that the module computes from others, which no file of Keras has."""
    owners = {key.partition(".parametrizations.")[0] for key in unused if ".parametrizations." in key}
    owners |= {key.rpartition(".")[0] for key in unused if key.endswith(("weight_g", "weight_v", "weight_orig"))}
    return [
        f"the weight of {name or 'the model'} is computed from others (weight_norm, spectral_norm): take that off first, with "
        "torch.nn.utils.parametrize.remove_parametrizations, and put it on again afterwards"
        for name in sorted(owners)
    ]


def places(ours: Any, theirs: Any) -> tuple[int, int]:
    """Where two units stand in their traces."""
    return ours.unit.use.place, theirs.unit.use.place


def folded(
    source: Network, target: Network, found: Matching, bridges: dict[int, Bridge], state: Mapping[str, np.ndarray]
) -> tuple[dict[int, Offset], list[str]]:
    """Biases that the target has no place for go into means of normalisations: what then differs where, and what cannot be."""
    problems: list[str] = []
    offsets: dict[int, Offset] = {}
    for place, way in list(bridges.items()):
        for role, parameter in way.left.items():
            if not np.any(state[parameter.key] != neutral(role)):
                continue
            way_out = reached(source, found.pairs[place], target, place, found.pairs) if role == "bias" else None
            if way_out is None or not way_out.norms <= bridges.keys():
                name, value = target.nodes[place].name, neutral(role)
                problems.append(
                    f"{name} has no place for {parameter.key}, and it is not {value:g}: give the module that parameter, "
                    f'model.get_submodule("{name}").{role} = torch.nn.Parameter(torch.full({parameter.shape}, {value}))'
                )
                continue
            for norm in way_out.norms:
                taken_off(bridges, norm, parameter.key)
            axis = 1 if target.nodes[place].kind == "conv" else -1
            for other in (place, *way_out.sums):
                offsets[other] = Offset((*offsets.get(other, Offset()).keys, parameter.key), axis)
    return offsets, problems


def neutral(role: str) -> float:
    """What a parameter does nothing as."""
    return 1.0 if role in ("weight", "running_var") else 0.0


def taken_off(bridges: dict[int, Bridge], norm: int, bias: str) -> None:
    """The mean of a normalisation less a bias that no longer comes before it."""
    carried = tuple(
        replace(way, less=(*way.less, bias)) if way.target.rpartition(".")[2] == "running_mean" else way
        for way in bridges[norm].carried
    )
    bridges[norm] = replace(bridges[norm], carried=carried)


def filled(grafting: Grafting, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The parameters of the target."""
    found: dict[str, np.ndarray] = {}
    for way in grafting.carried:
        (array,) = apply(way.moves, (state[way.source],) if way.source else ())
        less = sum(state[key].astype("float64") for key in way.less)
        found[way.target] = (array.astype("float64") - less).astype(array.dtype) if way.less else array
    return found
