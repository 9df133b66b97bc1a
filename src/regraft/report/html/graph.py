"""The graph as data for the page: nodes, layers, and which of them are folded into one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from regraft.report.graph import LABELS
from regraft.report.html.bounds import MOST_NODES
from regraft.report.html.folding import Group, Item, Unit, flat, fold, title
from regraft.report.html.text import name
from regraft.report.printable import plural, shape_words
from regraft.report.value import NodeRow

Scopes = dict[int, list[Any]]


def graph_data(nodes: Sequence[NodeRow], failing: set[str]) -> dict[str, Any] | None:
    """
    What the page draws; None if there are too many nodes.

    Args:
        nodes: The rows of the report.
        failing: Names of layers that differ from Keras.

    Returns:
        ``layers``: name, type, label, whether it differs. ``nodes``: layer, call, shape, inputs, the node that holds it
        or -1, outputs. ``scopes``: for every model, by its node or -1, its nodes in order, folded: a node is a number,
        a group a list of kind, title, layer, shape, label, whether something in it differs, and members.
    """
    if not nodes or len(nodes) > MOST_NODES:
        return None
    place = layer_places(nodes)
    first = {node.layer: node for node in reversed(nodes)}
    return {
        "layers": [
            [name(layer), name(node.type), label_of(node), layer in failing]
            for layer, node in ((layer, first[layer]) for layer in place)
        ],
        "nodes": [
            [
                place[n.layer],
                n.call,
                shape_words(n.output_shape),
                n.inputs,
                -1 if n.inside is None else n.inside,
                n.outputs,
            ]
            for n in nodes
        ],
        "scopes": scopes(nodes, failing),
    }


def layer_places(nodes: Sequence[NodeRow]) -> dict[str, int]:
    """Every layer with its number, in the order in which they are first called."""
    return {layer: i for i, layer in enumerate(dict.fromkeys(node.layer for node in nodes))}


def label_of(node: NodeRow) -> str:
    """How sure a layer is, or that it is a placeholder."""
    return "placeholder" if node.placeholder else node.label


def scopes(nodes: Sequence[NodeRow], failing: set[str]) -> Scopes:
    """The folded nodes of the model, by -1, and of every model inside it, by its node."""
    held: dict[int, list[int]] = {}
    for number, node in enumerate(nodes):
        held.setdefault(-1 if node.inside is None else node.inside, []).append(number)
    return {scope: folded(nodes, members, failing) for scope, members in held.items()}


def folded(nodes: Sequence[NodeRow], members: Sequence[int], failing: set[str]) -> list[Any]:
    """The nodes of one model, folded."""
    local = {number: i for i, number in enumerate(members)}
    seen: Mapping[str, NodeRow] = {nodes[n].layer: nodes[n] for n in reversed(members)}
    units = [
        Unit(
            nodes[n].layer,
            nodes[n].type,
            repr((nodes[n].type, seen[nodes[n].layer].settings, nodes[n].output_shape)),
            tuple(local[source] for source, _ in nodes[n].inputs if source in local),
        )
        for n in members
    ]
    return [drawn(nodes, members, units, item, failing) for item in fold(units)]


def rest(first: str, last: str) -> str:
    """
    What the last name of a row says that the first does not.

    >>> rest("conv2_block2", "conv2_block10"), rest("Conv2D block", "Dense block")
    ('10', 'Dense block')
    """
    ends = [re.fullmatch(r"(.*?)(\d+)", name) for name in (first, last)]
    return ends[1][2] if ends[0] and ends[1] and ends[0][1] == ends[1][1] else last


def drawn(
    nodes: Sequence[NodeRow], members: Sequence[int], units: Sequence[Unit], item: Item, failing: set[str]
) -> Any:
    """One node, or one group with what is seen of it while it is closed."""
    if not isinstance(item, Group):
        return members[item]
    inner = list(flat((item,)))
    rows = [nodes[members[i]] for i in inner]
    labels = [label_of(row) for row in rows]
    worst = max(labels, key=(*LABELS, "placeholder").index)
    called = title([row.layer for row in rows], [row.type for row in rows])
    size = plural(len(inner), "layer")
    if item.kind == "repeat":
        count, each = len(item.members), len(inner) // len(item.members)
        ends = [title([row.layer for row in part], [row.type for row in part]) for part in (rows[:each], rows[-each:])]
        called = f"{count} \u00d7 {ends[0]}" if ends[0] == ends[1] else f"{ends[0]} \u2026 {rest(ends[0], ends[1])}"
        size = f"{count} \u00d7 {plural(each, 'layer')}"
    return [
        item.kind,
        name(called),
        size,
        shape_words(rows[-1].output_shape),
        worst,
        any(row.layer in failing for row in rows),
        [drawn(nodes, members, units, member, failing) for member in item.members],
    ]
