"""The order in which calls are searched, and tensors that must be as large as each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from regraft.blueprint import Call, Shape, TensorRef
from regraft.recover.geometry.graph import Graph
from regraft.recover.geometry.lattice import Fits, Step
from regraft.recover.geometry.roles import SUMS


def depth_first(graph: Graph) -> list[Call]:
    """
    The calls, inputs before consumers, one branch after another.

    So few tensors wait for each other at any time, and few combinations of their sizes are followed.
    """
    missing = {
        (c.layer, c.call): len({(r.layer, r.call) for r in c.inputs if (r.layer, r.call) in graph.makers})
        for c in graph.calls
    }
    takers: dict[tuple[str, int], list[Call]] = {}
    for call in graph.calls:
        for key in {(ref.layer, ref.call) for ref in call.inputs}:
            takers.setdefault(key, []).append(call)
    todo = [call for call in reversed(graph.calls) if not missing[call.layer, call.call]]
    found: list[Call] = []
    while todo:
        call = todo.pop()
        found.append(call)
        for after in reversed(takers.get((call.layer, call.call), [])):
            missing[after.layer, after.call] -= 1
            if not missing[after.layer, after.call]:
                todo.append(after)
    return found


def with_partners(graph: Graph, found: Sequence[Step]) -> list[Step]:
    """The steps with the tensors that their outputs will be merged with."""
    partners: dict[TensorRef, list[tuple[TensorRef, Fits]]] = {}
    for step in found:
        kind = graph.spec(step.name).type
        fits = joins if kind == "Concatenate" else adds if kind in SUMS else None
        if fits is not None and 1 < len(step.inputs) <= MOST_PARTNERS:
            fits = partial(fits, first=graph.channels_first)
            for ref in step.inputs:
                partners.setdefault(ref, []).extend((other, fits) for other in step.inputs if other != ref)
    return [
        replace(step, partners=tuple(partners.get(step.outputs[0], ()))) if step.outputs else step for step in found
    ]


#: Merges of more tensors are checked when they are made.
MOST_PARTNERS = 24


def joins(one: Shape, other: Shape, *, first: bool) -> bool:
    """Whether two maps can be joined along their channels."""
    if one is None or other is None or len(one) != len(other) or len(one) < 4:
        return True
    places = slice(2, None) if first else slice(1, -1)
    return all(None in (a, b) or a == b for a, b in zip(one[places], other[places], strict=True))


def adds(one: Shape, other: Shape, *, first: bool) -> bool:
    """Whether two tensors of equal rank can be added: each axis equal, or one place for all."""
    if one is None or other is None or len(one) != len(other) or len(one) < 3:
        return True
    places = slice(2, None) if first else slice(1, -1)
    pairs = zip(one[places], other[places], strict=True)
    return all(None in (a, b) or a == b or 1 in (a, b) for a, b in pairs)
