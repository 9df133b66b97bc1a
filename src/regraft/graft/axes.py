"""What it means that an axis is of another length, in words."""

from __future__ import annotations

from math import isqrt

from regraft.graft.pieces import Piece
from regraft.graft.side_by_side import Row

WORDS = {
    "cin": "channels that enter",
    "cout": "channels that leave",
    "channels": "channels",
    "kernel": "kernel",
    "groups": "groups",
    "units": "units",
    "directions": "directions",
    "vocabulary": "rows of the table",
    "embed": "length of a row",
}
#: A Dense on Keras' side has units, not channels.
FEATURES = {"cin": "features that enter", "cout": "features that leave"}


def axis_words(row: Row) -> str:
    """
    Which axes differ: ``cout 10 in the file, 7 in the module``.

    >>> axis_words(Row(Piece("a", "linear"), Piece("b", "linear"), (("cout", 10, 7),)))
    'cout (features that leave) 10 in the file, 7 in the module'
    """
    linear = row.theirs is not None and row.theirs.kind == "linear"
    told: list[str] = []
    for axis, ours, theirs in row.differs:
        meaning = (FEATURES if linear else {}).get(axis) or WORDS.get(axis, "")
        title = f"{axis} ({meaning})" if meaning and meaning != axis else axis
        told.append(f"{title} {ours or 'none'} in the file, {theirs or 'none'} in the module")
    return "; ".join(told)


def map_words(features: int, channels: int) -> str:
    """
    The map that so many features are, as far as numbers tell: ``7x7x64``; empty if they are none.

    >>> map_words(3136, 64), map_words(3137, 64), map_words(384, 64)
    ('7x7x64', '', '6 places x 64')
    """
    if not channels or features % channels:
        return ""
    places = features // channels
    side = isqrt(places)
    return f"{side}x{side}x{channels}" if side * side == places else f"{places} places x {channels}"


def seen_words(piece: Piece) -> str:
    """The map that a Flatten in front of a layer sees, where a run shows it."""
    return "x".join(map(str, piece.seen))
