"""One layer more at the end of a list that is put in order: which tensor it may take, and what that costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from regraft.recover.wiring import prior
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.streams import Tensor

#: The newest tensors that a layer may take.
REMEMBERED = 24
#: Earlier tensors that a sum is tried with.
TERMS = 3


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


@dataclass(frozen=True)
class Way:
    """A tensor that a piece may take, what that costs by widths and habits, and whether it uses up what was open."""

    cost: float
    tensor: Tensor
    closes: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Begun:
    """
    A beginning of the network.

    Attributes:
        cost: In nats.
        order: Pieces, by number.
        tensors: What they made, and the sums and joins that were taken, oldest first.
        open: Those that nothing takes yet.
        made: Widths.
    """

    cost: float = 0.0
    order: tuple[int, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    open: frozenset[Tensor] = frozenset()
    made: frozenset[int] = frozenset()

    @property
    def future(self) -> object:
        """What goes on in the same ways has the same: the pieces, the last of them, and what is open."""
        return frozenset(self.order), self.tensors[-1], self.open

    def grown(self, piece: int, width: int, way: Way | None, cost: float) -> Begun:
        """The same with a piece more."""
        made = Tensor(piece, width)
        new = () if way is None or way.tensor in self.tensors else (way.tensor,)
        left = self.open if way is None else self.open.difference(way.closes)
        kept = (*self.tensors, *new, made)[-REMEMBERED:]
        return Begun(self.cost + cost, (*self.order, piece), kept, left | {made}, self.made | {width})


def ways(begun: Begun, before: Piece, piece: Piece) -> Iterator[Way]:
    """
    The tensors that a piece may take: the last, a sum or a join of it with an earlier one, or an earlier one alone.

    The reader of lists in order (``forward``) adds the last tensor to one of its width that nothing takes; so that is the
    rule here, and everything else is dearer.
    """
    last, earlier = begun.tensors[-1], begun.tensors[-2::-1]
    if piece.cin == last.width:
        same = [other for other in earlier if other.width == piece.cin]
        waiting = next((other for other in same if other in begun.open), None)
        yield Way(prior.PASSED_OPEN if waiting else 0.0, last, (last,))
        for other in same[:TERMS]:
            cost = 0.0 if other is waiting else prior.STREAM_SUM
            for bent in (False, True):
                yield Way(cost, Tensor(last.piece, last.width, other, bent), (last, other))
        for other in same[:TERMS]:
            yield Way(prior.STREAM_BRANCH + (0.0 if piece.width == last.width else 1.0), other, (other,))
        return
    flat = piece.form == "vector" and before.form != "vector" and before.width and piece.cin % before.width == 0
    if flat:
        yield Way(prior.FLATTENED, last, (last,))
    shortcut = piece.facts[0].pointwise and piece.width == last.width
    for other in earlier:
        if other.width == piece.cin:
            yield Way(prior.SHORTCUT if shortcut else prior.OTHER_WIDTH, other, (other,))
        elif other.width + last.width == piece.cin and not flat:
            for first in (False, True):
                yield Way(prior.STREAM_JOIN, Tensor(last.piece, piece.cin, other, first, joined=True), (last, other))
    if not flat:
        yield Way(prior.OTHER_WIDTH if piece.cin in begun.made else prior.UNMADE_WIDTH, last, (last,))


def unlike(before: Piece, piece: Piece) -> float:
    """What it costs that a piece follows another, by their forms."""
    if piece.form == "embedding":
        return prior.NO_START
    if piece.form != "vector" and before.form == "vector":
        return prior.UNFLATTENED
    return prior.OTHER_RANK if piece.rank and before.rank and piece.rank != before.rank else 0.0


def lost(begun: Begun, pieces: Sequence[Piece]) -> float:
    """
    What it will cost at least that some layers were passed by.

    Nothing that is still to come makes what they take, nor what they could stand beside as a shortcut.
    """
    left = [piece for i, piece in enumerate(pieces) if i not in begun.order]
    coming = Counter(piece.width for piece in left)
    now, cost = begun.tensors[-1].width, 0.0
    for piece in left:
        own = piece.width == piece.cin
        if piece.cin not in begun.made or piece.cin == now or coming[piece.cin] > own:
            continue
        beside = piece.facts[0].pointwise and (now == piece.width or coming[piece.width] > 1)
        cost += 0.0 if beside or piece.form == "vector" else prior.OTHER_WIDTH
    return cost
