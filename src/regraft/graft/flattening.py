"""In which order the axes of a map lie in the vector that a Linear takes, or makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regraft.graft.network import Network, Node, Step
from regraft.layout import Layout

AXES = "c", "d", "h", "w"
FLATTENING = frozenset({"flatten", "reshape", "view"})
UNFLATTENING = frozenset({"reshape", "view", "unflatten"})
#: Units that have the channels in the last axis.
LAST = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu", "layer_norm", "linear", "embedding", "attention"})
#: Units that treat every feature of a vector by itself, or all alike.
FEATUREWISE = frozenset({"batch_norm", "layer_norm", "prelu"})
MOVING = frozenset({"permute", "transpose", "movedim", "moveaxis", "swapaxes"})


def rows(source: Network, ours: Node, target: Network, theirs: Node) -> Layout | None:
    """
    How the rows of a Linear behind a flattened map change places from one network to the other; None if they do not.

    A module that flattens ``(h, w, c)``, as Keras does, and one that flattens ``(c, h, w)`` differ in it.
    """
    here, there = flattened(source, ours), flattened(target, theirs)
    if here is None or there is None or [axis for axis, _ in here] == [axis for axis, _ in there]:
        return None
    if dict(here) != dict(there):
        return None
    left, right = (" ".join(axis for axis, _ in side) for side in (here, there))
    return Layout(f"cout ({left}) -> cout ({right})", dict(here))


def flattened(network: Network, node: Node) -> tuple[tuple[str, int], ...] | None:
    """The axes of the map whose flattening reaches a node, outermost first, with their lengths; None if there is none."""
    if len(node.before) != 1:
        return None
    way = node.before[0]
    axes = named(network.nodes[way.source])
    for step in way.steps:
        if axes is None:
            return None
        if step.kind in MOVING:
            axes = moved(axes, step)
        elif step.kind in FLATTENING and len(step.shapes[1]) == 2 and len(axes) > 1:
            lengths = step.shapes[0][1:]
            found = tuple(zip(axes, lengths, strict=True)) if len(lengths) == len(axes) else ()
            return found if sum(length > 1 for _, length in found) > 1 else None
    return None


@dataclass(frozen=True)
class Columns:
    """
    The features of a vector that becomes a map stand in another order in the other network.

    Attributes:
        left: Axes of the map as the source has them in the vector, outermost first: ``h w c``.
        right: The same in the target.
        sizes: Their lengths.
    """

    left: str
    right: str
    sizes: Mapping[str, int]

    def layout(self, axes: str, place: str) -> Layout:
        """The move of a parameter with these axes, one of which counts the features."""
        there = [
            " ".join(f"({side})" if axis == place else axis for axis in axes.split())
            for side in (self.left, self.right)
        ]
        return Layout(" -> ".join(there), dict(self.sizes))


def columns(source: Network, target: Network, pairs: Mapping[int, int]) -> dict[int, Columns]:
    """
    By place in the target, the units whose features change places because the vector behind them becomes a map.

    Keras makes ``(h, w, c)`` of it, a module of PyTorch most often ``(c, h, w)``; a normalisation in between goes along.
    """
    found: dict[int, Columns] = {}
    ours, theirs = source.after(), target.after()
    for place in reversed(range(len(target.nodes))):
        twin = pairs.get(place)
        if twin is None or target.nodes[place].unit is None or len(ours[twin]) != 1 or len(theirs[place]) != 1:
            continue
        behind, number = theirs[place][0]
        other, its = ours[twin][0]
        if behind in found and pairs.get(behind) == other and target.nodes[behind].kind in FEATUREWISE:
            found[place] = found[behind]
            continue
        here, there = unflattened(source, other, its), unflattened(target, behind, number)
        if here and there and dict(here) == dict(there) and here != there:
            left, right = (" ".join(axis for axis, _ in side) for side in (here, there))
            found[place] = Columns(left, right, dict(here))
    return found


def unflattened(network: Network, place: int, number: int) -> tuple[tuple[str, int], ...]:
    """The axes that a vector is cut into on its way into a node, outermost first, with their lengths; empty if it is not."""
    node = network.nodes[place]
    lengths: tuple[int, ...] = ()
    order: list[int] = []
    for step in node.before[number].steps:
        before, after = step.shapes
        if not lengths and step.kind in UNFLATTENING and len(before) == 2 and len(after) > 2:
            lengths, order = after[1:], list(range(len(after) - 1))
        elif lengths and step.kind in MOVING:
            moved_to = permutation(step.kind, step.settings, len(lengths) + 1)
            if moved_to is None or moved_to[0] != 0:
                return ()
            order = [order[i - 1] for i in moved_to[1:]]
        elif lengths and len(after) != len(lengths) + 1:
            return ()
    arriving = arrival(node, len(lengths))
    if not lengths or arriving is None or sum(length > 1 for length in lengths) < 2:
        return ()
    names = dict(zip(order, arriving, strict=True))
    return tuple((names[i], length) for i, length in enumerate(lengths))


def arrival(node: Node, rank: int) -> tuple[str, ...] | None:
    """The axes of what a node takes, without the batch; None if that is no map."""
    if rank - 1 not in (1, 2, 3):
        return None
    spatial = AXES[-(rank - 1) :]
    return (*spatial, "c") if node.kind in LAST else ("c", *spatial)


def named(node: Node) -> tuple[str, ...] | None:
    """The axes of what leaves a node, without the batch: channels first, as PyTorch convolves; others are left alone."""
    rank = len(node.shape) - 2
    if rank not in (1, 2, 3):
        return None
    spatial = AXES[-rank:]
    return (*spatial, "c") if node.kind in LAST else ("c", *spatial)


def moved(axes: tuple[str, ...], step: Step) -> tuple[str, ...] | None:
    """The axes after a permutation."""
    rank = len(axes) + 1
    order = permutation(step.kind, step.settings, rank)
    if order is None or order[0] != 0:
        return None
    return tuple(axes[i - 1] for i in order[1:])


def permutation(kind: str, settings: Mapping[str, Any], rank: int) -> list[int] | None:
    """The old place of every axis; None if the arguments are not understood."""
    numbers = [int(i) % rank for value in settings.values() for i in flat(value)]
    if kind == "permute":
        return numbers if sorted(numbers) == list(range(rank)) else None
    if len(numbers) != 2:
        return None
    order = list(range(rank))
    if kind in ("transpose", "swapaxes"):
        order[numbers[0]], order[numbers[1]] = order[numbers[1]], order[numbers[0]]
        return order
    order.insert(numbers[1], order.pop(numbers[0]))
    return order


def flat(value: Any) -> Sequence[int]:
    """A number or numbers as numbers."""
    if isinstance(value, bool | str):
        return ()
    return [value] if isinstance(value, int) else list(value) if isinstance(value, list | tuple) else ()
