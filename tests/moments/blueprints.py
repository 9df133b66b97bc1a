"""Small blueprints for tests of moments."""

from __future__ import annotations

from typing import Any

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef


def network(shape: tuple[int | None, ...], *layers: tuple[str, str, dict[str, Any], tuple[str, ...]]) -> Blueprint:
    """
    A functional model: ``("conv", "Conv2D", {settings}, ("input",))`` one a layer, the inputs by name.

    The input is called ``input``; the last layer is the output.
    """
    specs = [LayerSpec("input", "InputLayer", {"batch_shape": (None, *shape)})]
    specs += [LayerSpec(name, kind, config) for name, kind, config, _ in layers]
    calls = tuple(Call(name, tuple(TensorRef(ref) for ref in refs)) for name, _, _, refs in layers)
    return Blueprint("net", tuple(specs), calls, (TensorRef("input"),), (TensorRef(layers[-1][0]),))


def chain(shape: tuple[int | None, ...], *layers: tuple[str, str, dict[str, Any]]) -> Blueprint:
    """The same for layers that follow each other."""
    names = ["input", *(name for name, _, _ in layers)]
    return network(shape, *((*layer, (names[i],)) for i, layer in enumerate(layers)))
