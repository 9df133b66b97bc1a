"""One call of a layer in the JSON, in both forms of ``inbound_nodes``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

from regraft.blueprint import Blueprint, Call, LayerSpec, Setting, TensorRef, refs_in
from regraft.errors import UnknownLayerError
from regraft.keras_config.operations import operation_class
from regraft.keras_config.place import Place
from regraft.keras_config.references import Graph, is_triple
from regraft.layers import layer_class

#: Marks a constant among the tensors of a node: ``["_CONSTANT_VALUE", -1, 2.0, {}]``.
CONSTANT = "_CONSTANT_VALUE"


@dataclass(frozen=True)
class Node:
    """
    A call as written: values are JSON values with TensorRefs, whose calls are not settled yet.

    Attributes:
        args: Positional arguments.
        kwargs: Named arguments.
        modern: True in the form of Keras 3.
        place: Where it stands.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    modern: bool
    place: Place

    @property
    def refs(self) -> Iterator[TensorRef]:
        """Every tensor the call receives."""
        yield from refs_in((self.args, self.kwargs))


def read_node(value: Any, graph: Graph, place: Place) -> Node:
    """
    Read one entry of ``inbound_nodes``.

    Keras 3 writes ``{"args": [...], "kwargs": {...}}`` with ``__keras_tensor__`` objects inside; earlier versions write
    a list of ``[layer, call, output]`` or ``[layer, call, output, kwargs]``, from TensorFlow 2.3 on also one such entry
    or an object of them. The kwargs belong to the whole call and are repeated in every entry.

    Raises:
        ConfigError: If it has neither form.
    """
    if isinstance(value, dict) and "args" in value:
        args = modern((place / "args").items(value["args"]), graph, place / "args")
        kwargs = (place / "kwargs").mapping(value.get("kwargs") or {})
        return Node(args, {k: modern(v, graph, place / "kwargs" / k) for k, v in kwargs.items()}, True, place)
    found: dict[str, Any] = {}
    first = legacy_tensors(value, graph, place, found)
    if isinstance(first, tuple) and len(first) == 1:
        first = first[0]
    return Node((first,), found, False, place)


def is_entry(value: Any) -> TypeGuard[list[Any]]:
    """Whether a JSON value is ``[layer, call, output]`` with or without kwargs, or a constant in that place."""
    if not isinstance(value, list) or not 3 <= len(value) <= 4 or not isinstance(value[0], str):
        return False
    numbers = type(value[1]) is int and (type(value[2]) is int or value[0] == CONSTANT)
    return numbers and (len(value) == 3 or isinstance(value[3], dict | None))


def legacy_tensors(value: Any, graph: Graph, place: Place, kwargs: dict[str, Any]) -> Any:
    """The first argument of a call; the kwargs found on the way go into ``kwargs``."""
    if is_entry(value):
        if len(value) == 4 and value[3]:
            kwargs.update({k: legacy(v, graph, place / 3 / k) for k, v in value[3].items()})
        return legacy(value[2], graph, place / 2) if value[0] == CONSTANT else graph.read(value, place)
    if isinstance(value, dict):
        return {k: legacy_tensors(v, graph, place / k, kwargs) for k, v in value.items()}
    return tuple(legacy_tensors(v, graph, place / i, kwargs) for i, v in enumerate(place.items(value)))


def legacy(value: Any, graph: Graph, place: Place) -> Any:
    """A named argument before Keras 3: a triple that names a layer is a tensor."""
    if is_triple(value) and value[0] in graph.specs:
        return graph.read(value, place)
    return rebuilt(value, graph, place, legacy)


