"""Conversions to verify, made without writing anything but the Keras file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.emit.module import Module, emit
from regraft.keras_config import dump, parse
from regraft.layers.binding import bind
from regraft.verify import Subject
from regraft.weights import read


def subject_of(file: Path, config: str | None = None) -> Subject:
    """A file converted as ``regraft convert`` does, the state dict kept in memory."""
    tree = read(file)
    text = config or tree.config
    assert text is not None
    blueprint = parse(text, keras_version=tree.keras_version)
    binding = bind(blueprint, tree)
    module = emit(blueprint, binding, "a test")
    return Subject(
        blueprint=blueprint,
        binding=binding,
        tree=tree,
        file=file,
        config=text,
        regenerate=lambda part, version: dump(part, version=version),
        source=module.source,
        probes=module.probes,
        input_orders=module.input_orders,
        output_orders=module.output_orders,
        state=lambda: state_of(module),
    )


def state_of(module: Module) -> dict[str, np.ndarray]:
    """The state dict of an emitted module."""
    return {
        name: np.array(array)
        for transfer in module.transfers
        for name, array in zip(transfer.parameters, transfer.read(), strict=True)
    }


def chain(*specs: LayerSpec, shape: tuple[int | None, ...] | None = (None, 4), dtype: str = "float32") -> Blueprint:
    """A Sequential blueprint: an input and a chain of layers."""
    entry = LayerSpec("entry", "InputLayer", {"batch_shape": shape, "dtype": dtype})
    return graph([entry, *specs], [(b.name, a.name) for a, b in zip((entry, *specs), specs, strict=False)])


def graph(specs: list[LayerSpec], edges: list[tuple[str, ...]], outputs: tuple[str, ...] = ()) -> Blueprint:
    """A blueprint from edges such as ``("add", "left", "right")``: a layer and what it receives; calls are counted."""
    calls: list[Call] = []
    for layer, *sources in edges:
        number = sum(call.layer == layer for call in calls)
        refs = tuple(TensorRef(*parts(source)) for source in sources)
        calls.append(Call(layer, refs, number))
    inputs = tuple(TensorRef(spec.name) for spec in specs if spec.type == "InputLayer")
    ends = tuple(TensorRef(*parts(name)) for name in outputs) or (TensorRef(calls[-1].layer, calls[-1].call),)
    return Blueprint("toy", tuple(specs), tuple(calls), inputs, ends, keras_version="3.15.0")


def parts(source: str) -> tuple[str, int]:
    """``dense#1`` is the second call of ``dense``."""
    name, _, call = source.partition("#")
    return name, int(call or 0)


def layer(name: str, type: str = "Activation", unknown: str = "", **config: Any) -> LayerSpec:
    """A layer of a toy blueprint."""
    settings: Mapping[str, Any] = config or ({"activation": "relu"} if type == "Activation" else {})
    return LayerSpec(name, type, settings, unknown=unknown)
