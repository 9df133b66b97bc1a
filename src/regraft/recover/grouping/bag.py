"""Arrays in no order, and the bodies of layers that are made of them: their kernels, before biases are dealt out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from einops import rearrange

from regraft.recover.grouping.affinity import Rows, clean, rows_of
from regraft.recover.grouping.vectors import Look, role_cost


@dataclass
class Body:
    """
    A layer in the making.

    Attributes:
        type: In the catalogue.
        places: Its arrays so far, in the order of its form.
        width: Channels that leave, which is the length of its bias.
        cin: Channels that arrive.
        closed: Whether no bias is wanted any more.
        wraps: Type of the layer inside a Bidirectional.
        doubt: By how much, in nats, another choice of its kernels is dearer.
    """

    type: str
    places: list[int]
    width: int
    cin: int
    closed: bool = False
    wraps: str = ""
    doubt: float = 99.0


@dataclass
class Bag:
    """
    Arrays in no order; what is taken into a layer leaves it.

    Attributes:
        shapes: Of all arrays.
        looks: Their values at a glance.
        source: Their values.
        turned: Whether convolutions are transposed; None where biases and norms decide for each.
        left: Places of those that no layer has yet.
        cache: Row spaces, by kernel.
        costs: Of roles, by role and array.
        doubts: For arrays that another layer may want, by how much it is dearer.
    """

    shapes: Sequence[tuple[int, ...]]
    looks: Callable[[int], Look]
    source: Callable[[int], np.ndarray]
    turned: bool | None = None
    left: set[int] = field(default_factory=set)
    doubts: dict[int, float] = field(default_factory=dict)
    cache: dict[int, Rows] = field(default_factory=dict)
    costs: dict[tuple[str, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left = set(range(len(self.shapes)))

    def of_rank(self, rank: int) -> list[int]:
        """What is left of so many axes, in the order of the list."""
        return [i for i in sorted(self.left) if len(self.shapes[i]) == rank]

    def vectors(self) -> dict[int, list[int]]:
        """The vectors that are left, by length."""
        found: dict[int, list[int]] = defaultdict(list)
        for i in self.of_rank(1):
            found[self.shapes[i][0]].append(i)
        return found

    def take(self, places: Iterable[int]) -> None:
        """Remove arrays."""
        self.left.difference_update(places)

    @cached_property
    def widths(self) -> frozenset[int]:
        """Channels that any kernel here can give."""
        found: set[int] = set()
        for shape in self.shapes:
            if len(shape) >= 2:
                found |= {shape[-1], shape[-2] if len(shape) > 2 else shape[-1]}
                found |= {shape[-1] // n for n in (3, 4) if shape[-1] % n == 0}
        return frozenset(found | {2 * w for w in found})

    def read(self, place: int) -> np.ndarray:
        """The values of an array; of one without elements a zero."""
        values = self.source(place)
        return values if values.size else np.zeros([max(n, 1) for n in values.shape])

    def cost(self, role: str, place: int) -> float:
        """How unlikely an array is in a role, in nats."""
        if (role, place) not in self.costs:
            self.costs[role, place] = role_cost(role, self.looks(place))
        return self.costs[role, place]

    def vector_rows(self, places: Sequence[int]) -> np.ndarray:
        """Vectors of one length, one a row, cleaned."""
        return np.array([clean(self.read(i).ravel()) for i in places])

    def rows(self, body: Body) -> Rows:
        """The row space of the kernel that makes a body's channels."""
        place = body.places[-1]
        if place not in self.cache:
            kernel = self.read(place)
            if body.type.startswith("Depthwise"):
                # Every channel for itself: as if one channel came in.
                kernel = rearrange(kernel, "... cin mult -> ... 1 (cin mult)")
            elif body.type.endswith("Transpose"):
                kernel = rearrange(kernel, "... cout cin -> ... cin cout")
            self.cache[place] = rows_of(kernel)
        return self.cache[place]
