"""What is said about a file beside its layers, collected while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Findings:
    """
    Notes for a person, and paths that hold no weights of the model, each with the reason.

    Attributes:
        used: Paths of arrays that became variables, or part of one.
    """

    notes: list[str] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
