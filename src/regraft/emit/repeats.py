"""Find the block of statements that repeats most: same operations, same wiring, other numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from regraft.blueprint import TensorRef
from regraft.emit.source import Item

LONGEST = 64
FEWEST = 3
SHORTEST = 3
#: How much more a block is worth whose instances the layer names tell apart.
NAMED = 1.25


@dataclass(frozen=True)
class Repeat:
    """A block of ``length`` items that begins at each of ``starts``; inputs and outputs are places inside the block."""

    starts: tuple[int, ...]
    length: int

    @property
    def saved(self) -> int:
        """Lines that folding saves."""
        return (len(self.starts) - 1) * self.length


def channel_spans(module: str) -> list[tuple[int, int]]:
    """Where a constructor names channel counts: its first two numbers, and ``groups``."""
    opened = module.find("(")
    if not module.startswith(("nn.", "Separable")) or opened < 0:
        return []
    positional = re.match(r"\((\d+)(?:, (\d+))?(?=[,)])", module[opened:])
    spans: list[tuple[int, int]] = []
    if positional:
        pairs = 2 if "Conv" in module[:opened] or "Linear" in module[:opened] else 1
        spans += [(opened + positional.start(i), opened + positional.end(i)) for i in (1, 2)[:pairs] if positional[i]]
    spans += [match.span(1) for match in re.finditer(r"groups=(\d+)", module)]
    return spans


def skeleton(item: Item) -> tuple[object, ...]:
    """What must be equal for two items to be the same operation: everything but names and channel counts."""
    form, statement = item.statement.form, item.statement
    module, cut = item.module, 0
    pieces: list[str] = []
    for start, end in channel_spans(module):
        pieces += [module[cut:start], "#"]
        cut = end
    orders = tuple((operand.have, operand.want) for operand in statement.operands)
    return ("".join([*pieces, module[cut:]]), form.outputs, item.overwrites, form.before, orders, statement.orders)


def foldable(item: Item, calls: dict[str, int]) -> bool:
    """Whether an item may be part of a block: its layer is called once, holds no model, and no mask passes."""
    statement = item.statement
    plain = statement.form.nested is None and not statement.form.mask and not any(statement.masks) and not item.folded
    return plain and calls[statement.call.layer] == 1 and not item.module.startswith("Placeholder")


def wiring(
    items: Sequence[Item], start: int, length: int, made_at: dict[TensorRef, int], used_after: dict[TensorRef, int]
) -> tuple[object, ...] | None:
    """How the items of a block are connected; None if the block does not have one result and at most three inputs."""
    outside: list[TensorRef] = []
    edges: list[tuple[object, ...]] = []
    for i in range(start, start + length):
        row: list[object] = []
        for operand in items[i].statement.operands:
            at = made_at.get(operand.ref, -1)
            if start <= at < start + length:
                row.append((at - start, operand.ref.index))
            else:
                if operand.ref not in outside:
                    outside.append(operand.ref)
                row.append(("in", outside.index(operand.ref)))
        edges.append(tuple(row))
    leaving = [
        (i - start, ref.index)
        for i in range(start, start + length)
        for ref in items[i].statement.results
        if used_after.get(ref, -1) >= start + length
    ]
    if len(outside) not in (1, 2, 3) or len(leaving) != 1:
        return None
    return (*edges, "out", *leaving)


def best_repeat(items: Sequence[Item], outputs: Sequence[TensorRef]) -> Repeat | None:
    """The repeated block that saves most lines, or None if nothing repeats three times."""
    made_at = {ref: i for i, item in enumerate(items) for ref in item.statement.results}
    used_after: dict[TensorRef, int] = {}
    calls: dict[str, int] = {}
    for i, item in enumerate(items):
        calls[item.statement.call.layer] = calls.get(item.statement.call.layer, 0) + 1
        for operand in item.statement.operands:
            used_after[operand.ref] = i
    used_after.update({ref: len(items) + LONGEST for ref in outputs})
    kinds: dict[object, int] = {}
    tokens = [
        kinds.setdefault(skeleton(item), len(kinds)) if foldable(item, calls) else -1 - i
        for i, item in enumerate(items)
    ]
    best: Repeat | None = None
    best_rank: tuple[float, ...] = (0.0,)
    for length in range(min(LONGEST, len(items) // FEWEST), SHORTEST - 1, -1):
        if (len(items) // length - 1) * length * NAMED < best_rank[0]:
            continue
        places: dict[tuple[int, ...], list[int]] = {}
        for start in range(len(items) - length + 1):
            places.setdefault(tuple(tokens[start : start + length]), []).append(start)
        for window, starts in places.items():
            if (
                len(starts) < FEWEST
                or min(window) < 0
                or sum(bool(items[starts[0] + k].module) for k in range(length)) < 2
            ):
                continue
            alike: dict[object, list[int]] = {}
            for start in starts:
                shape = wiring(items, start, length, made_at, used_after)
                taken = alike.setdefault(shape, []) if shape is not None else []
                if shape is not None and (not taken or start >= taken[-1] + length):
                    taken.append(start)
            for shape, chosen in alike.items():
                repeat = Repeat(tuple(chosen), length)
                rank = (worth(items, repeat, inputs_of(shape)), -chosen[0])
                if len(chosen) >= FEWEST and rank > best_rank:
                    best, best_rank = repeat, rank
    return best


def worth(items: Sequence[Item], repeat: Repeat, inputs: int) -> float:
    """Lines saved, weighed: a block with one input, whose layers share a name of their own, is what a person would choose."""
    return repeat.saved * (1.0, 1.0, 0.6, 0.4)[inputs] * (NAMED if named_alike(items, repeat) else 1.0)


def inputs_of(shape: object) -> int:
    """Number of inputs of a block, from its wiring."""
    edges = shape if isinstance(shape, tuple) else ()
    return len(
        {edge for row in edges if isinstance(row, tuple) for edge in row if isinstance(edge, tuple) and edge[0] == "in"}
    )


def named_alike(items: Sequence[Item], repeat: Repeat) -> int:
    """1 if the layer names of each block share a beginning of their own, as in ``conv2_block1_...``."""
    prefixes = {common_prefix([items[s + k].statement.call.layer for k in range(repeat.length)]) for s in repeat.starts}
    return int(len(prefixes) == len(repeat.starts) and "" not in prefixes)


def common_prefix(names: Sequence[str]) -> str:
    """
    What layer names share, up to the last underscore or slash.

    >>> common_prefix(["conv2_block1_1_conv", "conv2_block1_1_bn", "conv2_block1_out"])
    'conv2_block1_'
    """
    shared = names[0]
    for name in names[1:]:
        while not name.startswith(shared):
            shared = shared[:-1]
    cut = max(shared.rfind("_"), shared.rfind("/"), shared.rfind(".")) + 1
    return shared[:cut]
