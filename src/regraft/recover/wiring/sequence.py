"""
Layers in no order put one behind the other: by widths, by what usually follows what, and by their values.

A BatchNorm behind a convolution has stored the mean of what the layer before it made; without one, training has brought the
norms of a channel's weights on both of its sides into step. A beam search finds the order that all of this makes cheapest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import prod

import numpy as np

from regraft.moments.channels import correlation, entering, leaving, rows_by_channel
from regraft.moments.norms import HALF_CHANNELS, Norm
from regraft.recover.draft import Hints
from regraft.recover.wiring import prior
from regraft.recover.wiring.evidence import Arrays, stored_norm
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.folded import Held
from regraft.recover.wiring.habits import kind
from regraft.recover.wiring.stepping import Begun, Piece, Way, lost, unlike, ways
from regraft.recover.wiring.streams import Streams

#: Orders kept, and so many layers may be in all of them together.
BEAM, WORK = 48, 700
#: So many times more are looked at closely.
SPARE = 4


#: The tensors that pieces of one kind may take, each with what the statistics say of every piece.
Told = list[tuple[Way, dict[int, float]]]


def in_sequence(facts: Sequence[Fact], hints: Hints, folded: Arrays, whole: Callable[[str], Held]) -> list[Fact]:
    """
    The layers in the likeliest order.

    Args:
        facts: In any order, but a normalisation behind what it normalises.
        hints: The shape of the input, if there is one input.
        folded: The variables of linear layers, summed over taps, and of BatchNorms.
        whole: The variables of a layer, by its name.
    """
    pieces = pieces_of(facts)
    if len(pieces) < 2:
        return list(facts)
    shape = hints.input_shapes[0] if len(hints.input_shapes) == 1 else None
    link = linking(pieces, whole)
    streams = streams_of(pieces, folded)
    starts = [prior_start(piece, pieces, shape) for piece in pieces]
    beam = [Begun()]
    room = max(2, min(BEAM, WORK // len(pieces)))
    lowest = [streams.lowest(piece.cin, i) for i, piece in enumerate(pieces)]
    for _ in pieces:
        grown: list[Begun] = []
        for begun in beam:
            seen: set[tuple[object, ...]] = set()
            known: dict[tuple[object, ...], Told] = {}
            for i, piece in enumerate(pieces):
                if i in begun.order:
                    continue
                cost, way = starts[i], None
                if begun.order:
                    before = begun.order[-1]
                    alike = piece.cin, piece.width, piece.form, piece.facts[0].pointwise
                    if alike not in known:
                        known[alike] = [(w, streams.told(w.tensor)) for w in ways(begun, pieces[before], piece)]
                    cost, way = likeliest(known[alike], link, i, before, lowest[i])
                    cost += unlike(pieces[before], piece)
                mark = (piece.facts[0].type, piece.cin, piece.width, piece.rank, len(piece.facts), round(cost, 3))
                if mark not in seen:
                    seen.add(mark)
                    grown.append(begun.grown(i, piece.width, way, cost))
        beam = cheapest(grown, pieces, room)
    best = min(beam, key=lambda begun: begun.cost + prior.LEFT_OPEN * len(begun.open))
    return [fact for i in best.order for fact in pieces[i].facts]


def cheapest(grown: Sequence[Begun], pieces: Sequence[Piece], room: int) -> list[Begun]:
    """The beginnings that promise most; of those that can go on in the same ways only one."""
    found: dict[object, Begun] = {}
    few = sorted(grown, key=lambda begun: begun.cost)[: SPARE * room]
    for begun in sorted(few, key=lambda begun: begun.cost + lost(begun, pieces)):
        found.setdefault(begun.future, begun)
        if len(found) == room:
            break
    return list(found.values())


def likeliest(
    told: Told, link: Callable[[int, int], float], piece: int, before: int, lowest: float
) -> tuple[float, Way]:
    """The way that suits a piece best by statistics, or by the norms of the weights, and its cost."""
    best: tuple[float, Way] | None = None
    for way, costs in told:
        cost = costs.get(piece)
        if cost is not None:
            cost -= lowest
        elif lowest:
            cost = prior.UNTOLD
        else:
            beside = way.tensor.beside
            cost = link(before, piece) if beside is None else min(link(before, piece), link(beside.piece, piece))
        if best is None or way.cost + cost < best[0]:
            best = way.cost + cost, way
    assert best is not None
    return best


def streams_of(pieces: Sequence[Piece], folded: Arrays) -> Streams:
    """The statistics of the pieces."""
    norms = [norms_in(piece, folded) for piece in pieces]
    held = [folded.get(piece.facts[0].name, {}) for piece in pieces]
    return Streams(
        [found[0] if found else None for found in norms],
        [found[-1] if found else None for found in norms],
        [one.get("kernel") for one in held],
        [one.get("bias", 0.0) for one in held],
        prior.USUAL_MISFIT,
    )


def pieces_of(facts: Sequence[Fact]) -> list[Piece]:
    """The layers that make something, each with those behind it that only normalise or bend it."""
    groups: list[list[Fact]] = []
    for fact in facts:
        if groups and fact.keeps and (groups[-1][0].cout or groups[-1][0].cin) == fact.cin:
            groups[-1].append(fact)
        else:
            groups.append([fact])
    return [piece_of(tuple(group)) for group in groups]


def piece_of(facts: tuple[Fact, ...]) -> Piece:
    """One layer with those behind it."""
    first = facts[0]
    form = "vector" if first.type.startswith("Dense") else "maps"
    if first.integers:
        form = "embedding"
    elif first.states or first.type == "Bidirectional":
        form = "sequence"
    return Piece(facts, 0 if first.integers else first.cin or 0, first.cout or first.cin or 0, form, first.rank_in)


def prior_start(piece: Piece, pieces: Sequence[Piece], shape: tuple[int | None, ...] | None) -> float:
    """What it costs that a piece comes first."""
    if shape:
        sizes = [n for n in shape if n]
        fits = {
            "embedding": len(shape) <= 2,
            "sequence": len(shape) == 2 and shape[-1] == piece.cin,
            "vector": piece.cin in (shape[-1], prod(sizes)),
            "maps": piece.rank in (0, len(shape) + 1) and piece.cin in (shape[-1], shape[0]),
        }[piece.form]
        return 0.0 if fits else prior.NO_START
    made = any(other.width == piece.cin for other in pieces if other is not piece)
    late = piece.form == "vector" and any(other.form != "vector" for other in pieces)
    return (prior.MADE_START if made else 0.0) + (prior.LATE_START if late else 0.0)


def linking(pieces: Sequence[Piece], whole: Callable[[str], Held]) -> Callable[[int, int], float]:
    """What the norms of the weights say of one piece behind another, in nats, less than 0 where they agree."""

    @cache
    def out(i: int) -> np.ndarray | None:
        last = next((f for f in reversed(pieces[i].facts) if leaving(f.type, whole(f.name)) is not None), None)
        return None if last is None else leaving(last.type, whole(last.name))

    @cache
    def into(i: int) -> np.ndarray | None:
        return entering(pieces[i].facts[0].type, whole(pieces[i].facts[0].name))

    @cache
    def link(i: int, j: int) -> float:
        left, right = out(i), into(j)
        if left is None or right is None or len(left) < 3 or len(right) % len(left):
            return 0.0
        rows = right if len(right) == len(left) else rows_by_channel(right, len(left))
        if rows is None:
            return 0.0
        return -prior.NORMS_AGREE * max(0.0, float(correlation(left, rows))) * len(left) / (len(left) + HALF_CHANNELS)

    return link


def norms_in(piece: Piece, folded: Arrays) -> list[Norm]:
    """The trained BatchNorms of a piece."""
    found = (stored_norm(folded.get(f.name, {})) for f in piece.facts if kind(f.type) == "normalisation")
    return [stored for stored in found if stored is not None]
