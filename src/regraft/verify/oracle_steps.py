"""A Keras graph run call by call: each tensor is shown when it is made, and let go when nothing needs it any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from regraft.verify.oracle_graph import Capture, entering, flat

Made = tuple[int, Any]


def walk(capture: Capture, inputs: Sequence[Any]) -> Iterator[Made]:
    """
    Every tensor of ``capture.spots`` by its number, in the order in which they are made.

    Nested models are walked too. Only what a later call takes is held.

    Args:
        capture: The graph.
        inputs: Tensors of TensorFlow for the inputs of the model, in order.
    """
    yield from Walk(capture, inputs).steps()


class Walk:
    """
    One run of a graph.

    Attributes:
        held: Tensors that a later call takes, or that the graph returns, by the id of their symbol.
        outputs: What the graph returns, once it has run.
    """

    def __init__(self, capture: Capture, inputs: Sequence[Any]) -> None:
        self.capture, graph = capture, capture.graph
        self.outputs: list[Any] = []
        self.uses = Counter(id(symbol) for node, _, _ in capture.nodes for symbol in symbols_of(node))
        self.uses.update(id(symbol) for symbol in graph.outputs)
        values = conformed(graph, inputs)
        self.held = {id(symbol): value for symbol, value in zip(graph.inputs, values, strict=True)}

    def steps(self) -> Iterator[Made]:
        """Run the calls in order."""
        for node, operation, first in self.capture.nodes:
            arguments, named = self.arguments(node)
            inside = self.capture.opened.get(id(node))
            walked = None if inside is None else Walk(inside[0], [self.held[id(s)] for s in entering(node)])
            if inside is not None and walked is not None:
                for number, tensor in walked.steps():
                    yield inside[1] + number, tensor
            same = walked is not None and is_plain(arguments, named)
            made = walked.outputs if walked and same else flat(call(operation, arguments, named))
            walked = tensor = arguments = named = None
            self.let_go(node)
            for index, (symbol, tensor) in enumerate(zip(flat(node.outputs), made, strict=True)):
                if self.uses[id(symbol)]:
                    self.held[id(symbol)] = tensor
                yield first + index, tensor
            made = tensor = None
        self.outputs = [self.held[id(symbol)] for symbol in self.capture.graph.outputs]
        self.held.clear()

    def arguments(self, node: Any) -> tuple[Any, dict[str, Any]]:
        """What a call takes, with tensors in the place of symbols."""
        if hasattr(node, "arguments"):
            arguments, named = node.arguments.fill_in(self.held)
        else:  # tf-keras takes a tensor off a list each time it is needed
            symbols = symbols_of(node)
            arguments, named = node.map_arguments({str(id(s)): [self.held[id(s)]] * len(symbols) for s in symbols})
        return arguments, named

    def let_go(self, node: Any) -> None:
        """Drop what this call was the last to take."""
        for symbol in symbols_of(node):
            self.uses[id(symbol)] -= 1
            if not self.uses[id(symbol)]:
                self.held.pop(id(symbol), None)


def symbols_of(node: Any) -> list[Any]:
    """The symbolic tensors that a call takes, anywhere in its arguments."""
    return flat(node.keras_inputs if hasattr(node, "keras_inputs") else node.input_tensors)


def is_plain(arguments: Any, named: dict[str, Any]) -> bool:
    """Whether a nested model gets its inputs and nothing else, so that walking it is calling it; masks change its own."""
    return all(value is None for value in named.values()) and not any(
        getattr(tensor, "_keras_mask", None) is not None for tensor in flat(arguments)
    )


def conformed(graph: Any, inputs: Sequence[Any]) -> list[Any]:
    """Inputs in the rank and dtype of the graph's own, as the model brings them before it runs."""
    if hasattr(graph, "_conform_to_reference_input"):
        return [
            graph._conform_to_reference_input(x, ref_input=ref) for x, ref in zip(inputs, graph.inputs, strict=True)
        ]
    if hasattr(graph, "_adjust_input_rank"):
        return flat(graph._adjust_input_rank(list(inputs)))
    return list(inputs)


def call(operation: Any, arguments: Any, named: dict[str, Any]) -> Any:
    """
    Call a layer or operation for inference.

    What TensorFlow's plain kernels on a CPU lack in float64, its compiler XLA mostly has.
    """
    import tensorflow as tf

    knows_training = "training" in getattr(operation, "_call_context_args", {}) or getattr(
        operation, "_call_has_training_arg", False
    )
    if knows_training and named.get("training") is None:
        named = {**named, "training": False}
    try:
        return operation(*arguments, **named)
    except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError) as plain:
        try:
            return tf.function(lambda: operation(*arguments, **named), jit_compile=True, autograph=False)()
        except Exception:
            raise plain from None


__all__ = ["Walk", "walk"]
