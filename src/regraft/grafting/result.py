"""What a graft gives: the module, and all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from regraft.blueprint import Blueprint
from regraft.graft.comparing import Comparison
from regraft.graft.difference import Difference
from regraft.graft.mapping import TensorMap
from regraft.graft.onto import Grafting
from regraft.grafting.source import Converted


@dataclass(frozen=True)
class Graft:
    """
    A user's module with the weights of a file, and what is known of the result.

    Attributes:
        module: The module; its parameters are the file's if there are no problems, else untouched.
        grafting: Which unit became which, what differs, what does not fit.
        mapping: Every variable's way, to be written, edited and turned round.
        comparison: Both modules on the same random input; None if the weights do not fit.
        source: The file as a module of our own.
        example: What the module was run on.
        fixed: Settings that were set on the module.
        unknown: Layers that keep the file's model from running, in words; then nothing was compared.
        against: Where the statistics in the file contradict the module as it was filled, in words.
        notes: On what else the two were tried, and what is written in other words with the same result, in words.
    """

    module: Any
    grafting: Grafting
    mapping: TensorMap
    comparison: Comparison | None
    source: Converted = field(repr=False)
    example: tuple[Any, ...] = field(repr=False)
    fixed: tuple[Difference, ...] = ()
    unknown: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def filled(self) -> bool:
        """Whether the module has the weights."""
        return self.comparison is not None or bool(self.unknown and not self.problems)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the weights do not fit; none if they do."""
        return self.grafting.problems

    @property
    def equal(self) -> bool:
        """Whether the module computes what the file's own architecture does."""
        return self.comparison is not None and self.comparison.equal

    @property
    def blueprint(self) -> Blueprint:
        """The architecture that the file was read with."""
        return self.source.blueprint

    @property
    def stated(self) -> bool:
        """Whether that architecture was stated; else it was recovered, and the result rests on it."""
        return self.source.stated
