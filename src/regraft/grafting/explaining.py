"""A graft that does not fit, explained: the file's model and the user's module side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from regraft.graft.causes import forms
from regraft.graft.explaining import explain
from regraft.graft.network import Network
from regraft.graft.onto import Side, side
from regraft.graft.pieces import Piece, pieces_of, registered
from regraft.graft.scripted import scripted
from regraft.graft.side_by_side import Row, side_by_side
from regraft.graft.skeleton import known_pairs
from regraft.grafting.result import Graft
from regraft.grafting.source import Converted, as_taken, wide


def explanation(graft: Graft) -> tuple[str, ...]:
    """
    Why the weights of a file do not fit a module, in lines; empty if they do.

    Of a module that takes the weights and computes something else what is no setting is said: a GRU of the other form.
    """
    if not graft.problems:
        told = graft.comparison is not None and not graft.equal
        return tuple(f"likely: {cause}" for cause in forms(rows_of(graft))) if told else ()
    return explain(rows_of(graft))


def rows_of(graft: Graft) -> list[Row]:
    """Both sides of a graft, with the pairs that it found."""
    if graft.unknown or scripted(graft.module):
        return ordered(graft)
    try:
        ours = source_side(graft.source, graft.example)
        theirs = side(graft.module, graft.example)
    except Exception:
        return unpaired(graft.source, graft.module)
    left = source_pieces(graft.source, ours.network)
    right = pieces_of(theirs.network, graft.module)
    numbers = {piece.place: number for number, piece in enumerate(left)}
    found = known_pairs(ours.network, theirs.network, graft.grafting.matching)
    known = {j: numbers[found[p.place]] for j, p in enumerate(right) if found.get(p.place) in numbers}
    return side_by_side(left, right, known)


def ordered(graft: Graft) -> list[Row]:
    """Both sides of a graft whose file cannot be run; what was paired fits, whatever it is called on either side."""
    left = [named(piece, layer_names(graft.source)) for piece in registered(graft.source.twin.model)]
    right = registered(graft.module)
    ours = {piece.module: number for number, piece in enumerate(left)}
    fits = {pair.target: ours[pair.source] for pair in graft.grafting.pairs if pair.source in ours}
    known = {number: fits[piece.name] for number, piece in enumerate(right) if piece.name in fits}
    paired = {right[j].name for j in known}
    rows = side_by_side(left, right, known, ran=False)
    return [replace(row, differs=()) if row.theirs is not None and row.theirs.name in paired else row for row in rows]


def unfit(source: Converted, module: Any) -> tuple[str, ...]:
    """The same for a module that does not run on what the file's model takes."""
    rows = unpaired(source, module)
    return () if rows and all(row.equal for row in rows) else explain(rows)


def unpaired(source: Converted, module: Any) -> list[Row]:
    """Both sides in the order in which they are defined, for modules that do not run."""
    left = [named(piece, layer_names(source)) for piece in registered(source.twin.model)]
    return side_by_side(left, registered(module), {}, ran=False)


def source_side(source: Converted, example: tuple[Any, ...]) -> Side:
    """The file's own model as it ran."""
    return side(source.twin.model, wide(as_taken(source, example)))


def source_pieces(source: Converted, network: Network) -> list[Piece]:
    """Its layers under their names in Keras."""
    return pieces_of(network, source.twin.model, layer_names(source))


def layer_names(source: Converted) -> dict[str, str]:
    """The Keras layer behind each module of the converted model."""
    return {key.rpartition(".")[0]: one.layer for one in source.module.transfers for key in one.parameters if one.layer}


def named(piece: Piece, names: dict[str, str]) -> Piece:
    """A piece under another name."""
    return replace(piece, name=names.get(piece.module, piece.name))
