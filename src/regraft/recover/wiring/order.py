"""The order in which Keras lists the layers of a functional model: by depth, then by a walk from the outputs."""

from __future__ import annotations

from regraft.blueprint import Blueprint, Call, all_refs

Node = tuple[str, int]


def model_order(blueprint: Blueprint) -> list[str]:
    """
    Layer names in the order of ``model.layers``.

    The depth of a call is one more than the largest depth among its consumers, 0 if there are none; a layer has the
    largest depth of its calls. Layers come deepest first, those of equal depth in the order in which a depth-first walk
    from the outputs, along the inputs of every call, meets them. Layers that no output needs are left out, except input
    layers, which then come before all others of depth 0.

    Source: ``map_graph`` in ``keras/src/ops/function.py`` (Keras 3), ``_map_graph_network`` in
    ``engine/network.py`` and ``engine/functional.py`` (Keras 2.x, tf.keras); the rule is the same in all of them.
    A Sequential model lists its layers in order and leaves the input layer out.
    """
    if blueprint.sequential:
        return [spec.name for spec in blueprint.layers if spec.type != "InputLayer"]
    calls = {(call.layer, call.call): call for call in blueprint.calls}
    finished, met = walk(blueprint, calls)
    depths: dict[Node, int] = {}
    layers: dict[str, int] = {}
    for node in reversed(finished):
        # A shared layer that was met deeper takes all its later calls down with it.
        depth = max(depths.get(node, 0), layers.get(node[0], 0))
        depths[node] = layers[node[0]] = depth
        for before in inputs_of(calls, node):
            depths[before] = max(depths.get(before, 0), depth + 1)
    for ref in blueprint.inputs:
        if ref.layer not in layers:
            layers[ref.layer], met[ref.layer] = 0, -1
    return sorted(layers, key=lambda name: (-layers[name], met[name]))


def walk(blueprint: Blueprint, calls: dict[Node, Call]) -> tuple[list[Node], dict[str, int]]:
    """All calls so that inputs come first, and for every layer when the walk from the outputs met it first."""
    finished: list[Node] = []
    done: set[Node] = set()
    met: dict[str, int] = {}
    for output in blueprint.outputs:
        todo: list[tuple[Node, bool]] = [((output.layer, output.call), False)]
        while todo:
            node, leaving = todo.pop()
            if leaving:
                finished.append(node)
                continue
            if node in done:
                continue
            done.add(node)
            met.setdefault(node[0], len(met))
            todo.append((node, True))
            todo += [(before, False) for before in reversed(inputs_of(calls, node))]
    return finished, met


def inputs_of(calls: dict[Node, Call], node: Node) -> list[Node]:
    """The calls whose tensors a call receives; none for an input layer."""
    call = calls.get(node)
    return [] if call is None else [(ref.layer, ref.call) for ref in all_refs(call)]
