"""Numbers that are added and multiplied before anything else: what prepares an input is no unit if the other side has none."""

from __future__ import annotations

from dataclasses import replace

from regraft.graft.network import Network, Node, Step, Way
from regraft.graft.unit import POINTWISE


def fronts(network: Network) -> dict[int, tuple[object, ...]]:
    """Places of such units behind an input, and what two of them must have in common to be the same."""
    found: dict[int, tuple[object, ...]] = {}
    for place, node in enumerate(network.nodes):
        if node.unit is None or node.kind not in POINTWISE or len(node.before) != 1:
            continue
        if "other" not in node.unit.use.settings:
            continue  # more numbers than one for each channel of an image: learned ones, such as positions
        source = node.before[0].source
        if network.nodes[source].kind == "input" or source in found:
            found[place] = (*node.label, *sorted(node.unit.parameters))
    return found


def without_fronts(source: Network, target: Network) -> tuple[Network, Network]:
    """
    Both networks with those units as steps, where the two do not have the same ones.

    A module takes its input as it is, or prepares it in its own way, more often than it has a place for a layer of Keras that
    does. Places of nodes stay as they are.
    """
    ours, theirs = fronts(source), fronts(target)
    if sorted(map(repr, ours.values())) == sorted(map(repr, theirs.values())):
        return source, target
    return as_steps(source, set(ours)), as_steps(target, set(theirs))


def as_steps(network: Network, places: set[int]) -> Network:
    """A network in which some units are steps on the way from what they take to what takes them."""
    nodes: list[Node] = []
    for place, node in enumerate(network.nodes):
        before = tuple(around(nodes, way, network, places) for way in node.before)
        if place in places:
            # kept, so that places stay: nothing takes it, and nothing pairs with it
            nodes.append(Node("front", before, f"{node.name} of {place}", None, node.shape))
        else:
            nodes.append(replace(node, before=before))
    return Network(tuple(nodes))


def around(nodes: list[Node], way: Way, network: Network, places: set[int]) -> Way:
    """A way past such a unit, with it as a step."""
    unit = network.nodes[way.source].unit
    if way.source not in places or unit is None:
        return way
    (first,) = nodes[way.source].before
    settings = {name: value for name, value in unit.use.settings.items() if name == "other"}
    shapes = (unit.use.shapes[0], unit.use.shape)
    return Way(first.source, (*first.steps, Step(unit.kind, settings, shapes, unit.use.module), *way.steps))
