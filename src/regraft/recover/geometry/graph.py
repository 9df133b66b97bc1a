"""The graph of a draft, with what stored arrays demand of the tensors that enter each layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from regraft.blueprint import Blueprint, Call, LayerSpec, Setting, TensorRef
from regraft.errors import RegraftError
from regraft.layers import ALIASES, Layer, build
from regraft.layers.binding import bind_layer
from regraft.layers.matching import match_groups
from regraft.layers.version import KerasVersion
from regraft.recover.draft import with_settings
from regraft.weights import WeightTree

#: Settings that Keras has no default for, and that geometry finds: something to build the layer with until then.
REQUIRED: Mapping[str, Mapping[str, Setting]] = {
    "Reshape": {"target_shape": (-1,)},
    "Permute": {"dims": (2, 1)},
    "RepeatVector": {"n": 1},
}

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Graph:
    """
    A blueprint whose layers are built, and the shapes of their stored variables.

    Attributes:
        blueprint: Complete enough to be built.
        stored: For every layer the shapes of its variables by Keras name, in the axis order of today.
        channels_first: Whether its layers with maps run channels first.
        kernels_first: Whether the file holds kernels as Keras 0 and 1 did for channels first; None if it cannot be seen.
    """

    blueprint: Blueprint
    stored: Mapping[str, Shapes] = field(default_factory=dict)
    channels_first: bool = False
    kernels_first: bool | None = None

    @cached_property
    def layers(self) -> dict[str, Layer | None]:
        """The layer objects by name; None for one that cannot be built."""
        return {spec.name: built_or_none(spec) for spec in self.blueprint.layers}

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls, inputs before consumers."""
        return self.blueprint.ordered_calls

    @cached_property
    def makers(self) -> dict[tuple[str, int], Call]:
        """The call that makes each tensor, by layer and call number."""
        return {(call.layer, call.call): call for call in self.calls}

    @cached_property
    def call_counts(self) -> dict[str, int]:
        """How often each layer is used."""
        counts: dict[str, int] = {}
        for call in self.calls:
            counts[call.layer] = counts.get(call.layer, 0) + 1
        return counts

    @cached_property
    def grown(self) -> frozenset[tuple[str, int]]:
        """The calls at or behind a layer that makes a map of a vector."""
        found: set[tuple[str, int]] = set()
        for call in self.calls:
            spec = self.spec(call.layer)
            made = spec.type == "Reshape" or (spec.type == "Slot" and spec.config.get("role") == "map")
            if made or any((ref.layer, ref.call) in found for ref in call.inputs):
                found.add((call.layer, call.call))
        return frozenset(found)

    @cached_property
    def joins(self) -> bool:
        """Whether anything is concatenated."""
        return any(spec.type == "Concatenate" for spec in self.blueprint.layers)

    def spec(self, name: str) -> LayerSpec:
        """The spec of a layer."""
        return self.blueprint.by_name[name]

    def maker(self, ref: TensorRef) -> Call | None:
        """The call that makes a tensor; None for an input of the model."""
        return self.makers.get((ref.layer, ref.call))

    def consumers(self, call: Call) -> tuple[Call, ...]:
        """The calls that receive the first output of a call."""
        return self.blueprint.consumers.get(TensorRef(call.layer, call.call), ())

    def passive(self, call: Call) -> bool:
        """Whether a call keeps the shape of its one input and has no sizes of its own."""
        layer = self.layers[call.layer]
        return layer is not None and len(call.inputs) == 1 and keeps_shape(layer)

    def next_active(self, ref: TensorRef) -> Iterator[Call]:
        """The calls that receive a tensor, behind layers that keep its shape."""
        for call in self.blueprint.consumers.get(ref, ()):
            if self.passive(call):
                yield from self.next_active(TensorRef(call.layer, call.call))
            else:
                yield call

    def last_active(self, ref: TensorRef) -> Call | None:
        """The call that made a tensor, before layers that keep its shape; None for an input of the model."""
        call = self.maker(ref)
        while call is not None and self.passive(call):
            call = self.maker(call.inputs[0])
        return call

    def source(self, ref: TensorRef) -> TensorRef:
        """The tensor itself, or the one it came from through layers that keep its shape."""
        call = self.maker(ref)
        while call is not None and self.passive(call):
            ref = call.inputs[0]
            call = self.maker(ref)
        return ref

    def reaches_output(self, ref: TensorRef) -> bool:
        """Whether a tensor leaves the model, behind layers that keep its shape."""
        if ref in self.blueprint.outputs:
            return True
        calls = self.blueprint.consumers.get(ref, ())
        return any(self.passive(c) and self.reaches_output(TensorRef(c.layer, c.call)) for c in calls)


def keeps_shape(layer: Layer) -> bool:
    """Whether a layer gives back the shape of its input, whatever that is: of activations all but ``glu``."""
    function = getattr(layer, "activation", "glu")
    return type(layer).shape is Layer.shape or (type(layer).__name__ == "Activation" and function != "glu")


def built_or_none(spec: LayerSpec) -> Layer | None:
    """The layer of a spec, None where its settings do not make one."""
    if spec.unknown or spec.type not in ALIASES:  # a place for a layer, say; asked often, and errors take long
        return None
    try:
        return build(spec)
    except (RegraftError, TypeError, ValueError):
        return None


def completed(blueprint: Blueprint) -> Blueprint:
    """The blueprint with the settings that a layer cannot be built without."""
    layers = tuple(
        with_settings(spec, {k: v for k, v in REQUIRED.get(spec.type, {}).items() if k not in spec.config})
        for spec in blueprint.layers
    )
    return replace(blueprint, layers=layers)


def graph_of(blueprint: Blueprint, tree: WeightTree) -> Graph:
    """The graph of a blueprint with the shapes of its stored variables, as far as each layer binds."""
    whole = completed(blueprint)
    graph = Graph(whole)
    version = KerasVersion.parse(tree.keras_version or {"keras-0": "0.3", "keras-1": "1"}.get(tree.dialect, "3"))
    try:
        groups, _ = match_groups(whole, tree)
    except RegraftError:
        return graph
    stored: dict[str, Shapes] = {}
    turned: set[bool] = set()
    for name, layer in graph.layers.items():
        if layer is None or not layer.variables():
            continue
        try:
            bound, _ = bind_layer(whole.by_name[name], layer, groups.get(name), tree, version, tree.backend == "theano")
        except (RegraftError, ValueError, IndexError):
            continue
        stored[name] = {variable: found.shape for variable, found in bound.items()}
        kernel = bound.get("kernel")
        if version.before(2) and kernel is not None and layer.rank == 2 and kernel.sources[0].shape != kernel.shape:
            turned.add(True)
        elif version.before(2) and kernel is not None and layer.rank == 2:
            turned.add(False)
    return replace(graph, stored=stored, kernels_first=turned.pop() if len(turned) == 1 else None)


def with_format(graph: Graph, *, first: bool) -> Graph:
    """The graph with every layer that has maps in one data format."""
    name = "channels_first" if first else "channels_last"

    def put(spec: LayerSpec) -> LayerSpec:
        inner = spec.config.get("layer")
        if isinstance(inner, LayerSpec):
            return with_settings(spec, {"layer": put(inner)})
        layer = built_or_none(spec)
        has = layer is not None and layer.rank and hasattr(layer, "data_format")
        return with_settings(spec, {"data_format": name}) if has else spec

    layers = tuple(put(spec) for spec in graph.blueprint.layers)
    return replace(graph, blueprint=replace(graph.blueprint, layers=layers), channels_first=first)
