"""The ways in which a layer may be set, each with its cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from regraft.blueprint import LayerSpec, Setting, Shape
from regraft.errors import RegraftError
from regraft.layers import Layer, build
from regraft.recover.draft import with_settings

Edits = tuple[tuple[str, Setting], ...]


@dataclass(frozen=True, eq=False)
class Way:
    """
    One way to set a layer.

    Attributes:
        edits: The settings that differ from those of the draft, or are stated all the same.
        cost: In nats.
        layer: The layer with these settings; None if it is left out and its input goes on as it is.
        kind: Another layer type than that of the draft, for a place where a layer may be put in.
    """

    edits: Edits = ()
    cost: float = 0.0
    layer: Layer | None = None
    kind: str = ""

    @property
    def key(self) -> tuple[str, Edits]:
        """Equal for equal settings, whatever the cost."""
        return (self.kind, self.edits)


Ways = Callable[[tuple[Shape, ...]], Sequence[Way]]
"""The ways of a layer, given the shapes that arrive."""


@dataclass
class Workshop:
    """Makes layers with other settings, each once, so that shapes can be remembered by layer."""

    made: dict[tuple[str, str, Edits], Layer | None] = field(default_factory=dict)

    def layer(self, spec: LayerSpec, edits: Edits, kind: str = "") -> Layer | None:
        """The layer with these edits; None if they make none."""
        key = (spec.name, kind, edits)
        if key not in self.made:
            try:
                base = LayerSpec(spec.name, kind) if kind else spec
                self.made[key] = build(with_settings(base, dict(edits)))
            except (RegraftError, TypeError, ValueError):
                self.made[key] = None
        return self.made[key]

    def way(self, spec: LayerSpec, settings: Mapping[str, Setting], cost: float, prefix: str = "", kind: str = "") -> Way:
        """One way to set a layer; ``prefix`` reaches into the layer that it wraps."""
        edits = tuple((prefix + key, value) for key, value in settings.items())
        return Way(edits, cost, self.layer(spec, edits, kind), kind)


def usable(ways: Sequence[Way]) -> list[Way]:
    """The ways that make a layer, cheapest first, each once."""
    found: dict[tuple[str, Edits], Way] = {}
    for way in sorted(ways, key=lambda w: w.cost):
        if way.layer is not None or way.kind == "absent":
            found.setdefault(way.key, way)
    return list(found.values())


def fixed(ways: Sequence[Way]) -> Ways:
    """The same ways whatever arrives."""
    found = usable(ways)
    return lambda shapes: found
