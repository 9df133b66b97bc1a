"""
The blueprint: our architecture graph, in Keras semantics.

A blueprint knows layers by type name and settings only; what a type means stands in the layer catalogue.
A layer may be called more than once (shared layers), so layers and calls are separate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Literal, TypeAlias

from regraft.errors import BlueprintError, quote

Shape: TypeAlias = "tuple[int | None, ...] | None"
"""Axis lengths in Keras order, batch first; None for an axis that varies, None as a whole where even the rank is unknown."""

Setting: TypeAlias = (
    "bool | int | float | str | tuple[Setting, ...] | Mapping[str, Setting] | LayerSpec | Blueprint | TensorRef | None"
)

Label = Literal["proved", "supported", "assumed", "open"]


@dataclass(frozen=True, order=True)
class TensorRef:
    """One tensor of the graph: output ``index`` of call ``call`` of a layer."""

    layer: str
    call: int = 0
    index: int = 0


@dataclass(frozen=True)
class LayerSpec:
    """
    One layer as data.

    Attributes:
        name: The Keras layer name, unique in its blueprint.
        type: Name in the catalogue (``Conv2D``), or the class name in the file when the catalogue lacks it.
        config: Settings under the catalogue's names; a wrapped layer is a LayerSpec, a nested model a Blueprint.
        trainable: False for a frozen layer; it changes where older files store the variables.
        unknown: Why the layer cannot be converted, or empty. Such a layer becomes a placeholder.
    """

    name: str
    type: str
    config: Mapping[str, Setting] = field(default_factory=dict)
    trainable: bool = True
    unknown: str = ""


@dataclass(frozen=True)
class Call:
    """One use of a layer: the tensors it receives, in order, and its extra arguments (``training``, ``initial_state``)."""

    layer: str
    inputs: tuple[TensorRef, ...]
    call: int = 0
    arguments: Mapping[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """
    Something the file does not state: a setting or an edge, with its candidates and the evidence for one of them.

    Attributes:
        subject: ``<layer>.<setting>``, for example ``conv2d_3.strides``, or a word for the whole file.
        value: What was chosen, as text.
        candidates: All values that remain possible, best first.
        label: How sure: proved, supported, assumed, open.
        evidence: The reason, in words, with figures where there are any.
    """

    subject: str
    value: str
    candidates: tuple[str, ...]
    label: Label
    evidence: str


@dataclass(frozen=True)
class Blueprint:
    """
    An architecture: layers, their calls, and which tensors enter and leave.

    Attributes:
        name: Model name in Keras.
        layers: In the order of ``model.layers``; input layers (type ``InputLayer``) included.
        calls: Every use of every layer but the input layers.
        inputs: The tensors that enter, in the order of the model's arguments.
        outputs: The tensors that leave, in order.
        sequential: True if the architecture was a ``Sequential``; Keras names the groups of its files accordingly.
        keras_version: Version whose semantics the settings were read with, for example ``2.3.1``; ``1`` if unstated.
        choices: What was not stated and had to be chosen.
        notes: What a person should know about how the architecture was read.
    """

    name: str
    layers: tuple[LayerSpec, ...]
    calls: tuple[Call, ...]
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]
    sequential: bool = False
    keras_version: str = ""
    choices: tuple[Choice, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, LayerSpec]:
        """Layers by name."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def consumers(self) -> dict[TensorRef, tuple[Call, ...]]:
        """For every tensor the calls that receive it."""
        found: dict[TensorRef, list[Call]] = {}
        for call in self.calls:
            for ref in all_refs(call):
                found.setdefault(ref, []).append(call)
        return {ref: tuple(calls) for ref, calls in found.items()}

    @cached_property
    def used_outputs(self) -> dict[tuple[str, int], int]:
        """For every layer and call the highest output that something receives."""
        found: dict[tuple[str, int], int] = {}
        for ref in (*self.consumers, *self.outputs):
            key = (ref.layer, ref.call)
            found[key] = max(ref.index, found.get(key, 0))
        return found

    @cached_property
    def ordered_calls(self) -> tuple[Call, ...]:
        """
        The calls so that every tensor exists before it is used; ties keep the order of ``calls``.

        Raises:
            BlueprintError: If the graph has a cycle.
        """
        place = {(call.layer, call.call): i for i, call in enumerate(self.calls)}
        sorter: TopologicalSorter[int] = TopologicalSorter()
        for i, call in enumerate(self.calls):
            before = [place[ref.layer, ref.call] for ref in all_refs(call) if (ref.layer, ref.call) in place]
            sorter.add(i, *before)
        try:
            sorter.prepare()
        except CycleError as error:
            names = [self.calls[i].layer for i in error.args[1]]
            msg = f"the graph has a cycle: {' -> '.join(map(quote, names))}"
            raise BlueprintError(msg) from None
        order: list[Call] = []
        ready: list[int] = sorted(sorter.get_ready())
        while ready:
            i = ready.pop(0)
            order.append(self.calls[i])
            sorter.done(i)
            ready = sorted([*ready, *sorter.get_ready()])
        return tuple(order)

    def check(self) -> None:
        """
        Say everything that is wrong with the graph: double names, calls of unknown layers, tensors nobody makes, cycles.

        Raises:
            BlueprintError: With one line for each finding.
        """
        wrong: list[str] = []
        if len(self.by_name) != len(self.layers):
            names = [layer.name for layer in self.layers]
            wrong += [f"two layers are named {quote(n)}" for n in sorted({n for n in names if names.count(n) > 1})]
        made = {(ref.layer, ref.call) for ref in self.inputs} | {(call.layer, call.call) for call in self.calls}
        for call in self.calls:
            if call.layer not in self.by_name:
                wrong.append(f"a call names layer {quote(call.layer)}, which does not exist")
            wrong += [
                f"layer {quote(call.layer)} receives output {ref.call} of {quote(ref.layer)}, which nothing produces"
                for ref in all_refs(call)
                if (ref.layer, ref.call) not in made
            ]
        wrong += [
            f"the model's output comes from {quote(ref.layer)}, call {ref.call}, which nothing produces"
            for ref in self.outputs
            if (ref.layer, ref.call) not in made
        ]
        if wrong:
            raise BlueprintError(f"the architecture {quote(self.name)} contradicts itself:\n  " + "\n  ".join(wrong))
        _ = self.ordered_calls


def refs_in(value: object) -> Iterator[TensorRef]:
    """Every tensor named inside a call argument."""
    if isinstance(value, TensorRef):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from refs_in(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from refs_in(item)


def all_refs(call: Call) -> tuple[TensorRef, ...]:
    """Every tensor a call receives, positional inputs first."""
    return (*call.inputs, *refs_in(call.arguments))
