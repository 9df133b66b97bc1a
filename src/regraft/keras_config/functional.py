"""Functional models: named layers, and for every call of a layer the tensors it receives."""

from __future__ import annotations

from typing import Any

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef, all_refs
from regraft.errors import quote
from regraft.keras_config.layer import TENSORFLOW_OPERATIONS, read_layer
from regraft.keras_config.multi_gpu import unwrapped
from regraft.keras_config.nodes import Node, call_of, read_node
from regraft.keras_config.operations import refused
from regraft.keras_config.place import Place
from regraft.keras_config.references import Graph, flat_triples, nested_bases, output_bases
from regraft.keras_config.scope import Scope
from regraft.keras_config.tensorflow_operations import translated


def read_functional(config: dict[str, Any], scope: Scope, place: Place, name: str = "") -> Blueprint:
    """
    Read the config of a functional model.

    Raises:
        ConfigError: If layers, nodes, inputs or outputs are missing, malformed, or name each other wrongly.
    """
    name = name or (place / "name").name(config.get("name", "model"))
    specs, nodes = read_layers(config, scope, place / "layers")
    graph = Graph(specs, {layer: len(found) for layer, found in nodes.items()})
    read = {layer: [read_node(value, graph, here) for value, here in found] for layer, found in nodes.items()}
    for entry in config["layers"]:
        if (layer := entry.get("name", "")) in specs and specs[layer].type in TENSORFLOW_OPERATIONS:
            specs[layer], read[layer] = translated(entry, specs[layer], read[layer], scope)
    inputs = list(flat_triples(config.get("input_layers"), graph, place / "input_layers"))
    ends = list(flat_triples(config.get("output_layers"), graph, place / "output_layers"))
    if not ends:
        raise (place / "output_layers").error("the model has no outputs")
    calls, outputs = connect(graph, read, ends)
    refused(specs, calls)
    for ref, here in inputs:
        if specs[ref.layer].type != "InputLayer":
            raise here.error(f"layer {quote(ref.layer)} is no InputLayer")
    entered = tuple(TensorRef(ref.layer, 0, ref.index) for ref, _ in inputs)
    found = Blueprint(name, tuple(specs.values()), calls, entered, outputs, keras_version=scope.version_text)
    return unwrapped(found, config, scope)


def read_layers(
    config: dict[str, Any], scope: Scope, place: Place
) -> tuple[dict[str, LayerSpec], dict[str, list[tuple[Any, Place]]]]:
    """The layers by name, and for each the JSON of its calls with their places."""
    specs: dict[str, LayerSpec] = {}
    nodes: dict[str, list[tuple[Any, Place]]] = {}
    for i, item in enumerate(place.items(config.get("layers"))):
        here = place / i
        entry = here.mapping(item)
        inner = entry.get("config")
        name = (here / "name").name(entry.get("name", inner.get("name") if isinstance(inner, dict) else None))
        if name in specs:
            raise here.error(f"two layers are named {quote(name)}")
        specs[name] = read_layer(entry, scope, here, name=name)
        calls = here / "inbound_nodes"
        nodes[name] = [(value, calls / j) for j, value in enumerate(calls.items(entry.get("inbound_nodes") or []))]
        if nodes[name] and specs[name].type == "InputLayer":
            raise calls.error(f"the InputLayer {quote(name)} receives a tensor")
    return specs, nodes


def connect(
    graph: Graph, nodes: dict[str, list[Node]], ends: list[tuple[TensorRef, Place]]
) -> tuple[tuple[Call, ...], tuple[TensorRef, ...]]:
    """The calls in the order of the layers, and the outputs, with the calls of nested models counted from 0."""
    every = [node for found in nodes.values() for node in found]
    used = [ref for node in every for ref in node.refs]
    if any(node.modern for node in every):
        inner: dict[str, int] = {}
        outer = output_bases(graph, [ref for ref, _ in ends])
    else:
        inner = outer = nested_bases(graph, [*used, *(ref for ref, _ in ends)])
    calls: list[Call] = []
    for layer, found in nodes.items():
        for number, node in enumerate(found):
            settled = {ref: graph.settle(ref, inner, node.place) for ref in node.refs}
            calls.append(call_of(node, graph.specs[layer], number, settled))
    outputs = tuple(graph.settle(ref, outer, here) for ref, here in ends)
    return with_sources(graph, calls, outputs), outputs


def with_sources(graph: Graph, calls: list[Call], outputs: tuple[TensorRef, ...]) -> tuple[Call, ...]:
    """A call for layers that give a tensor but receive none, which Keras does not list."""
    used = {ref.layer for call in calls for ref in all_refs(call)} | {ref.layer for ref in outputs}
    silent = [n for n, count in graph.calls.items() if not count and n in used and graph.specs[n].type != "InputLayer"]
    if not silent:
        return tuple(calls)
    place = {name: i for i, name in enumerate(graph.specs)}
    return tuple(sorted([*calls, *(Call(n, ()) for n in silent)], key=lambda call: place[call.layer]))
