"""Vectors dealt out to norms and biases, made better by exchanges until none helps; and what each exchange costs then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regraft.recover.grouping.traces import Traces, norm_score

#: More vectors of one length than any model has; beyond, exchanges would take minutes.
MOST_SLOTS = 400
SWEEPS = 30
#: Exchanges up to here are remembered.
FAR = 12.0


@dataclass
class Deal:
    """
    Vectors in their roles, by number.

    Attributes:
        roles: Of a norm, in order.
        norms: The vectors of each norm.
        biases: For each body its bias.
        over: Vectors without a role.
    """

    roles: tuple[str, ...]
    norms: list[list[int]]
    biases: dict[int, int]
    over: list[int]


@dataclass(frozen=True)
class Exchange:
    """Two vectors that change places, and what that costs in nats."""

    cost: float
    first: int
    second: int


class Climb:
    """Exchanges in one deal, which it changes."""

    def __init__(self, deal: Deal, traces: Traces) -> None:
        self.deal, self.traces = deal, traces
        self.slots: list[tuple[int, int]] = [(i, j) for i in range(len(deal.norms)) for j in range(len(deal.roles))]
        self.slots += [(-1, body) for body in deal.biases] + [(-2, k) for k in range(len(deal.over))]
        self.scores = [self._norm(i) for i in range(len(deal.norms))]

    def run(self) -> list[Exchange]:
        """Exchange vectors, and the trainable halves of norms, while that helps; then list what exchanges cost."""
        if len(self.slots) > MOST_SLOTS:
            return []
        for _ in range(SWEEPS):
            if not (self._sweep() or self._halves()):
                break
        return self._exchanges()

    def _norm(self, i: int) -> float:
        return norm_score(self.traces, self.deal.roles, self.deal.norms[i])

    def _get(self, slot: tuple[int, int]) -> int:
        kind, place = slot
        return self.deal.biases[place] if kind == -1 else self.deal.over[place] if kind == -2 else self.deal.norms[kind][place]

    def _put(self, slot: tuple[int, int], vector: int) -> None:
        kind, place = slot
        if kind == -1:
            self.deal.biases[place] = vector
        elif kind == -2:
            self.deal.over[place] = vector
        else:
            self.deal.norms[kind][place] = vector

    def _single(self, slot: tuple[int, int]) -> float:
        """The score of a slot that is no part of a norm."""
        kind, place = slot
        if kind != -1:
            return 0.0
        vector = self.deal.biases[place]
        return float(self.traces.bias[vector, place] - self.traces.roles["bias"][vector])

    def _part(self, first: tuple[int, int], second: tuple[int, int]) -> float:
        """The score of all that two slots take part in."""
        kinds = {slot[0] for slot in (first, second) if slot[0] >= 0}
        return sum(self._norm(kind) for kind in kinds) + self._single(first) + self._single(second)

    def _gain(self, first: tuple[int, int], second: tuple[int, int]) -> float:
        """What an exchange gains; the deal is as before afterwards."""
        before = self._part(first, second)
        self._swap(first, second)
        after = self._part(first, second)
        self._swap(first, second)
        return after - before

    def _swap(self, first: tuple[int, int], second: tuple[int, int]) -> None:
        a, b = self._get(first), self._get(second)
        self._put(first, b)
        self._put(second, a)

    def _sweep(self) -> bool:
        moved = False
        for i, first in enumerate(self.slots):
            for second in self.slots[:i]:
                if self._gain(first, second) > 1e-9:
                    self._swap(first, second)
                    moved = True
        return moved

    def _halves(self) -> bool:
        """Exchange what was trained (gamma and beta together) between norms."""
        trained = [j for j, role in enumerate(self.deal.roles) if role in ("gamma", "beta")]
        moved = False
        if not 0 < len(trained) < len(self.deal.roles):
            return False
        for i in range(len(self.deal.norms)):
            for j in range(i):
                before = self._norm(i) + self._norm(j)
                self._swap_all(i, j, trained)
                if self._norm(i) + self._norm(j) > before + 1e-9:
                    moved = True
                else:
                    self._swap_all(i, j, trained)
        return moved

    def _swap_all(self, i: int, j: int, roles: Sequence[int]) -> None:
        for role in roles:
            self._swap((i, role), (j, role))

    def _exchanges(self) -> list[Exchange]:
        found: list[Exchange] = []
        for i, first in enumerate(self.slots):
            for second in self.slots[:i]:
                cost = -self._gain(first, second)
                if cost <= FAR:
                    found.append(Exchange(max(cost, 0.0), self._get(first), self._get(second)))
        return found
