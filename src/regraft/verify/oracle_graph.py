"""Every tensor of a Keras model, not only its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regraft.verify.subject import Spot


class Capture:
    """
    A Keras model that returns every tensor of its graph, nested models opened.

    Attributes:
        spots: What each returned tensor is; calls are counted among those that the graph uses.
        graph: The functional graph.
        nodes: Its calls in order, each with the number of its first spot.
        opened: Of a nested model the capture inside, and the number of its first spot, by the id of the call.
    """

    def __init__(self, keras: Any, model: Any) -> None:
        # A Sequential model of Keras 3 keeps its graph in a functional model inside.
        self.graph = graph = getattr(model, "_functional", None) or model
        self.spots: list[Spot] = []
        self.nodes: list[tuple[Any, Any, int]] = []
        self.opened: dict[int, tuple[Capture, int]] = {}
        self.inner: list[tuple[Capture, list[int]]] = []
        symbols: list[Any] = list(graph.inputs)
        place = {id(tensor): i for i, tensor in enumerate(symbols)}
        self.first = len(symbols)
        opened: list[tuple[Any, Any, Spot, list[int]]] = []
        for node, operation, call in nodes_of(graph):
            outputs = flat(node.outputs)
            self.nodes.append((node, operation, len(self.spots)))
            for index, tensor in enumerate(outputs):
                self.spots.append(Spot((operation.name,), (call,), index))
                # The same tensor may leave a graph twice; as a list of outputs it is asked for once a spot.
                place[id(tensor)] = len(symbols)
                symbols.append(tensor)
            if getattr(operation, "layers", None) and is_model(operation):
                opened.append((node, operation, Spot((operation.name,), (call,)), [id(t) for t in entering(node)]))
        for node, operation, spot, arriving in opened:
            if not all(key in place for key in arriving):
                continue
            capture = Capture(keras, operation)
            self.inner.append((capture, [place[key] for key in arriving]))
            self.opened[id(node)] = (capture, len(self.spots))
            self.spots += [Spot(spot.layers + s.layers, spot.calls + s.calls, s.index) for s in capture.spots]
        outputs = symbols[self.first :]
        self.model = keras.Model(list(graph.inputs), outputs) if outputs else None

    def __call__(self, inputs: Sequence[Any]) -> list[Any]:
        """The tensors of ``spots``, in order, for the model's inputs."""
        if self.model is None:
            return []
        values = self.model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
        values = flat(values)
        known = [*inputs, *values]
        found = list(values)
        for capture, arriving in self.inner:
            found += capture([known[place] for place in arriving])
        return found


def nodes_of(graph: Any) -> list[tuple[Any, Any, int]]:
    """The calls of a functional graph: node, layer or operation, and its number among the layer's calls in this graph."""
    own = [node for nodes in graph._nodes_by_depth.values() for node in nodes if not node.is_input]
    found: list[tuple[Any, Any, int]] = []
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input:
                continue
            operation = operation_of(node)
            made = [n for n in operation._inbound_nodes if any(n is o for o in own)]
            found.append((node, operation, next(i for i, n in enumerate(made) if n is node)))
    return found


def entering(node: Any) -> list[Any]:
    """The symbolic tensors that a model receives as its inputs."""
    return flat(node.input_tensors if hasattr(node, "input_tensors") else node.keras_inputs)


def operation_of(node: Any) -> Any:
    """What a node calls: ``operation`` in Keras 3, ``layer`` in tf-keras."""
    return node.operation if hasattr(node, "operation") else node.layer


def is_model(layer: Any) -> bool:
    """Whether a layer is a model with a graph of its own."""
    return hasattr(layer, "_nodes_by_depth") or getattr(layer, "_functional", None) is not None


def flat(value: Any) -> list[Any]:
    """Tensors in a structure, as a list."""
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in flat(item)]
    if isinstance(value, dict):
        return [tensor for key in sorted(value) for tensor in flat(value[key])]
    return [] if value is None else [value]
