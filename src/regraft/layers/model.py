"""A model used as a layer: nested Sequential and functional models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from regraft.blueprint import Blueprint, LayerSpec, Shape
from regraft.layers.base import Layer, Weight, build, spec_of
from regraft.layers.form import Arranged, Arrival, Form, Site
from regraft.layers.matching import LAYERS_STEP, group_keys
from regraft.layers.settings import Reading, setting
from regraft.layers.stored import Origin, Stored
from regraft.layers.walk import input_orders, model_orders, model_shapes
from regraft.layout import Move


@dataclass(frozen=True, kw_only=True)
class Functional(Layer):
    """
    A model inside a model; emitted as a class of its own, with its layers as submodules.

    Older files store its variables in one flat list: first everything trainable, then the rest.
    Keras: ``keras/src/models/functional.py``; PyTorch: a ``torch.nn.Module``.
    """

    aliases: ClassVar = ("Model", "Sequential")
    masks: ClassVar = "drop"
    blueprint: Blueprint = setting()

    @classmethod
    def from_keras(cls, reading: Reading) -> Self:
        return cls(blueprint=reading.model(reading.config))

    def in_keras_3(self) -> tuple[Layer, Mapping[str, tuple[Move, ...]]]:
        blueprint, moves = blueprint_in_keras_3(self.blueprint)
        return replace(self, blueprint=blueprint), {f"{n}/{v}": m for n, own in moves.items() for v, m in own.items()}

    @property
    def inner(self) -> tuple[tuple[LayerSpec, Layer], ...]:
        """The layers inside that can be converted, with their specs."""
        return tuple((spec, build(spec)) for spec in self.blueprint.layers if not spec.unknown)

    def variables(self) -> tuple[Weight, ...]:
        keys = group_keys(self.blueprint)
        return tuple(
            replace(w.inside(spec.name, LAYERS_STEP, keys[spec.name]), trainable=w.trainable and spec.trainable)
            for spec, layer in self.inner
            for w in layer.variables()
        )

    def stored_flags(self, stored: Stored) -> tuple[bool, ...]:
        return tuple(flag and spec.trainable for spec, layer in self.inner for flag in layer.stored_flags(stored))

    def stored(self, stored: Stored) -> Mapping[str, Origin]:
        flags = self.stored_flags(stored)
        places = iter(sorted(range(len(flags)), key=lambda i: not flags[i]))
        place_of = {i: place for place, i in enumerate(places)}
        origins: dict[str, Origin] = {}
        start = 0
        for spec, layer in self.inner:
            count = len(layer.stored_flags(stored))
            # The sublayer sees its own arrays in its own order: trainable ones first.
            own = layer.stored_flags(stored)
            mine = sorted(range(count), key=lambda i: not own[i])
            places_here = [place_of[start + i] for i in mine]
            shapes = tuple(stored.shapes[p] if p < len(stored.shapes) else () for p in places_here)
            for name, origin in layer.stored(replace(stored, shapes=shapes)).items():
                origins[f"{spec.name}/{name}"] = Origin(tuple(places_here[p] for p in origin.places), origin.moves)
            start += count
        return origins

    def shape(self, inputs: tuple[Shape, ...]) -> Shape | tuple[Shape, ...]:
        shapes = model_shapes(self.blueprint, inputs)
        found = tuple(shapes[ref] for ref in self.blueprint.outputs)
        return found if len(found) != 1 else found[0]

    def output_count(self) -> int:
        return len(self.blueprint.outputs)

    def arrange(self, arrival: Arrival) -> Arranged:
        """The inner graph decides: a map that a convolution takes enters channels first."""
        inputs = input_orders(self.blueprint, arrival.shapes)
        orders = model_orders(self.blueprint, arrival.shapes)
        return Arranged(inputs, tuple(orders[ref] for ref in self.blueprint.outputs))

    def torch(self, site: Site) -> Form:
        arguments = ", ".join(f"%{i}" for i in range(len(self.blueprint.inputs)))
        count = self.output_count()
        if count == 1:
            return Form((f"%self({arguments})",), module="%class()", carries=(), nested=self.blueprint)
        names = tuple(f"%out_{i}" for i in range(count))
        return Form(
            names,
            before=(f"{', '.join(names)} = %self({arguments})",),
            module="%class()",
            carries=(),
            nested=self.blueprint,
        )


def blueprint_in_keras_3(blueprint: Blueprint) -> tuple[Blueprint, dict[str, Mapping[str, tuple[Move, ...]]]]:
    """Every layer as one of Keras 3 that computes the same, and the moves of its variables by layer and name."""
    specs: list[LayerSpec] = []
    moves: dict[str, Mapping[str, tuple[Move, ...]]] = {}
    for spec in blueprint.layers:
        if spec.unknown:
            specs.append(spec)
            continue
        layer, moves[spec.name] = build(spec).in_keras_3()
        if (
            isinstance(layer, Functional) and spec.type != "Functional"
        ):  # a model that stands for a layer bears its name
            layer = replace(layer, blueprint=replace(layer.blueprint, name=spec.name))
        specs.append(spec_of(spec.name, layer, trainable=spec.trainable))
    return replace(blueprint, layers=tuple(specs)), moves
