"""A blueprint in the making: what is decided so far, why, and what is still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from regraft.blueprint import Blueprint, Choice, LayerSpec, Setting
from regraft.recover.part import Grouping
from regraft.recover.question import Question


@dataclass(frozen=True)
class Hints:
    """
    What the user knows beside the file.

    Attributes:
        input_shapes: One shape an input, in Keras order without the batch axis, None for an axis that varies; empty if
            nothing was said.
        settings: Answers by subject, as text: ``{"conv2d_3.strides": "2"}``.
        output_shapes: Shapes of known outputs, without the batch axis, in any order; empty if there are none.
    """

    input_shapes: tuple[tuple[int | None, ...], ...] = ()
    settings: Mapping[str, str] | None = None
    output_shapes: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Draft:
    """
    One architecture under consideration; every stage of recovery makes drafts of drafts.

    Attributes:
        grouping: The way of seeing the file that it is made of.
        blueprint: The graph, with every layer's settings as decided so far and defaults elsewhere; its layers that
            hold variables bear the names of the groups in ``grouping.tree``.
        cost: Minus the logarithm of its probability, in nats, up to a constant of the file.
        choices: What was decided and is not stated in the file.
        questions: What is open, with its options; the blueprint holds the best ones only once they are applied.
        family: The known architecture it is, ``ResNet50 (keras.applications)``, or empty.
        known: Layers whose settings that architecture gives: no stage asks about them.
    """

    grouping: Grouping
    blueprint: Blueprint
    cost: float = 0.0
    choices: tuple[Choice, ...] = ()
    questions: tuple[Question, ...] = ()
    family: str = ""
    known: frozenset[str] = frozenset()

    def add(self, *questions: Question) -> Draft:
        """The same draft with more questions."""
        return replace(self, questions=(*self.questions, *questions))


def edited(blueprint: Blueprint, edits: Mapping[tuple[str, str], Setting]) -> Blueprint:
    """The blueprint with other settings; ``("bidirectional", "layer.units")`` reaches into a wrapped layer."""
    by_layer: dict[str, dict[str, Setting]] = {}
    for (layer, key), value in edits.items():
        by_layer.setdefault(layer, {})[key] = value
    layers = tuple(with_settings(spec, by_layer.get(spec.name, {})) for spec in blueprint.layers)
    return replace(blueprint, layers=layers)


def with_settings(spec: LayerSpec, changes: Mapping[str, Setting]) -> LayerSpec:
    """A layer with other settings."""
    config = dict(spec.config)
    for key, value in changes.items():
        outer, _, inner = key.partition(".")
        wrapped = config.get(outer)
        if inner and isinstance(wrapped, LayerSpec):
            config[outer] = with_settings(wrapped, {inner: value})
        else:
            config[key] = value
    return replace(spec, config=config) if changes else spec
