"""In which order the axes of a map lie in the vector that a Linear takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from regraft.graft.network import Network, Node, Step
from regraft.layout import Layout

AXES = "c", "d", "h", "w"
FLATTENING = frozenset({"flatten", "reshape", "view"})
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


def named(node: Node) -> tuple[str, ...] | None:
    """The axes of what leaves a node, without the batch: channels first, as PyTorch convolves; others are left alone."""
    rank = len(node.shape) - 2
    if rank not in (1, 2, 3):
        return None
    recurrent = node.kind in ("lstm", "gru", "rnn_tanh", "rnn_relu", "layer_norm", "linear", "embedding", "attention")
    spatial = AXES[-rank:]
    return (*spatial, "c") if recurrent else ("c", *spatial)


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
