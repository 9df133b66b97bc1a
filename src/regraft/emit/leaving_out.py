"""A module in which the layers that turn out not to be convertible, for their settings or shapes, are placeholders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from regraft.blueprint import Blueprint, LayerSpec
from regraft.emit.module import Module, emit
from regraft.errors import UnknownLayerError
from regraft.layers.binding import Binding


def emit_leaving_out(
    blueprint: Blueprint, bound: Callable[[Blueprint], Binding], about: str, weights: str, *, selftest: bool = False
) -> tuple[Blueprint, Binding, Module]:
    """
    Write the module of a blueprint; a layer whose code cannot be written is left out, with the reason, not the model.

    Args:
        blueprint: The architecture.
        bound: Gives the variables of an architecture.
        about: One line for the head of the file.
        weights: Name of the file that will hold the parameters.
        selftest: Whether the file can be run to check itself.

    Returns:
        The architecture with those layers marked as unknown, its variables, and the module.

    Raises:
        UnknownLayerError: It is not known which layer it is.
    """
    while True:
        binding = bound(blueprint)
        try:
            return blueprint, binding, emit(blueprint, binding, about, weights, selftest=selftest)
        except UnknownLayerError as error:
            changed = without(blueprint, error.layers, str(error))
            if changed == blueprint:
                raise
            blueprint = changed


def without(blueprint: Blueprint, layers: Sequence[str], reason: str) -> Blueprint:
    """The architecture with a layer marked as unknown, by its name behind those of the models that it is in."""

    def marked(spec: LayerSpec) -> LayerSpec:
        if not layers or spec.name != layers[0] or spec.unknown:
            return spec
        inner = spec.config.get("blueprint")
        if len(layers) == 1 or not isinstance(inner, Blueprint):
            return LayerSpec(spec.name, spec.type, {}, spec.trainable, unknown=reason)
        return replace(spec, config={**spec.config, "blueprint": without(inner, layers[1:], reason)})

    return replace(blueprint, layers=tuple(map(marked, blueprint.layers)))
