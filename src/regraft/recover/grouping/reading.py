"""A list of arrays seen as layers: what the readers of ordered and of shuffled lists give."""

from __future__ import annotations

from dataclasses import dataclass, field

from regraft.recover.grouping.fitting import Sizes
from regraft.recover.grouping.forms import Form


@dataclass(frozen=True)
class Layer:
    """
    One layer of a reading.

    Attributes:
        form: Its form; None for an array that fits none.
        places: Which arrays of the list, in the order of the form.
        sizes: Lengths of the form's axes.
        cost: Of this layer at this place, in nats.
    """

    form: Form | None
    places: tuple[int, ...]
    sizes: Sizes = field(default_factory=dict, compare=False)
    cost: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Reading:
    """
    A whole list as layers.

    Attributes:
        layers: In model order, if the list is.
        cost: In nats, up to a constant of the list.
        whole: The same, with the forms judged together (``habits.together``); it tells lists in order from others.
        margins: For each layer by how much the cheapest reading that sees its arrays otherwise is dearer.
        others: For each layer the types that its first array may belong to instead, likeliest first.
    """

    layers: tuple[Layer, ...]
    cost: float
    whole: float = 0.0
    margins: tuple[float, ...] = ()
    others: tuple[tuple[str, ...], ...] = ()
