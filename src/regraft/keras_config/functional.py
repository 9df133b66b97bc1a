"""Functional models: named layers, and for every call of a layer the tensors it receives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from regraft.blueprint import Blueprint, Call, LayerSpec, Setting, TensorRef
from regraft.errors import quote
from regraft.keras_config.layer import read_layer
from regraft.keras_config.nodes import Arguments, read_node
from regraft.keras_config.place import Place
from regraft.keras_config.references import Graph, nested_refs
from regraft.keras_config.scope import Scope


def read_functional(config: dict[str, Any], scope: Scope, place: Place, name: str = "") -> Blueprint:
    """
    Read the config of a functional model.

    Raises:
        ConfigError: If layers, nodes, inputs or outputs are missing, malformed, or name each other wrongly.
    """
    name = name or (place / "name").name(config.get("name", "model"))
    here = place / "layers"
    entries = [(here / i).mapping(entry) for i, entry in enumerate(here.items(config.get("layers")))]
    names = [layer_name(entry, here / i) for i, entry in enumerate(entries)]
    if len(set(names)) != len(names):
        raise here.error(f"two layers are named {quote(next(n for n in names if names.count(n) > 1))}")
    specs = {n: read_layer(entry, scope, here / i, name=n) for i, (n, entry) in enumerate(zip(names, entries, strict=True))}
    node_lists = [(here / i / "inbound_nodes").items(entry.get("inbound_nodes") or []) for i, entry in enumerate(entries)]
    for i, (spec, nodes) in enumerate(zip(specs.values(), node_lists, strict=True)):
        if spec.type == "InputLayer" and nodes:
            raise (here / i).error(f"the InputLayer {quote(spec.name)} receives a tensor")
    graph = Graph(specs, {n: len(nodes) for n, nodes in zip(names, node_lists, strict=True)})
    calls: list[Arguments] = []
    for i, (n, nodes) in enumerate(zip(names, node_lists, strict=True)):
        for j, node in enumerate(nodes):
            calls.append(read_node(node, specs[n], j, graph, here / i / "inbound_nodes" / j))
    inputs = tuple(nested_refs(config.get("input_layers"), graph, place / "input_layers"))
    ends = tuple(nested_refs(config.get("output_layers"), graph, place / "output_layers"))
    if not ends:
        raise (place / "output_layers").error("the model has no outputs")
    base = graph.bases([ref for call in calls for ref in call.refs], ends, separate=any(isinstance(n, dict) for ns in node_lists for n in ns))
    finished = [call.finish(specs, graph, base) for call in calls]
    outputs = tuple(graph.settled(ref, base.outputs, place / "output_layers") for ref in ends)
    entered = tuple(graph.settled(ref, base.outputs, place / "input_layers") for ref in inputs)
    for ref in entered:
        if specs[ref.layer].type != "InputLayer":
            raise (place / "input_layers").error(f"layer {quote(ref.layer)} is no InputLayer")
    finished += constants(specs, finished, outputs)
    in_order = {n: i for i, n in enumerate(names)}
    finished.sort(key=lambda call: (in_order[call.layer], call.call))
    return Blueprint(name, tuple(specs.values()), tuple(finished), entered, outputs, keras_version=scope.version_text)
