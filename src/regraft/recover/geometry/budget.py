"""How much work the searches over one file may do, whatever its arrays are."""

from __future__ import annotations

from dataclasses import dataclass

#: Settings that may be looked at, and edges that may be made, each counting as much as it takes time. Of 130 public files
#: none needed a quarter of it; lists of random kernels of mixed ranks have no end.
MOST_WORK = 10_000_000
#: Looking at a setting of a layer for new shapes takes as long as so many edges.
WAY = 8


@dataclass
class Budget:
    """
    What is left for the searches over all drafts of a file: counted, not timed, so that results do not hang on the machine.

    Attributes:
        left: Work that may still be done.
    """

    left: int = MOST_WORK

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return self.left < 0
