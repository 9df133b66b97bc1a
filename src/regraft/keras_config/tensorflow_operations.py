"""
Operations of tf.keras: ``TFOpLambda``, ``SlicingOpLambda``, ``TensorFlowOpLayer``.

They name a function of TensorFlow, or hold a node of its graph, with all arguments in the call. The tables of
``regraft.layers.operations`` say which operation that is; nothing is looked up by a name from the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from regraft.blueprint import Call, LayerSpec, TensorRef, refs_in
from regraft.errors import UnknownLayerError, quote
from regraft.keras_config.nodes import Node
from regraft.keras_config.scope import Scope
from regraft.layers import CATALOGUE, KerasVersion, Layer, Reading, spec_of
from regraft.layers.operations import REFUSED_FUNCTIONS, Operation
from regraft.layers.operations.signature import Signature

SLICING = "__operators__.getitem"
Known = dict[str, list[tuple[Signature, type[Operation]]]]


@cache
def known() -> tuple[Known, Known]:
    """The operations by function, and by kind of node."""
    functions: Known = {}
    nodes: Known = {}
    for cls in CATALOGUE.values():
        if issubclass(cls, Operation):
            for table, texts in ((functions, cls.functions), (nodes, cls.nodes)):
                for signature in map(Signature.parse, texts):
                    table.setdefault(signature.function, []).append((signature, cls))
    return functions, nodes


def translated(
    entry: Mapping[str, Any], spec: LayerSpec, nodes: list[Node], scope: Scope
) -> tuple[LayerSpec, list[Node]]:
    """
    A layer of one of these classes as an operation, its calls with the arguments of Keras.

    What cannot be translated stays the placeholder that it is, with the reason.
    """
    config = cast("Mapping[str, Any]", entry.get("config") or {})
    try:
        found = [operation(entry.get("class_name"), config, node, scope) for node in nodes]
        if not found or any(layer != found[0][0] for layer, _ in found):
            raise UnknownLayerError("it is called with other settings each time, or not at all")
    except (UnknownLayerError, TypeError, ValueError, LookupError, AttributeError) as error:
        return LayerSpec(spec.name, spec.type, {}, spec.trainable, f"{described(entry, config)}: {error}"), nodes
    calls = [Node((), values, False, node.place) for (_, values), node in zip(found, nodes, strict=True)]
    return spec_of(spec.name, found[0][0]), calls


def described(entry: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """The operation in words."""
    node = config.get("node_def")
    name = config.get("function", cast("Mapping[str, Any]", node).get("op") if isinstance(node, Mapping) else None)
    return f"TensorFlow operation {quote(name or entry.get('name'))}"


def operation(class_name: Any, config: Mapping[str, Any], node: Node, scope: Scope) -> tuple[Layer, dict[str, Any]]:
    """One call as an operation and the arguments of its call."""
    if class_name == "TensorFlowOpLayer":
        name, positional, named = graph_node(config, node)
        candidates = known()[1].get(name, [])
    else:
        name, named = config.get("function"), {k: v for k, v in node.kwargs.items() if k != "name"}
        first = node.args[0] if node.args else ()
        positional = [] if first == () else [first]
        candidates = known()[0].get(name, []) if isinstance(name, str) else []
    if not candidates:
        raise UnknownLayerError(REFUSED_FUNCTIONS.get(str(name), "it is not in the catalogue"))
    reasons: list[str] = []
    for signature, cls in candidates:
        values = signature.fitted(positional, named)
        if values is None:
            said = ", ".join(f"{key} = {value!r}" for key, value in named.items())
            reasons.append(f"not known with {len(positional)} tensors first and the arguments {quote(said)}")
            continue
        try:
            return settled(cls, cls.read_arguments(cls.from_tensorflow(values)), scope)
        except (UnknownLayerError, TypeError, ValueError, LookupError) as error:
            reasons.append(str(error))
    raise UnknownLayerError(reasons[-1])


def settled(cls: type[Operation], values: dict[str, Any], scope: Scope) -> tuple[Layer, dict[str, Any]]:
    """The operation with its settings, and what its call is given."""
    given = {k: v for k, v in values.items() if k in cls.call_arguments}
    settings = {k: v for k, v in values.items() if k not in given}
    for name, value in settings.items():
        if list(refs_in(value)):
            raise UnknownLayerError(f"its {name} is computed by the model")

    def nothing(_: Mapping[str, Any]) -> Any:
        raise UnknownLayerError("an operation holds no layers")

    layer = cls.from_keras(Reading(KerasVersion(3, 15), settings, nothing, nothing))
    del scope
    return layer, given


def graph_node(config: Mapping[str, Any], node: Node) -> tuple[str, list[Any], dict[str, Any]]:
    """The kind of a node, its inputs with constants in their places, and its attributes."""
    held = config.get("node_def")
    if isinstance(held, str) and held.lstrip().startswith("{"):
        held = json.loads(held)
    if not isinstance(held, Mapping):
        raise UnknownLayerError("its node is not written as JSON")
    definition = cast("Mapping[str, Any]", held)
    constants = {int(k): frozen(v) for k, v in cast("Mapping[str, Any]", config.get("constants") or {}).items()}
    first = node.args[0] if node.args else ()
    tensors = list(cast("tuple[Any, ...]", first) if isinstance(first, tuple) else (first,))
    count = len([name for name in definition.get("input", ()) if not str(name).startswith("^")])
    positional = [constants[i] if i in constants else tensors.pop(0) for i in range(count)]
    attributes = {k: attribute(v) for k, v in cast("Mapping[str, Any]", definition.get("attr") or {}).items()}
    said = {
        k: v for k, v in attributes.items() if not (k.startswith(("T", "_", "out_", "SrcT", "N")) and k != "Truncate")
    }
    return str(definition.get("op")), positional, {k: v for k, v in said.items() if k not in TYPES}


#: Attributes that name dtypes or hints, and change nothing.
TYPES = frozenset(
    "dtype output_type index_type Index Tdim explicit_paddings element_shape grad_a grad_b grad_x grad_y".split()
)


def attribute(value: Any) -> Any:
    """The value of an attribute as protobuf writes it in JSON."""
    ((kind, held),) = value.items()
    if kind == "list":
        return tuple(int(n) for n in held.get("i", ())) if isinstance(held, Mapping) else ()  # type: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if kind == "s":
        import base64

        return base64.b64decode(held).decode()
    return int(held) if kind == "i" else float(held) if kind == "f" else held


def frozen(value: Any) -> Any:
    """Lists as tuples."""
    return tuple(frozen(item) for item in cast("list[Any]", value)) if isinstance(value, list) else value


def written_layer(layer: Operation, name: str) -> dict[str, Any]:
    """The entry of tf.keras for an operation."""
    function = Signature.parse(layer.functions[0]).function
    class_name = "SlicingOpLambda" if function == SLICING else "TFOpLambda"
    return {
        "class_name": class_name,
        "config": {"name": name, "trainable": True, "dtype": "float32", "function": function},
    }


def written_call(layer: Operation, call: Call) -> tuple[Any, dict[str, Any]]:
    """The first argument of the function, and the others by name."""
    first = call.inputs if layer.listed or len(call.inputs) != 1 else call.inputs[0]
    values = {**({layer.call_arguments[0]: first} if call.inputs else {}), **call.arguments}
    settings = layer.to_keras(KerasVersion(3, 15))
    values = layer.to_tensorflow(layer.write_arguments({**settings, **values}, modern=False))
    named = Signature.parse(layer.functions[0]).arguments(values)
    name = next(iter(named))
    return named.pop(name), named


def tensors_of(value: Any) -> Iterator[TensorRef]:
    """Every tensor in an argument."""
    yield from refs_in(value)
