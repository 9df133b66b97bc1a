"""Weight trees made of a blueprint and the shapes of its variables: no file, no Keras, arrays that are made when read."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from regraft.blueprint import Blueprint
from regraft.layers import Weight, build
from regraft.layers.matching import group_keys
from regraft.weights import Group, Variable, WeightTree

Shapes = Mapping[str, list[tuple[int, ...]]]
LEVELS = ("named", "classed", "ordered", "shuffled")


#: What Keras fills a variable with before training, where that is not random: by the name of the variable.
FRESH = {"gamma": 1.0, "moving_variance": 1.0, "variance": 1.0, "beta": 0.0, "bias": 0.0, "moving_mean": 0.0,
         "mean": 0.0, "count": 0.0}  # fmt: skip


def array(shape: tuple[int, ...], seed: int, role: str = "", fresh: bool = False) -> np.ndarray:
    """Random numbers, the same for one seed; with a role as Keras initialises it, or as training may leave it."""
    if fresh and role in FRESH:
        return np.full(shape, FRESH[role], "float32")
    drawn = np.random.default_rng(seed).standard_normal(shape, "float32")
    if role in ("moving_variance", "variance"):
        return np.exp(0.3 * drawn)
    if role:
        drawn *= np.float32((2 / max(1, int(np.prod(shape[:-1])))) ** 0.5 if len(shape) > 1 else 0.1)
    return drawn + np.float32(1.0) if role == "gamma" else drawn


def variable(path: str, name: str, shape: tuple[int, ...], seed: int, role: str = "", fresh: bool = False) -> Variable:
    return Variable(path, name, tuple(shape), "float32", partial(array, tuple(shape), seed, role, fresh))


def stored_weights(blueprint: Blueprint) -> dict[str, list[Weight]]:
    """The variables of every layer in stored order: trainable ones first."""
    return {
        spec.name: sorted(build(spec).variables(), key=lambda w: not w.trainable)
        for spec in blueprint.layers
        if not spec.unknown
    }


def tree_of(blueprint: Blueprint, shapes: Shapes, level: str, *, values: str = "normal") -> WeightTree:
    """
    The file that Keras 3 would write: ``.h5`` weights, ``.weights.h5``, or the arrays alone.

    ``values``: ``normal`` fills every array alike, ``fresh`` as Keras does before training, ``trained`` by its role.
    """
    if level == "named":
        return named(blueprint, shapes, values)
    if level == "classed":
        return classed(blueprint, shapes, values=values)
    every = [
        (shape, *role_of(weight, values))
        for name, weights in stored_weights(blueprint).items()
        for weight, shape in zip(weights, shapes.get(name, ()), strict=False)
    ]
    if level == "shuffled":
        random.Random(0).shuffle(every)
    own = tuple(variable(f"/arr_{i}", f"arr_{i}", shape, i, *role) for i, (shape, *role) in enumerate(every))
    return WeightTree("arrays.npz", "arrays", (), "npz", own=own)


def role_of(weight: Weight, values: str) -> tuple[str, bool]:
    """The name by which a variable is filled, and whether as before training."""
    return ("" if values == "normal" else weight.name.split("/")[-1]), values == "fresh"


def named(blueprint: Blueprint, shapes: Shapes, values: str = "normal") -> WeightTree:
    groups: list[Group] = []
    for i, (name, weights) in enumerate(stored_weights(blueprint).items()):
        held = tuple(
            variable(f"/{name}/{owner(name, w)}:0", f"{owner(name, w)}:0", shape, 100 * i + j, *role_of(w, values))
            for j, (w, shape) in enumerate(zip(weights, shapes.get(name, ()), strict=True))
        )
        groups.append(Group(name, name, f"/{name}", held))
    return WeightTree("model.h5", "keras-2", tuple(groups), "layer_names", keras_version="3.15.0", backend="tensorflow")


def owner(layer: str, weight: Weight) -> str:
    return weight.name if "/" in weight.name else f"{layer}/{weight.name}"


def classed(blueprint: Blueprint, shapes: Shapes, *, names: bool = True, values: str = "normal") -> WeightTree:
    keys = group_keys(blueprint)
    groups: list[Group] = []
    for i, (name, weights) in enumerate(stored_weights(blueprint).items()):
        if name not in keys:
            continue
        held: dict[tuple[str, ...], list[Variable]] = {}
        for j, (w, shape) in enumerate(zip(weights, shapes.get(name, ()), strict=True)):
            path = tuple(step.split("|")[0] for step in w.path)
            at = held.setdefault(path, [])
            number = str(len(at))
            where = "/".join(("", "layers", keys[name], *path, "vars", number))
            at.append(variable(where, number, shape, 100 * i + j, *role_of(w, values)))
        groups.append(nest(keys[name], name if names else "", f"/layers/{keys[name]}", held))
    return WeightTree("model.weights.h5", "keras-3", tuple(groups), "heap")


def nest(key: str, name: str, path: str, held: Mapping[tuple[str, ...], list[Variable]]) -> Group:
    """Variables by their path below a group, as nested groups."""
    below: dict[str, dict[tuple[str, ...], list[Variable]]] = {}
    for steps, variables in held.items():
        if steps:
            below.setdefault(steps[0], {})[steps[1:]] = variables
    groups = tuple(nest(step, "", f"{path}/{step}", inner) for step, inner in below.items())
    return Group(key, name, path, tuple(held.get((), ())), groups)


def canonical(blueprint: Blueprint) -> Any:
    """A blueprint without names: layers in the order of its calls, the input's size aside."""
    place = {ref.layer: i for i, ref in enumerate(blueprint.inputs)}
    told: list[Any] = []
    for call in blueprint.ordered_calls:
        place.setdefault(call.layer, len(place))
    for spec in sorted((s for s in blueprint.layers if s.name in place), key=lambda s: place[s.name]):
        config = {k: canonical(v) if isinstance(v, Blueprint) else v for k, v in spec.config.items()}
        if spec.type == "InputLayer":
            config = {}
        told.append((spec.type, sorted(config.items(), key=lambda item: item[0])))
    calls = sorted(
        (place[c.layer], c.call, tuple((place[r.layer], r.call, r.index) for r in c.inputs)) for c in blueprint.calls
    )
    return told, calls, tuple(place[ref.layer] for ref in blueprint.outputs)
