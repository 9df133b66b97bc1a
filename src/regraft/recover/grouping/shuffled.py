"""
The arrays of a model in no order, read as layers.

Kernels make layers by their shapes, vectors are dealt out to them by number, sign and the traces of training. The order
of the layers is lost; they are given in one that their channels allow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from regraft.recover.grouping.bag import Bag, Body
from regraft.recover.grouping.chain import chained, priced
from regraft.recover.grouping.climbing import Exchange
from regraft.recover.grouping.consumers import Placed, rejoined
from regraft.recover.grouping.dealing import STYLES, Dealt, Style, counts, deal, style_cost
from regraft.recover.grouping.fitting import fit
from regraft.recover.grouping.forms import FORMS
from regraft.recover.grouping.links import Widths
from regraft.recover.grouping.ordered import UNKNOWN
from regraft.recover.grouping.reading import Layer, Reading
from regraft.recover.grouping.sorting import take_bodies
from regraft.recover.grouping.vectors import Look

Shape = tuple[int, ...]
#: Which direction of two is forward cannot be told; the other reading stands just behind.
TURNED = 0.1


def read_shuffled(
    shapes: Sequence[Shape],
    looks: Callable[[int], Look],
    read: Callable[[int], np.ndarray],
    count: int,
    *,
    turned: bool | None = None,
) -> list[Reading]:
    """
    The likeliest ways in which arrays make layers, whatever their order.

    Args:
        shapes: Of the arrays.
        looks: The values of an array at a glance.
        read: The values of an array.
        count: How many readings are wanted; all but the first exchange two arrays of equal shape.
        turned: Whether convolutions are transposed; None where biases and norms decide for each.

    Returns:
        Likeliest first. Their layers stand in an order that their channels allow.
    """
    bag = Bag(shapes, looks, read, turned)
    bodies = take_bodies(bag)
    normalizers = _normalizers(bag)
    vectors = bag.vectors()
    open_bodies = {w: [b for b in bodies if b.width == w and not b.closed] for w in vectors}
    style = min(STYLES, key=lambda s: sum(style_cost(bag, s, v, len(open_bodies[w])) for w, v in vectors.items()))
    layers: list[Layer] = list(normalizers)
    doubts: dict[int, float] = {}
    follows: dict[int, int] = {}
    swaps: list[Exchange] = []
    owner: dict[int, int] = {}
    placed: list[Placed] = []
    for width, places in sorted(vectors.items()):
        mine = open_bodies[width]
        own_style = _style_of(bag, style, places, len(mine))
        dealt = deal(bag, own_style, places, mine)
        for k, place in dealt.biases.items():
            mine[k].places.append(place)
        _add_norms(bag, own_style, dealt, mine, layers, owner, placed)
        doubt = _style_margin(bag, own_style, places, len(mine))
        doubts.update(dict.fromkeys((place for norm in dealt.norms for place in norm), doubt))
        layers += [Layer(None, (place,)) for place in dealt.over]
        swaps += dealt.swaps
    for one in rejoined(bag, placed):
        layers += _layers(shapes, "BatchNormalization", [one.gamma, one.beta, one.mean, one.variance])
        doubts[one.gamma] = doubts[one.variance]
        if one.body is not None:
            owner[one.gamma] = one.body.places[0]
    for body in bodies:
        made = _layers(shapes, body.type, body.places, body.wraps)
        doubts[body.places[0]] = body.doubt
        layers += made
    held = {place for layer in layers for place in layer.places}
    layers += [Layer(None, (i,)) for i in range(len(shapes)) if i not in held]
    first = {layer.places[0]: i for i, layer in enumerate(layers)}
    follows = {first[norm]: first[body] for norm, body in owner.items() if norm in first and body in first}
    best = priced(chained(layers, Widths(shapes), follows), shapes, looks, UNKNOWN)
    return _readings(best, doubts, _real(swaps, looks), count)


def _turned(layer: Layer) -> dict[int, int]:
    """The exchange of both directions of a Bidirectional layer: nothing in the arrays says which one is which."""
    middle = len(layer.places) // 2
    ahead, back = layer.places[:middle], layer.places[middle:]
    return {**dict(zip(ahead, back, strict=True)), **dict(zip(back, ahead, strict=True))}


def _normalizers(bag: Bag) -> list[Layer]:
    """Preprocessing layers: a count without axes, beside a mean and a variance that no kernel explains."""
    found: list[Layer] = []
    for scalar in bag.of_rank(0):
        pairs = [
            v for w, v in bag.vectors().items() if len(v) == 2 and not any(s[-1] == w for s in bag.shapes if len(s) > 1)
        ]
        if pairs:
            mean, variance = sorted(pairs[0], key=lambda i: bag.looks(i).negative, reverse=True)
            found += _layers(bag.shapes, "Normalization", [mean, variance, scalar])
            bag.take([mean, variance, scalar])
    return found


def _style_of(bag: Bag, style: Style, places: list[int], bodies: int) -> Style:
    """The style of the network, unless vectors of this length are over then."""
    if not counts(style, len(places), bodies)[2]:
        return style
    return min(STYLES, key=lambda s: style_cost(bag, s, places, bodies))


def _style_margin(bag: Bag, style: Style, places: list[int], bodies: int) -> float:
    """By how much the next best style is dearer for these vectors."""
    own = style_cost(bag, style, places, bodies)
    return max(0.0, min(style_cost(bag, s, places, bodies) for s in STYLES if s is not style) - own)


def _add_norms(
    bag: Bag,
    style: Style,
    dealt: Dealt,
    bodies: list[Body],
    layers: list[Layer],
    owner: dict[int, int],
    placed: list[Placed],
) -> None:
    """The norms of one width as layers; those with gamma and beta are put together when all widths are known."""
    for i, norm in enumerate(dealt.norms):
        feeder = dealt.follows[i] if dealt.follows else -1
        body = bodies[feeder] if feeder >= 0 else None
        if style.roles == STYLES[0].roles:
            gamma, beta, mean, variance = norm
            placed.append(Placed(gamma, beta, mean, variance, body, dealt.biases.get(feeder, -1)))
            continue
        layers += _layers(bag.shapes, style.type, norm)
        if body is not None:
            owner[norm[0]] = body.places[0]


def _layers(shapes: Sequence[Shape], kind: str, places: Sequence[int], wraps: str = "") -> list[Layer]:
    """One layer, or its arrays one by one if no form of that type has their shapes."""
    chosen = [shapes[i] for i in places]
    for form in FORMS:
        if form.type == kind and form.wraps == wraps and not form.keras_1 and len(form.arrays) == len(places):
            sizes = fit(form, chosen)
            if sizes is not None:
                return [Layer(form, tuple(places), sizes)]
    return [Layer(None, (place,)) for place in places]


def _real(swaps: Sequence[Exchange], looks: Callable[[int], Look]) -> list[Exchange]:
    """Exchanges that change something: constant vectors of one value are the same. One with itself is pure doubt."""

    def same(swap: Exchange) -> bool:
        value = looks(swap.first).constant
        return swap.first != swap.second and value is not None and value == looks(swap.second).constant

    return [swap for swap in swaps if not same(swap)]


def _readings(best: Reading, doubts: dict[int, float], swaps: list[Exchange], count: int) -> list[Reading]:
    """The best reading, and those that exchange two arrays, cheapest first."""
    swaps.sort(key=lambda s: s.cost)
    cheapest: dict[int, float] = {}
    for swap in swaps:
        for place in (swap.first, swap.second):
            cheapest.setdefault(place, swap.cost)
    margins = tuple(
        min(doubts.get(layer.places[0], 99.0), *(cheapest.get(place, 99.0) for place in layer.places), 99.0)
        for layer in best.layers
    )
    none = ((),) * len(margins)
    found = [replace(best, margins=margins, others=none)]
    moves = [
        (swap.cost, {swap.first: swap.second, swap.second: swap.first}) for swap in swaps if swap.first != swap.second
    ]
    moves = moves[: count - 1]
    moves += [(TURNED, _turned(layer)) for layer in best.layers if layer.form is not None and layer.form.wraps]
    for cost, other in sorted(moves, key=lambda move: move[0])[: count - 1]:
        changed = tuple(replace(layer, places=tuple(other.get(p, p) for p in layer.places)) for layer in best.layers)
        found.append(Reading(changed, best.cost + cost, best.whole + cost, margins, none))
    return found
