"""The ways of the file's variables into the converted model, and on into the user's module, as one mapping."""

from __future__ import annotations

from collections.abc import Sequence

from regraft.emit.module import Module
from regraft.emit.plan import Transfer
from regraft.graft.mapping import Entry, Made, TensorMap
from regraft.graft.onto import Grafting
from regraft.layout import Layout, Move


def tensor_map(module: Module, grafting: Grafting) -> TensorMap:
    """The ways of the file's variables into the converted model, and on into the user's module, as one mapping."""
    by_source = {way.source: (pair, way) for pair in grafting.pairs for way in pair.carried if way.source}
    entries: list[Entry] = []
    paths = {
        key: stored for transfer in module.transfers if (stored := stored_path(transfer)) for key in transfer.parameters
    }
    for transfer in module.transfers:
        found = [by_source.get(key) for key in transfer.parameters]
        if not any(found):
            continue
        ways = [item[1] for item in found if item]
        entries.append(
            Entry(
                transfer.layer,
                tuple(
                    Made(tuple(v.path for v in source.sources), telling(source.moves)) for source in transfer.sources
                ),
                telling(transfer.moves),
                tuple(item[1].target if item else "" for item in found),
                {way.target: telling(way.moves) for way in ways if telling(way.moves)},
                {way.target: tuple(paths[key] for key in way.less) for way in ways if way.less},
                next(item[0].how for item in found if item),
            )
        )
    constants = [way for way in grafting.carried if not way.source]
    entries += [Entry("", (), way.moves, (way.target,), {}, {}) for way in constants]
    return TensorMap(tuple(entries))


def telling(moves: Sequence[Move]) -> tuple[Move, ...]:
    """The moves without those that change nothing, and with sizes only where they are needed to turn a move round."""
    kept: list[Move] = []
    for move in moves:
        if not isinstance(move, Layout):
            kept.append(move)
        elif len(set(move.pattern.split(" -> "))) > 1:
            kept.append(Layout(move.pattern, move.sizes_used) if "(" in move.pattern else Layout(move.pattern))
    return tuple(kept)


def stored_path(transfer: Transfer) -> str:
    """The stored array that is a parameter as it is; empty if there is no such one."""
    simple = len(transfer.sources) == 1 and len(transfer.sources[0].sources) == 1 and not telling(transfer.moves)
    return transfer.sources[0].sources[0].path if simple else ""
