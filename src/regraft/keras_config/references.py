"""How a model's JSON names a tensor: layer, call of that layer, output of that call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from regraft.blueprint import Blueprint, LayerSpec, TensorRef
from regraft.errors import quote
from regraft.keras_config.place import Place


@dataclass(frozen=True)
class Graph:
    """
    What references are checked against.

    Attributes:
        specs: The layers of the model by name.
        calls: How often the model calls each layer.
    """

    specs: Mapping[str, LayerSpec]
    calls: Mapping[str, int]

    def read(self, value: Any, place: Place) -> TensorRef:
        """
        A reference as written, before its call is settled.

        Raises:
            ConfigError: If it names no layer of this model.
        """
        name = place.name(value[0])
        if name not in self.specs:
            raise place.error(f"a tensor of layer {quote(name)} is used, but the model has no such layer")
        return TensorRef(name, place.index(value[1]), place.index(value[2]))

    def settle(self, ref: TensorRef, bases: Mapping[str, int], place: Place) -> TensorRef:
        """
        The reference with its calls counted from 0.

        Raises:
            ConfigError: If the layer is not called that often.
        """
        call = ref.call - bases.get(ref.layer, 0)
        if not 0 <= call < max(self.calls[ref.layer], 1):
            count = self.calls[ref.layer]
            number = f"call {ref.call} of layer {quote(ref.layer)}"
            raise place.error(f"{number} is used, counted from 0, but it is called {count} times")
        return replace(ref, call=call)

    def is_model(self, name: str) -> bool:
        """Whether the layer is a model itself."""
        return isinstance(self.specs[name].config.get("blueprint"), Blueprint)

    def is_sequential(self, name: str) -> bool:
        """Whether the layer is a Sequential model."""
        model = self.specs[name].config.get("blueprint")
        return isinstance(model, Blueprint) and model.sequential


def is_triple(value: Any) -> TypeGuard[list[Any]]:
    """Whether a JSON value is ``[layer, call, output]``."""
    if not isinstance(value, list) or len(value) != 3:
        return False
    return isinstance(value[0], str) and type(value[1]) is int and type(value[2]) is int


def flat_triples(value: Any, graph: Graph, place: Place) -> Iterator[tuple[TensorRef, Place]]:
    """
    The references in ``input_layers`` or ``output_layers``, in the order in which Keras flattens them.

    One triple, a list of triples, and lists and objects of these at any depth; objects go by sorted key.
    """
    if is_triple(value):
        yield graph.read(value, place), place
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from flat_triples(value[key], graph, place / key)
    else:
        for i, item in enumerate(place.items(value)):
            yield from flat_triples(item, graph, place / i)


def nested_bases(graph: Graph, refs: Iterable[TensorRef]) -> dict[str, int]:
    """
    For every nested model the number under which the JSON knows its first call: 0 or 1.

    Keras counts the model's own creation as call 0 if it was built with its inputs, which the JSON does not say.
    But every call that is listed is used by something, so the numbers in use tell: 1 to n, or 0 to n - 1.
    """
    used: dict[str, set[int]] = {}
    for ref in refs:
        if graph.is_model(ref.layer):
            used.setdefault(ref.layer, set()).add(ref.call)
    return {
        name: 0 if 0 in numbers else 1 if graph.calls[name] in numbers else int(not graph.is_sequential(name))
        for name, numbers in used.items()
    }


def output_bases(graph: Graph, refs: Iterable[TensorRef]) -> dict[str, int]:
    """
    The same for the outputs of a Keras 3 model, where only they count the creation of a functional model.

    Source: ``functional_from_config`` in ``keras/src/models/functional.py``: nodes count from 0, outputs from 1.
    """
    bases: dict[str, int] = {}
    for ref in refs:
        if graph.is_model(ref.layer):
            bases.setdefault(ref.layer, int(not graph.is_sequential(ref.layer)))
            if ref.call == 0:
                bases[ref.layer] = 0
            elif ref.call == graph.calls[ref.layer]:
                bases[ref.layer] = 1
    return bases
