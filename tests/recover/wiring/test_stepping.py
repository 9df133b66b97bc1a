"""What the next layer of a list without order may take."""

from __future__ import annotations

import pytest

from regraft.recover.wiring import prior
from regraft.recover.wiring.facts import Fact
from regraft.recover.wiring.stepping import Begun, Piece, lost, ways
from regraft.recover.wiring.streams import Tensor


def piece(cin: int, width: int, *, pointwise: bool = False, form: str = "maps") -> Piece:
    return Piece((Fact("x", "Conv2D", cin=cin, cout=width, pointwise=pointwise),), cin, width, form, 4)


def begun(*widths: int, open_: tuple[int, ...] = ()) -> Begun:
    tensors = tuple(Tensor(i, width) for i, width in enumerate(widths))
    waiting = frozenset(tensors[i] for i in open_)
    return Begun(0.0, tuple(range(len(widths))), tensors, waiting, frozenset(widths))


#: Widths so far, those that wait, the layer, the cheapest way: its piece and the other term, and its cost.
CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], Piece, tuple[int, int | None], float]] = {
    "the last tensor": ((8, 16), (1,), piece(16, 24), (1, None), 0.0),
    "a sum with what waits": ((8, 16, 16), (1, 2), piece(16, 24), (2, 1), 0.0),
    "a shortcut": ((8, 16), (1,), piece(8, 16, pointwise=True), (0, None), prior.SHORTCUT),
    "a branch": ((8, 16), (1,), piece(8, 32), (0, None), prior.OTHER_WIDTH),
    "a join": ((8, 16, 12), (2,), piece(28, 5), (2, 1), prior.STREAM_JOIN),
    "flattened": ((8, 16), (1,), piece(64, 5, form="vector"), (1, None), prior.FLATTENED),
    "a width that nothing makes": ((8, 16), (1,), piece(11, 5), (1, None), prior.UNMADE_WIDTH),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cheapest_way(name: str) -> None:
    widths, waiting, layer, (last, beside), cost = CASES[name]
    best = min(ways(begun(*widths, open_=waiting), piece(3, widths[-1]), layer), key=lambda way: way.cost)
    assert best.cost == cost
    assert best.tensor.piece == last
    assert (None if best.tensor.beside is None else best.tensor.beside.piece) == beside


def test_what_was_passed_by_costs() -> None:
    pieces = [piece(3, 8), piece(8, 16), piece(16, 32), piece(8, 16, pointwise=True)]
    assert lost(begun(8, 16), pieces) == 0.0
    assert lost(begun(8, 16, 32), pieces) == prior.OTHER_WIDTH


def test_tensors_are_values() -> None:
    one, other = (Tensor(2, 8, Tensor(1, 8), bent=True) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Tensor(2, 8, Tensor(1, 8))
