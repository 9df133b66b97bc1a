"""What all searches over one draft share, and the data formats and habits that it may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from regraft.blueprint import Choice
from regraft.recover.geometry.borders import Borders
from regraft.recover.geometry.demand import Demand, demand
from regraft.recover.geometry.graph import Graph
from regraft.recover.geometry.roles import Role
from regraft.recover.geometry.ways import Way, Workshop


@dataclass(frozen=True)
class Plan:
    """
    What all searches over one draft have in common.

    Attributes:
        graph: The draft, places for layers that may be put in included.
        demands: What each layer demands of its input.
        roles: The place of each window.
        entries: For each input the shapes it may have.
        answers: What the user decided, by subject.
        wide: Whether rare settings are tried too.
        shop: Makes layers, and remembers what they do to shapes.
        stated: Inputs whose shape the user gave.
        format_choice: How the data format was decided, where it had to be.
        borders: What stored means say of paddings and map sizes.
        ends: Shapes that the outputs are known to have, without the batch axis; empty if nothing is known.
    """

    graph: Graph
    demands: Mapping[str, Demand]
    roles: Mapping[str, Role]
    entries: Mapping[str, Sequence[Way]]
    answers: Mapping[str, str]
    wide: bool
    shop: Workshop
    borders: Borders = field(default_factory=Borders)
    stated: frozenset[str] = frozenset()
    format_choice: Choice | None = None
    ends: tuple[tuple[int, ...], ...] = ()

    @property
    def margin(self) -> float:
        """
        By how many nats a value must lead to be supported.

        Where the size of an input is itself only likely, by the table of usual sizes, it must lead by more than that
        table can be wrong.
        """
        return MARGIN if all(len(ways) == 1 for ways in self.entries.values()) else MARGIN_UNSIZED


#: The two margins, in nats.
MARGIN, MARGIN_UNSIZED = 3.5, 8.0


def demands_of(graph: Graph) -> dict[str, Demand]:
    """What every layer demands of its input."""
    return {name: demand(graph.spec(name), layer, graph.stored.get(name, {})) for name, layer in graph.layers.items()}