def modern(value: Any, graph: Graph, place: Place) -> Any:
    """An argument in Keras 3: tensors are ``__keras_tensor__`` objects."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        history = (place / "config").mapping(value.get("config")).get("keras_history")
        if not is_triple(history):
            raise (place / "config" / "keras_history").wrong("a layer name and two indices", history)
        return graph.read(history, place / "config" / "keras_history")
    if isinstance(value, dict) and value.get("class_name") in ("__numpy__", "__tensor__"):
        config = (place / "config").mapping(value.get("config"))
        return {"array": rebuilt(config.get("value"), graph, place, modern), "dtype": config.get("dtype")}
    return rebuilt(value, graph, place, modern)


def rebuilt(value: Any, graph: Graph, place: Place, read: Any) -> Any:
    """Lists as tuples, with everything inside read."""
    if isinstance(value, list):
        return tuple(read(v, graph, place / i) for i, v in enumerate(value))
    if isinstance(value, dict):
        return {k: read(v, graph, place / k) for k, v in value.items()}
    return value


def call_of(node: Node, spec: LayerSpec, number: int, settled: Mapping[TensorRef, TensorRef]) -> Call:
    """
    The call in the form of the blueprint.

    The tensors of the first positional argument are the inputs. Further positional arguments go under the name that
    the catalogue gives them (``call_arguments``), or their position: ``{"1": ...}``. None and ``training=False`` say
    nothing and are left out.
    """
    args = tuple(replaced(arg, settled) for arg in node.args)
    kwargs = {k: replaced(v, settled) for k, v in node.kwargs.items()}
    names = argument_names(spec)
    named = {names[i] if i < len(names) else str(i): arg for i, arg in enumerate(args)}
    name = names[0] if names else "0"
    first = args[0] if args else kwargs.get(name)
    inputs: tuple[TensorRef, ...] = ()
    if only_tensors(first):
        inputs = tuple(flattened(first, spec))
        for given in (named, kwargs):
            given.pop(name, None)
    given = {k: v for k, v in {**named, **kwargs}.items() if not is_empty(v) or k == "key"}
    if (cls := operation_class(spec.type)) is not None and not spec.unknown:
        given = cls.read_arguments(given)
    arguments = {k: v for k, v in given.items() if k != "training" or v is not False}
    return Call(spec.name, inputs, number, cast("dict[str, Setting]", arguments))


def argument_names(spec: LayerSpec) -> tuple[str, ...]:
    """The names of a layer's call arguments, where the catalogue states them."""
    try:
        return getattr(layer_class(spec.type), "call_arguments", ()) if not spec.unknown else ()
    except UnknownLayerError:
        return ()


def replaced(value: Any, settled: Mapping[TensorRef, TensorRef]) -> Any:
    """The value with every reference settled."""
    if isinstance(value, TensorRef):
        return settled[value]
    if isinstance(value, tuple):
        return tuple(replaced(item, settled) for item in value)
    if isinstance(value, dict):
        return {k: replaced(v, settled) for k, v in value.items()}
    return value


def is_empty(value: Any) -> bool:
    """Whether an argument says nothing: None, or a structure of None, as Keras 3 passes for missing masks."""
    if isinstance(value, tuple | dict):
        return all(map(is_empty, value.values() if isinstance(value, dict) else value))
    return value is None


def only_tensors(value: Any) -> bool:
    """Whether an argument is a tensor or a structure of tensors alone."""
    if isinstance(value, Mapping | tuple):
        items = value.values() if isinstance(value, Mapping) else value
        return all(only_tensors(item) for item in items)
    return isinstance(value, TensorRef)


def flattened(value: Any, spec: LayerSpec) -> Iterator[TensorRef]:
    """Tensors in the order in which Keras flattens them; a model that is given names takes its own order."""
    if isinstance(value, TensorRef):
        yield value
    elif isinstance(value, Mapping):
        model = spec.config.get("blueprint")
        order = [ref.layer for ref in model.inputs] if isinstance(model, Blueprint) else []
        for key in order if set(order) == set(value) else sorted(value):
            yield from flattened(value[key], spec)
    else:
        for item in value:
            yield from flattened(item, spec)
