"""The ways in which a layer may be set, each with its cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from regraft.blueprint import Call, LayerSpec, Setting, Shape
from regraft.errors import RegraftError
from regraft.layers import Layer, build
from regraft.layers.spatial import MapShape
from regraft.layers.walk import output_shapes
from regraft.layers.window import same_totals
from regraft.recover.draft import with_settings
from regraft.recover.geometry.budget import Budget

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

    def dearer(self, nats: float) -> Way:
        """The same way at a higher cost."""
        return Way(self.edits, self.cost + nats, self.layer, self.kind) if nats else self


Price = Callable[[Way, tuple[Shape, ...]], float]
"""What a way costs more for the shapes that arrive, in nats."""
Ways = Callable[[tuple[Shape, ...]], Sequence[Way]]
"""The ways of a layer, given the shapes that arrive; none at all for layers that do not take them."""


@dataclass(frozen=True)
class Fixed:
    """Ways that are the same whatever arrives, cheapest first."""

    found: tuple[Way, ...]

    def __call__(self, shapes: tuple[Shape, ...]) -> Sequence[Way]:
        """All of them."""
        return self.found


@dataclass
class Workshop:
    """Makes layers with other settings, each once, and remembers what they do to shapes: searches share it."""

    made: dict[tuple[str, str, Edits], Layer | None] = field(default_factory=dict)
    equal: dict[Layer, Layer] = field(default_factory=dict)
    effects: dict[tuple[int, tuple[Shape, ...]], tuple[tuple[Shape, ...] | None, object]] = field(default_factory=dict)
    prices: dict[tuple[str, int, tuple[Shape, ...]], float] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    def layer(self, spec: LayerSpec, edits: Edits, kind: str = "") -> Layer | None:
        """The layer with these edits; None if they make none."""
        key = (spec.name, kind, edits)
        if key not in self.made:
            try:
                base = LayerSpec(spec.name, kind) if kind else spec
                self.made[key] = self.known(build(with_settings(base, dict(edits))))
            except (RegraftError, TypeError, ValueError):
                self.made[key] = None
        return self.made[key]

    def known(self, layer: Layer) -> Layer:
        """An equal layer made before, else this one: most layers are alike, and do the same to shapes."""
        try:
            return self.equal.setdefault(layer, layer)
        except TypeError:  # a wrapper holds what cannot be hashed
            return layer

    def way(
        self, spec: LayerSpec, settings: Mapping[str, Setting], cost: float, prefix: str = "", kind: str = ""
    ) -> Way:
        """One way to set a layer; ``prefix`` reaches into the layer that it wraps."""
        edits = tuple((prefix + key, value) for key, value in settings.items())
        return Way(edits, cost, self.layer(spec, edits, kind), kind)

    def effect(self, layer: Layer, call: Call, arriving: tuple[Shape, ...]) -> tuple[tuple[Shape, ...] | None, object]:
        """The shapes that leave a layer, None if it does not take what arrives; and what tells its function there."""
        key = (id(layer), arriving)
        if key not in self.effects:
            try:
                shapes = output_shapes(call, layer, arriving)
                self.effects[key] = (shapes, function_of(layer, arriving))
            except (RegraftError, TypeError, ValueError, IndexError, AttributeError):
                self.effects[key] = (None, None)
        return self.effects[key]


def usable(ways: Iterable[Way]) -> list[Way]:
    """The ways that make a layer, cheapest first, each once."""
    found: dict[tuple[str, Edits], Way] = {}
    for way in sorted(ways, key=lambda w: w.cost):
        if way.layer is not None or way.kind == "absent":
            found.setdefault(way.key, way)
    return list(found.values())


def fixed(ways: Iterable[Way]) -> Fixed:
    """The same ways whatever arrives."""
    return Fixed(tuple(usable(ways)))


def within(ways: Ways, limit: float) -> Ways:
    """Only the ways that cost at most so many nats more than the cheapest."""

    def kept(found: Sequence[Way]) -> list[Way]:
        most = min((way.cost for way in found), default=0.0) + limit
        return [way for way in found if way.cost <= most]

    if isinstance(ways, Fixed):
        return Fixed(tuple(kept(ways.found)))
    return lambda shapes: kept(ways(shapes))


def least(ways: Ways) -> float:
    """What the cheapest way costs at least."""
    return min((way.cost for way in ways.found), default=0.0) if isinstance(ways, Fixed) else 0.0


def map_of(shapes: tuple[Shape, ...], layer: Layer) -> tuple[int | None, ...]:
    """The spatial sizes that arrive at a layer; empty if it is no map."""
    try:
        return MapShape.of(shapes[0], layer.rank, getattr(layer, "data_format", "channels_last")).sizes
    except (ValueError, IndexError):
        return ()


def function_of(layer: Layer, shapes: tuple[Shape, ...]) -> object:
    """
    Equal for two settings of one layer that compute the same on these shapes.

    Padding that adds nothing, because the windows tile the map, is no padding.
    """
    config = layer.config
    window = getattr(layer, "window", None) or config.get("pool_size")
    steps = getattr(layer, "steps", None) or config.get("strides")
    if not isinstance(window, tuple) or not isinstance(steps, tuple):
        return id(layer)
    padding = getattr(layer, "surplus", None) or config.get("padding")
    if padding == "same":
        sizes = map_of(shapes, layer)
        if sizes and all(same_totals(*axis) == {0} for axis in zip(sizes, window, steps, strict=True)):
            padding = "valid"
    return window, steps, padding, config.get("dilation_rate"), config.get("data_format")
