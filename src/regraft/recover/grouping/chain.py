"""The layers of a bag in the most plausible order: each time the one that continues the last one best."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from regraft.recover.grouping.habits import priors, together
from regraft.recover.grouping.links import START, State, Widths, link_cost, outputs, shape_cost, states_after
from regraft.recover.grouping.ordered import roles_cost
from regraft.recover.grouping.reading import Layer, Reading
from regraft.recover.grouping.vectors import Look


def chained(layers: Sequence[Layer], widths: Widths, follows: Mapping[int, int]) -> list[Layer]:
    """
    Layers in an order in which each continues the one before, as far as channels tell.

    Args:
        layers: In any order.
        widths: Channel counts that occur at all.
        follows: For a norm, by its place in ``layers``, the layer that feeds it.
    """
    norm_of = {feeder: norm for norm, feeder in follows.items()}
    waiting: dict[object, deque[int]] = {}
    for i, layer in enumerate(layers):
        if norm_of.get(follows.get(i, -1)) != i:
            waiting.setdefault((layer.form, tuple(layer.sizes.values())), deque()).append(i)
    found: list[Layer] = []
    state = START
    while waiting:
        # Layers of one form and size are as good as each other.
        kind = min(waiting, key=lambda kind: _step(layers[waiting[kind][0]], state, widths))
        i = waiting[kind].popleft()
        if not waiting[kind]:
            del waiting[kind]
        while i >= 0:
            found.append(layers[i])
            state, i = after(layers[i], state), norm_of.get(i, -1)
    return found


def _step(layer: Layer, state: State, widths: Widths) -> float:
    """How badly a layer continues what came before it."""
    if layer.form is None:
        return 99.0
    cost = link_cost(layer.form, layer.sizes, state, widths, widths.end)
    if not state.channels and layer.form.link == "mixes":
        # What no other layer gives comes from outside; maps of one or three channels most likely of all.
        wanted = layer.sizes.get("cin", 0)
        cost += (2.0 if wanted in widths.outputs else 0.0) - (1.0 if wanted in (1, 3) else 0.0)
    return cost


def after(layer: Layer, state: State) -> State:
    """What most likely leaves a layer."""
    states = (
        [] if layer.form is None else states_after(layer.form, layer.sizes, outputs(layer.form, layer.sizes), state)
    )
    return states[0][0] if states else state


def priced(
    layers: Sequence[Layer], shapes: Sequence[tuple[int, ...]], looks: Callable[[int], Look], unknown: float
) -> Reading:
    """
    What layers in this order cost, by the same measure as a reading of an ordered list.

    Args:
        layers: In the order that is assumed.
        shapes: Of all arrays, in the order of the file.
        looks: The values of an array at a glance.
        unknown: Cost of an array without a layer.
    """
    widths = Widths([shapes[i] for layer in layers for i in layer.places])
    expected = priors(layers)
    found: list[Layer] = []
    total, state, place = 0.0, START, 0
    for layer in layers:
        cost = unknown
        if layer.form is not None:
            cost = expected[layer.form] + roles_cost(layer.form, layer.places, looks)
            cost += shape_cost(layer.form, layer.sizes, widths, place)
            cost += link_cost(layer.form, layer.sizes, state, widths, place)
        state = after(layer, state)
        found.append(replace(layer, cost=cost))
        total, place = total + cost, place + len(layer.places)
    apart = sum(expected[layer.form] for layer in layers if layer.form is not None)
    return Reading(tuple(found), total, total - apart + together(layers))
