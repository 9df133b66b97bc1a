"""What is asked of one file, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.recovery_judge import Judged
from benchmarks.stripping import Level

Evidence = Literal["none", "samples", "pairs"]
EQUAL, AMONG, DIFFERENT = "equal", "equal, not the best", "different"
FAILED, LATE, CRASHED = "recovery failed", "too long", "crash"
CUSTOM, UNJUDGED, NO_TRUTH = "custom layers", "not judged", "no architecture known"
#: What counts in the totals; the others are counted apart.
COUNTED = (EQUAL, AMONG, DIFFERENT, FAILED, LATE, CRASHED)


@dataclass(frozen=True)
class Task:
    """What is to be done with one file."""

    file: Path
    root: Path
    level: Level
    evidence: Evidence = "none"
    shapes_given: bool = True
    candidates: int = 5


@dataclass(frozen=True)
class Row:
    """
    What became of one file.

    Attributes:
        rank: Place of the first candidate that computes the same, counted from 1; 0 if none does.
        edges: Right ones, and of how many, of the best candidate.
        choices: Of the best candidate.
        sizes: Without input shapes: whether the input sizes were found; empty where there is nothing to find.
        norm: Whether the file holds trained BatchNorm statistics.
        note: What was taken as equal although it stands in another order.
        reason: Why it failed: what is wrong first.
        megabytes: Peak memory of the recovery above what the process had before.
    """

    file: str
    level: str
    verdict: str
    rank: int = 0
    candidates: int = 0
    edges: tuple[int, int] = (0, 0)
    choices: tuple[Judged, ...] = ()
    sizes: str = ""
    norm: bool = False
    layers: int = 0
    family: str = ""
    proof: str = ""
    note: str = ""
    reason: str = ""
    error: float = float("inf")
    seconds: float = 0.0
    megabytes: float = 0.0
    evidence: str = "none"

    @property
    def wrongly_proved(self) -> list[Judged]:
        """Choices labelled proved that are not those of the original."""
        return [c for c in self.choices if c.label == "proved" and c.verdict == "wrong"]
