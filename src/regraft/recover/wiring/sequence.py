"""
Layers in no order put one behind the other: by widths, by what usually follows what, and by their values.

A BatchNorm behind a convolution has stored the mean of what the layer before it made; without one, training has brought the
norms of a channel's weights on both of its sides into step. A beam search finds the order that all of this makes cheapest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import log, prod

import numpy as np

from regraft.moments.activations import after
from regraft.moments.channels import correlation, entering, leaving, rows_by_channel
from regraft.moments.moment import Moments
from regraft.moments.norms import CEILING, FLOOR, HALF_CHANNELS, NATS_PER_E, Norm, misfit
from regraft.recover.draft import Hints
from regraft.recover.wiring import prior
from regraft.recover.wiring.evidence import Arrays, stored_norm, through
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.folded import Held
from regraft.recover.wiring.habits import kind

#: Orders kept, and so many layers may be in all of them together.
BEAM, WORK = 12, 1500


@dataclass(frozen=True)
class Piece:
    """
    A layer that makes something new, with the normalisations and slopes behind it.

    Attributes:
        facts: The layer and those.
        cin: Channels that enter; 0 for an embedding.
        width: Channels that leave.
        form: ``embedding``, ``sequence`` (recurrent), ``vector`` (Dense) or ``maps``.
        rank: That enters, 0 for any.
    """

    facts: tuple[Fact, ...]
    cin: int
    width: int
    form: str
    rank: int


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
    link = linking(pieces, folded, whole)
    starts = [prior_start(piece, pieces, shape) for piece in pieces]
    beam: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    room = max(2, min(BEAM, WORK // len(pieces)))
    for _ in pieces:
        grown: list[tuple[float, tuple[int, ...]]] = []
        for cost, order in beam:
            used = set(order)
            seen: set[tuple[object, ...]] = set()
            made = {pieces[i].width for i in order}
            for i, piece in enumerate(pieces):
                if i in used:
                    continue
                step = link(order[-1], i) + follows(pieces[order[-1]], piece, made) if order else starts[i]
                mark = (piece.facts[0].type, piece.cin, piece.width, piece.rank, len(piece.facts), round(step, 3))
                if mark not in seen:
                    seen.add(mark)
                    grown.append((cost + step, (*order, i)))
        beam = sorted(grown, key=lambda pair: pair[0])[:room]
    return [fact for i in beam[0][1] for fact in pieces[i].facts]


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


def follows(before: Piece, piece: Piece, made: set[int]) -> float:
    """What it costs that a piece follows another, by widths and forms."""
    if piece.form == "embedding":
        return prior.NO_START
    cost = prior.OTHER_WIDTH if piece.cin in made else prior.UNMADE_WIDTH
    if piece.cin == before.width:
        cost = 0.0
    elif piece.form == "vector" and before.form != "vector" and before.width and piece.cin % before.width == 0:
        cost = prior.FLATTENED
    if piece.form != "vector" and before.form == "vector":
        cost += prior.UNFLATTENED
    elif piece.rank and before.rank and piece.rank != before.rank:
        cost += prior.OTHER_RANK
    return cost


def linking(pieces: Sequence[Piece], folded: Arrays, whole: Callable[[str], Held]) -> Callable[[int, int], float]:
    """What the values say of one piece behind another, in nats, less than 0 where they agree."""
    norms = [norm_in(piece, folded) for piece in pieces]
    active: list[list[Moments]] = []
    for stored in norms:
        moments = None if stored is None else stored.output
        active.append([] if moments is None else [moments, after("relu", moments.mean, moments.variance)])

    @cache
    def out(i: int) -> np.ndarray | None:
        last = next((f for f in reversed(pieces[i].facts) if leaving(f.type, whole(f.name)) is not None), None)
        return None if last is None else leaving(last.type, whole(last.name))

    @cache
    def into(i: int) -> np.ndarray | None:
        return entering(pieces[i].facts[0].type, whole(pieces[i].facts[0].name))

    @cache
    def link(i: int, j: int) -> float:
        stored, held = norms[j], folded.get(pieces[j].facts[0].name, {})
        if stored is not None and "kernel" in held and active[i]:
            made = [through(one, held) for one in active[i]]
            away = [misfit(m.mean, stored) for m in made if m is not None and m.mean.shape == stored.mean.shape]
            if away:
                worth = NATS_PER_E * stored.channels / (stored.channels + HALF_CHANNELS)
                return worth * log(min(float(np.hypot(min(away), FLOOR)), CEILING))
        left, right = out(i), into(j)
        if left is None or right is None or len(left) < 3 or len(right) % len(left):
            return 0.0
        rows = right if len(right) == len(left) else rows_by_channel(right, len(left))
        if rows is None:
            return 0.0
        return -prior.NORMS_AGREE * max(0.0, float(correlation(left, rows))) * len(left) / (len(left) + HALF_CHANNELS)

    return link


def norm_in(piece: Piece, folded: Arrays) -> Norm | None:
    """The first trained BatchNorm of a piece."""
    found = (stored_norm(folded.get(f.name, {})) for f in piece.facts if kind(f.type) == "normalisation")
    return next((stored for stored in found if stored is not None), None)
