"""A draft as the questions about it see it: its neighbours, its version, its stored values, what is decided already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from regraft.blueprint import Blueprint, LayerSpec, Setting, Shape, TensorRef
from regraft.errors import RegraftError
from regraft.layers.base import Layer, build
from regraft.layers.binding import Bound, bind_layer
from regraft.layers.matching import match_groups
from regraft.layers.version import KerasVersion
from regraft.layers.walk import model_shapes
from regraft.recover.draft import Draft, edited, with_settings
from regraft.recover.settings.surroundings import RECURRENT, Surroundings, core
from regraft.weights import WeightTree

#: Settings that a layer cannot be built without and that no shape tells, until they are asked for.
REQUIRED: Mapping[str, Mapping[str, Setting]] = {
    "Activation": {"activation": "linear"},
    "Rescaling": {"scale": 1 / 255},
    "Dot": {"axes": -1},
    "Dropout": {"rate": 0.5},
    "SpatialDropout1D": {"rate": 0.5},
    "SpatialDropout2D": {"rate": 0.5},
    "SpatialDropout3D": {"rate": 0.5},
    "AlphaDropout": {"rate": 0.5},
    "GaussianDropout": {"rate": 0.5},
    "GaussianNoise": {"stddev": 0.1},
}
#: What can go wrong with a graph that contradicts itself.
TROUBLE = (RegraftError, ValueError, IndexError, TypeError, KeyError, AssertionError, ArithmeticError, MemoryError)
#: Arrays are kept for the next look up to this many bytes in all.
KEPT = 256 * 2**20
DIALECT_VERSIONS = {"keras-0": "0.3", "keras-1": "1", "keras-2": "2", "checkpoint-h5": "2.13", "keras-3": "3"}


def completed(blueprint: Blueprint) -> Blueprint:
    """The blueprint with a value for every setting that its layers cannot be built without."""
    layers = tuple(completed_layer(spec) for spec in blueprint.layers)
    return blueprint if layers == blueprint.layers else replace(blueprint, layers=layers)


def completed_layer(spec: LayerSpec) -> LayerSpec:
    """The layer, and the one it wraps, with a value for every setting that has no default."""
    inner = spec.config.get("layer")
    if isinstance(inner, LayerSpec) and (whole := completed_layer(inner)) != inner:
        spec = with_settings(spec, {"layer": whole})
    return with_settings(spec, {k: v for k, v in REQUIRED.get(spec.type, {}).items() if k not in spec.config})


class StoredValues(Mapping[str, Mapping[str, np.ndarray]]):
    """The variables of every layer by their Keras names, read when they are asked for; damaged ones are missing."""

    def __init__(self, bound: Mapping[str, Mapping[str, Bound]]) -> None:
        self._bound = bound
        self._kept: dict[str, Mapping[str, np.ndarray]] = {}
        self._bytes = 0

    def __getitem__(self, layer: str) -> Mapping[str, np.ndarray]:
        if layer in self._kept:
            return self._kept[layer]
        arrays: dict[str, np.ndarray] = {}
        for name, bound in self._bound[layer].items():
            try:
                arrays[name] = bound.read()
            except RegraftError:
                continue
        size = sum(array.nbytes for array in arrays.values())
        if self._bytes + size <= KEPT:
            self._kept[layer] = arrays
            self._bytes += size
        return arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._bound)

    def __len__(self) -> int:
        return len(self._bound)


def bound_arrays(blueprint: Blueprint, tree: WeightTree) -> dict[str, Mapping[str, Bound]]:
    """The stored arrays of every layer that they fit; nothing for the others."""
    try:
        groups, _ = match_groups(blueprint, tree)
    except RegraftError:
        return {}
    version = KerasVersion.parse(tree.keras_version or DIALECT_VERSIONS.get(tree.dialect, "3"))
    found: dict[str, Mapping[str, Bound]] = {}
    for spec in blueprint.layers:
        try:
            layer = None if spec.unknown else build(spec)
            if layer is None or not layer.variables():
                continue
            bound, wrong = bind_layer(spec, layer, groups.get(spec.name), tree, version, tree.backend == "theano")
        except (RegraftError, ValueError, IndexError, TypeError, AssertionError):
            continue
        if not wrong:
            found[spec.name] = bound
    return found


@dataclass(frozen=True)
class Scene:
    """
    One draft while its questions are made.

    Attributes:
        draft: With every layer buildable, and activation layers put in where the file lists none.
        partners: For an activation layer that was put in behind a normalisation: the layer in front of the
            normalisation, which may carry the function instead; empty for one that has no such layer.
    """

    draft: Draft
    partners: Mapping[str, str]

    def changed(self, edits: Mapping[tuple[str, str], Setting]) -> Scene:
        """The scene with other activations; stored values and shapes stay as they are."""
        other = Scene(replace(self.draft, blueprint=edited(self.blueprint, edits)), self.partners)
        other.__dict__.update(values=self.values, shapes=self.shapes)
        return other

    @property
    def blueprint(self) -> Blueprint:
        """The graph."""
        return self.draft.blueprint

    @cached_property
    def around(self) -> Surroundings:
        """Neighbours in the graph."""
        return Surroundings(self.blueprint)

    @cached_property
    def layers(self) -> dict[str, Layer]:
        """The layer objects that can be built."""
        found: dict[str, Layer] = {}
        for spec in self.blueprint.layers:
            try:
                if not spec.unknown:
                    found[spec.name] = build(spec)
            except (RegraftError, TypeError, ValueError, AssertionError):
                continue
        return found

    @cached_property
    def values(self) -> StoredValues:
        """The stored variables of every layer."""
        return StoredValues(bound_arrays(self.blueprint, self.draft.grouping.tree))

    def stored(self, layer: str) -> Mapping[str, np.ndarray]:
        """The stored variables of one layer; none if they are not known."""
        return self.values.get(layer, {})

    @cached_property
    def version(self) -> KerasVersion | None:
        """The Keras version that wrote the file, as far as it tells; None for a bare list of arrays."""
        tree = self.draft.grouping.tree
        stated = tree.keras_version or self.blueprint.keras_version or DIALECT_VERSIONS.get(tree.dialect, "")
        return KerasVersion.parse(stated) if stated else None

    @property
    def dated(self) -> bool:
        """Whether the file itself states its version; a layout is shared by several."""
        return bool(self.draft.grouping.tree.keras_version)

    @cached_property
    def shapes(self) -> dict[TensorRef, Shape]:
        """Shapes of all tensors; none where the graph does not hold together yet."""
        try:
            return model_shapes(self.blueprint)
        except TROUBLE:
            return {}

    @cached_property
    def decided(self) -> frozenset[str]:
        """Subjects, ``layer.setting``, that a choice or a question settles already."""
        asked = {".".join(key) for q in self.draft.questions for option in q.options for key in option.edits}
        return frozenset(asked | {choice.subject for choice in self.draft.choices})

    @cached_property
    def types(self) -> frozenset[str]:
        """Types of all layers, wrapped ones included."""
        inner = {
            i.type
            for s in self.blueprint.layers
            for key in ("layer", "cell")
            if isinstance(i := s.config.get(key), LayerSpec)
        }
        return frozenset({spec.type for spec in self.blueprint.layers} | inner)

    @cached_property
    def kind(self) -> str:
        """What the network is made of: ``embedding``, ``rnn``, ``conv`` or ``dense``, the first that fits."""
        if "Embedding" in self.types:
            return "embedding"
        if self.types & (RECURRENT - {"Bidirectional"}):
            return "rnn"
        return "conv" if any("Conv" in name for name in self.types) else "dense"

    @cached_property
    def weighted(self) -> tuple[str, ...]:
        """Layers that hold variables and are no normalisation."""
        return tuple(
            n for n, layer in self.layers.items() if layer.variables() and "Normal" not in type(layer).__name__
        )

    def open(self, layer: str, setting: str) -> bool:
        """Whether a setting is still to be asked for."""
        return f"{layer}.{setting}" not in self.decided

    def units(self, layer: str) -> int | None:
        """Number of channels a layer gives; that of the layers before it where it keeps theirs."""
        seen: set[str] = set()
        while layer not in seen:
            seen.add(layer)
            spec = core(self.blueprint.by_name[layer])
            for name in ("units", "filters", "output_dim"):
                if isinstance(found := spec.config.get(name), int):
                    return found
            before = self.around.before(layer)
            if not before or before[0].type == "InputLayer":
                return None
            layer = before[0].name
        return None
