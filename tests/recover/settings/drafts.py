"""Drafts made by hand: layers in a chain or a graph, with variables that were never in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from regraft.blueprint import Blueprint, Call, LayerSpec, Setting, TensorRef
from regraft.layers.base import layer_class, spec_of
from regraft.recover.draft import Draft
from regraft.recover.part import Grouping
from regraft.weights import Group, Variable, WeightTree

Arrays = Mapping[str, Sequence[np.ndarray]]


def layer(type_name: str, name: str, **settings: Setting) -> LayerSpec:
    """A layer whose other settings are the defaults of today."""
    return spec_of(name, layer_class(type_name)(**settings))


def stored(path: str, array: np.ndarray) -> Variable:
    return Variable(path, path.rsplit("/", maxsplit=1)[-1], array.shape, str(array.dtype), lambda: array)


def tree_of(names: Sequence[str], arrays: Arrays, version: str) -> WeightTree:
    """A legacy file with one group a layer."""
    groups = tuple(
        Group(n, n, f"/{n}", tuple(stored(f"/{n}/v{i}", a) for i, a in enumerate(arrays.get(n, ())))) for n in names
    )
    return WeightTree("made.h5", "keras-2", groups, "layer_names", keras_version=version)


def graph(
    layers: Sequence[LayerSpec],
    edges: Mapping[str, Sequence[str]],
    outputs: Sequence[str],
    arrays: Arrays | None = None,
    *,
    version: str = "2.4.0",
    complete: bool = True,
) -> Draft:
    """A draft of a graph; ``edges`` names what enters each layer."""
    calls = tuple(Call(name, tuple(TensorRef(source) for source in sources)) for name, sources in edges.items())
    inputs = tuple(TensorRef(spec.name) for spec in layers if spec.type == "InputLayer")
    blueprint = Blueprint("made", tuple(layers), calls, inputs, tuple(map(TensorRef, outputs)), keras_version=version)
    tree = tree_of([spec.name for spec in layers], arrays or {}, version)
    return Draft(Grouping(tree, (), complete=complete), blueprint)


def chain(
    *layers: LayerSpec, shape: tuple[int | None, ...] = (5,), arrays: Arrays | None = None, **more: object
) -> Draft:
    """A draft of layers one behind the other, after an input."""
    first = layer("InputLayer", "input", batch_shape=(None, *shape))
    every = (first, *layers)
    edges = {b.name: (a.name,) for a, b in zip(every, layers, strict=False)}
    return graph(every, edges, (every[-1].name,), arrays, **more)  # type: ignore[arg-type]


def answers(draft: Draft, layer_name: str, setting: str = "activation") -> list[Setting]:
    """The values of a setting over the options of its question, best first; empty if it is not asked for."""
    key = (layer_name, setting)
    found = [q for q in draft.questions if key in q.options[0].edits]
    assert len(found) < 2, "two questions set the same"
    return [o.edits[key] for q in found for o in q.options if key in o.edits]


def label(draft: Draft, layer_name: str, setting: str = "activation") -> str:
    return next(q.label for q in draft.questions if (layer_name, setting) in q.options[0].edits)


def bn_arrays(rng: np.random.Generator, channels: int, mean: np.ndarray | None = None) -> list[np.ndarray]:
    """gamma, beta, moving mean, moving variance of a trained BatchNorm, all different."""
    values = rng.normal(0.0, 0.8, channels) if mean is None else mean
    return [rng.uniform(0.6, 1.4, channels), rng.normal(0.1, 0.5, channels), values, rng.uniform(0.2, 0.8, channels)]
