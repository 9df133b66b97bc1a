"""
Which layers are drawn as one node: blocks that repeat, and runs of equal blocks.

Only neighbours in running order are put together, so the folded graph has no cycle, and unfolding gives every node back
in its place: ``flat(fold(units))`` counts from 0 to the end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal, TypeAlias

from regraft.report.html.runs import Run, best_runs

#: A model of up to so many layers is drawn as it is.
SMALL = 24
#: Layers of one block.
MOST_IN_BLOCK = 24
#: Nodes from which on blocks of the same types are put together even if their sizes differ.
MANY = 48

Item: TypeAlias = "int | Group"


@dataclass(frozen=True)
class Unit:
    """
    One layer of the graph, as far as folding needs it.

    Attributes:
        name: Of the layer.
        type: Layer type.
        detail: Equal for layers that look the same: settings and output shape.
        inputs: Places of the units whose tensors it takes; those outside the graph are left out.
    """

    name: str
    type: str
    detail: str
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """Neighbours drawn as one node: the layers of a ``block``, or a ``repeat`` of blocks."""

    kind: Literal["block", "repeat"]
    members: tuple[Item, ...]


def flat(items: Sequence[Item]) -> Iterator[int]:
    """The units of folded items, in order."""
    for item in items:
        if isinstance(item, Group):
            yield from flat(item.members)
        else:
            yield item


def fold(units: Sequence[Unit]) -> tuple[Item, ...]:
    """Fold a graph whose units stand in running order."""
    if len(units) <= SMALL:
        return tuple(range(len(units)))
    tokens = list(pieces(units))
    shapes = [shape_of(units, token) for token in tokens]
    stems = [stem(units[token.start].name) for token in tokens]
    items: list[Item] = []
    done = 0
    for run in best_runs(shapes, [len(token) for token in tokens], borders(stems), MOST_IN_BLOCK):
        items += singles(tokens[done : run.start])
        items += blocks(tokens, run)
        done = run.stop
    items += singles(tokens[done:])
    return tuple(repeats(units, items))


def pieces(units: Sequence[Unit]) -> Iterator[range]:
    """The graph in pieces: neighbours whose names say that they belong together, and segments between them."""
    cuts = cut_behind(units)
    start = 0
    for name, run in groupby(range(len(units)), lambda i: stem(units[i].name)):
        members = list(run)
        if name and 2 < len(members) <= MOST_IN_BLOCK:
            yield from segments(range(start, members[0]), cuts)
            yield range(members[0], members[-1] + 1)
            start = members[-1] + 1
    yield from segments(range(start, len(units)), cuts)


def cut_behind(units: Sequence[Unit]) -> list[bool]:
    """For every unit whether behind it only its own tensor is still needed of all that came so far."""
    last = list(range(len(units)))
    for place, unit in enumerate(units):
        for source in unit.inputs:
            last[source] = max(last[source], place)
    cuts: list[bool] = []
    needed = -1
    for place in range(len(units)):
        cuts.append(needed <= place)
        needed = max(needed, last[place])
    return cuts


def segments(whole: range, cuts: Sequence[bool]) -> Iterator[range]:
    """A stretch of units cut where it can be; a big part of the graph, as in a U-Net, comes one unit at a time."""
    most = min(MOST_IN_BLOCK, len(cuts) // 3)
    start = whole.start
    for place in whole:
        if cuts[place] or place == whole[-1]:
            piece = range(start, place + 1)
            yield from [piece] if len(piece) <= most else (range(i, i + 1) for i in piece)
            start = place + 1


def shape_of(units: Sequence[Unit], token: range) -> tuple[object, ...]:
    """What makes two segments alike: types, and which of their own units each takes."""
    return tuple(
        (units[i].type, tuple(token.index(j) if j in token else reach(i - j) for j in units[i].inputs)) for i in token
    )


def reach(distance: int) -> int:
    """How far back an edge from outside comes: from the layer before, or from somewhere."""
    return -1 if distance == 1 else -2


def singles(tokens: Sequence[range]) -> Iterator[Item]:
    """Segments that do not repeat: a branched one is a block, a layer stays a layer."""
    for token in tokens:
        yield Group("block", tuple(token)) if len(token) > 2 else token.start
        yield from token[1:] if len(token) == 2 else ()


def blocks(tokens: Sequence[range], run: Run) -> Iterator[Group]:
    """The blocks of one run."""
    for start in range(run.start, run.stop, run.period):
        yield Group("block", tuple(i for token in tokens[start : start + run.period] for i in token))


def repeats(units: Sequence[Unit], items: Sequence[Item]) -> Iterator[Item]:
    """Neighbouring blocks that look the same become one; in a big graph those of the same types too."""
    found = list(joined(items, lambda group: detail_of(units, group)))
    if len(found) > MANY:
        found = list(joined(items, lambda group: types_of(units, group)))
    yield from found


def joined(items: Sequence[Item], key: Callable[[Group], object]) -> Iterator[Item]:
    """Runs of blocks with the same key as one group."""
    for _, run in groupby(items, lambda item: key(item) if isinstance(item, Group) else object()):
        members = tuple(run)
        yield members[0] if len(members) == 1 else Group("repeat", members)


def detail_of(units: Sequence[Unit], group: Group) -> tuple[str, ...]:
    """What a block looks like, layer by layer."""
    return tuple(units[i].detail for i in flat((group,)))


def types_of(units: Sequence[Unit], group: Group) -> tuple[str, ...]:
    """The layer types of a block."""
    return tuple(units[i].type for i in flat((group,)))


def borders(stems: Sequence[str]) -> list[int]:
    """For every place 1 where it belongs to the one before it by name, else 0; 0 for the first."""
    return [0, *(int(a == b != "") for a, b in pairwise(stems))]


BLOCK = re.compile(r".{0,80}?(?:block|stage|layer|unit|cell|module)_?\d+[a-z]?(?=_)", re.IGNORECASE)
NUMBER = re.compile(r"\D{1,40}?\d+[a-ce-z]?(?=_)")  # "conv2d" is no number


def stem(name: str) -> str:
    """
    The part of a name that the layers of a block share: up to the number of the block.

    >>> stem("block_3_expand_BN"), stem("conv2_block1_1_bn"), stem("res2a_branch"), stem("dense_1")
    ('block_3', 'conv2_block1', 'res2a', '')
    """
    last = name.rpartition("/")[2][:200]
    found = BLOCK.match(last) or NUMBER.match(last)
    return found.group() if found else ""


def title(names: Sequence[str], types: Sequence[str]) -> str:
    """
    What a block is called: the start that its names share, else what it does, else the layers that make it.

    >>> title(["block_3_expand", "block_3_add"], ["Conv2D", "Add"]), title(["a", "b", "c"], ["Conv2D", "ReLU", "Add"])
    ('block_3', 'Residual block')
    """
    stems = {stem(name) for name in names}
    if len(stems) == 1 and "" not in stems:
        return stems.pop()
    if "Add" in types:
        return "Residual block"
    if "Concatenate" in types:
        return "Branched block"
    telling = [kind for kind in types if not kind.endswith(MINOR)] or list(types)
    return f"{Counter(telling).most_common(1)[0][0]} block"


MINOR = ("Normalization", "Activation", "ReLU", "Dropout", "Dropout2D", "ZeroPadding2D", "ZeroPadding1D", "InputLayer")
"""Layers after which no block is called."""
