"""Vectors dealt out to norms and biases, made better by exchanges until none helps; and what each exchange costs then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from regraft.recover.grouping.traces import Traces, norm_score

#: Exchanges up to here are remembered, and gains down to here are taken.
FAR, LEAST = 12.0, 1e-6


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
    """
    Exchanges in one deal.

    Slots are numbered: the roles of the first norm, of the second one and so on, then biases, then what is over.
    Exchanges between two norms change each of them in one place, so their gains are sums of two numbers of one table:
    what each slot would score with each vector while all others stay.
    """

    def __init__(self, deal: Deal, traces: Traces) -> None:
        self.traces, self.roles = traces, deal.roles
        self.size, self.count = len(deal.roles), len(deal.norms)
        self.bodies = list(deal.biases)
        held = [i for norm in deal.norms for i in norm] + list(deal.biases.values()) + deal.over
        self.held = np.array(held, dtype=int)
        self.table = np.zeros((len(held), len(held)))
        self._fill(range(self.count))
        first = self.count * self.size
        for k, body in enumerate(self.bodies):
            self.table[first + k] = (traces.bias[:, body] - traces.roles["bias"])[: len(held)]

    def run(self) -> tuple[Deal, list[Exchange]]:
        """The best deal that exchanges lead to, and what single exchanges in it cost."""
        for _ in range(4 * len(self.held) + 10):
            if not (self._exchange() or self._turn() or self._exchange_halves()):
                break
        norms = self.held[: self.count * self.size].reshape(self.count, self.size).tolist() if self.count else []
        rest = self.held[self.count * self.size :].tolist()
        biases = dict(zip(self.bodies, rest, strict=False))
        return Deal(self.roles, norms, biases, rest[len(self.bodies) :]), self._exchanges()

    def _fill(self, norms: Iterable[int]) -> None:
        """What each slot of some norms scores with each vector."""
        for i in norms:
            at = dict(zip(self.roles, self.held[i * self.size : (i + 1) * self.size], strict=True))
            for j, role in enumerate(self.roles):
                row = -self.traces.roles[role]
                for (first, second), pairs in self.traces.pairs.items():
                    if role == first and second in at:
                        row = row + pairs[:, at[second]]
                    elif role == second and first in at:
                        row = row + pairs[at[first], :]
                self.table[i * self.size + j] = row

    def _gains(self) -> np.ndarray:
        """What the exchange of two slots gains, where they are not of one norm."""
        scores = self.table[:, self.held]
        own = np.diag(scores)
        gains = scores + scores.T - own[:, None] - own[None, :]
        for i in range(self.count):
            gains[i * self.size : (i + 1) * self.size, i * self.size : (i + 1) * self.size] = 0.0
        return gains

    def _swap(self, first: int, second: int) -> None:
        self.held[[first, second]] = self.held[[second, first]]
        whole = self.count * self.size
        self._fill({slot // self.size for slot in (first, second) if slot < whole})

    def _exchange(self) -> bool:
        """Make the exchange that gains most, if any does."""
        gains = self._gains()
        best = int(np.argmax(gains))
        first, second = divmod(best, len(self.held))
        if gains.size and gains[first, second] > LEAST:
            self._swap(first, second)
            return True
        return False

    def _score(self, i: int) -> float:
        return norm_score(self.traces, self.roles, self.held[i * self.size : (i + 1) * self.size].tolist())

    def _turn(self) -> bool:
        """Exchange two roles within a norm, where that gains."""
        for i in range(self.count):
            for a, b in combinations(range(i * self.size, (i + 1) * self.size), 2):
                before = self._score(i)
                self._swap(a, b)
                if self._score(i) > before + LEAST:
                    return True
                self._swap(a, b)
        return False

    def _exchange_halves(self) -> bool:
        """Exchange what was trained, gamma with beta, between two norms, where that gains most."""
        trained = [j for j, role in enumerate(self.roles) if role in ("gamma", "beta")]
        if len(trained) < 2 or len(trained) == self.size or self.count < 2:
            return False
        norms = self.held[: self.count * self.size].reshape(self.count, self.size)
        across = np.zeros((self.count, self.count))
        for (first, second), pairs in self.traces.pairs.items():
            for one, other in ((first, second), (second, first)):
                if (
                    one in self.roles
                    and other in self.roles
                    and one in ("gamma", "beta")
                    and other not in ("gamma", "beta")
                ):
                    table = pairs if one == first else pairs.T
                    across += table[np.ix_(norms[:, self.roles.index(one)], norms[:, self.roles.index(other)])]
        own = np.diag(across)
        gains = across + across.T - own[:, None] - own[None, :]
        i, j = divmod(int(np.argmax(gains)), self.count)
        if gains[i, j] <= LEAST:
            return False
        for role in trained:
            self._swap(i * self.size + role, j * self.size + role)
        return True

    def _exchanges(self) -> list[Exchange]:
        """All single exchanges that cost little."""
        costs = -self._gains()
        for i in range(self.count):
            for a, b in combinations(range(i * self.size, (i + 1) * self.size), 2):
                before = self._score(i)
                self.held[[a, b]] = self.held[[b, a]]
                costs[a, b] = before - self._score(i)
                self.held[[a, b]] = self.held[[b, a]]
        upper = np.triu(np.ones_like(costs, dtype=bool), 1)
        return [
            Exchange(max(float(costs[a, b]), 0.0), int(self.held[a]), int(self.held[b]))
            for a, b in np.argwhere(upper & (costs <= FAR))
        ]
