"""Stored arrays meet the variables of the layers: which array is which kernel, and whether its shape fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from regraft.blueprint import Blueprint, LayerSpec, Shape
from regraft.errors import ShapeMismatchError, quote
from regraft.layers.base import Layer, Weight
from regraft.layers.matching import LAYERS_STEP, match_groups, nth_group
from regraft.layers.naming import class_key, snake_case
from regraft.layers.stored import Origin, Stored
from regraft.layers.version import KerasVersion
from regraft.layers.walk import built
from regraft.layout import Flip, Move, apply, shapes_after
from regraft.weights import Group, Variable, WeightTree

ROLES = frozenset(
    "kernel bias gamma beta moving_mean moving_variance recurrent_kernel embeddings depthwise_kernel pointwise_kernel alpha".split()
)
SHARED = "{}: arrays that the file lacks there are those of the layer of the same name and settings, which it shares"
SAME_ROLE = ({"kernel", "depthwise_kernel"},)


@dataclass(frozen=True)
class Bound:
    """One variable of a layer: the stored arrays it comes from, the moves that make it, and its shape then."""

    sources: tuple[Variable, ...]
    moves: tuple[Move, ...]
    shape: tuple[int, ...]

    def read(self) -> np.ndarray:
        """The variable as Keras 2 and 3 hold it."""
        (array,) = apply(self.moves, tuple(source.read() for source in self.sources))
        return array


@dataclass(frozen=True)
class Binding:
    """
    Every variable of a blueprint with its stored arrays.

    Attributes:
        layers: By layer name, then by variable name; the variables of a nested model are ``inner_layer/kernel``.
        unused: Stored variables that no layer takes, with the reason.
        notes: How layers and groups were matched, where that is worth knowing.
    """

    layers: Mapping[str, Mapping[str, Bound]]
    unused: tuple[tuple[Variable, str], ...] = ()
    notes: tuple[str, ...] = ()
    placeholders: Mapping[str, tuple[Variable, ...]] = field(default_factory=dict)


def bind(blueprint: Blueprint, tree: WeightTree, *, theano_kernels: bool | None = None) -> Binding:
    """
    Find the stored arrays of every variable.

    Args:
        blueprint: The architecture.
        tree: The file's variables.
        theano_kernels: Whether convolution kernels are turned by 180 degrees; None asks the file's ``backend``.

    Raises:
        ShapeMismatchError: Every variable that is missing, left over or of the wrong shape, in one message.
    """
    groups, notes = match_groups(blueprint, tree)
    theano = tree.backend == "theano" if theano_kernels is None else theano_kernels
    version = KerasVersion.parse(tree.keras_version or {"keras-0": "0.3", "keras-1": "1"}.get(tree.dialect, "3"))
    wrong: list[str] = []
    bound: dict[str, Mapping[str, Bound]] = {}
    kept: dict[str, tuple[Variable, ...]] = {}
    used: set[int] = set()
    for name, layer in built(blueprint).items():
        group = groups.get(name)
        if layer is None:
            kept[name] = tuple(group.walk()) if group else ()
            used |= {id(v) for v in kept[name]}
            continue
        variables, missing = bind_layer(blueprint.by_name[name], layer, group, tree, version, theano)
        if missing and (tied := with_shared(blueprint, name, layer, variables, bound)):
            variables, missing = tied, misfits(blueprint.by_name[name], layer, tied)
            notes.append(SHARED.format(name))
        wrong += missing
        bound[name] = variables
        used |= {id(source) for b in variables.values() for source in b.sources}
    if any(isinstance(move, Flip) for variables in bound.values() for b in variables.values() for move in b.moves):
        reason = "the file says so (backend)" if theano_kernels is None else "as --theano-kernels says"
        notes.append(f"convolution kernels were written by Theano and are turned by 180 degrees: {reason}")
    unused = [(v, "no layer of the architecture takes it") for v in tree.variables() if id(v) not in used]
    harmless = [(v, "state of a random number generator") for v, _ in unused if "seed_generator" in v.path]
    harmless += [(v, reason) for v, _ in unused if (reason := of_unknown(blueprint, groups, v))]
    lost = [pair for pair in unused if pair[0].path not in {v.path for v, _ in harmless}]
    wrong += [f"{v.path}: shape {v.shape}, {reason}" for v, reason in lost]
    if wrong:
        raise ShapeMismatchError(
            f"{tree.file} does not fit the architecture {quote(blueprint.name)}:\n  " + "\n  ".join(wrong)
        )
    return Binding(bound, tuple(harmless), tuple(notes), kept)


def of_unknown(blueprint: Blueprint, groups: Mapping[str, Group], variable: Variable) -> str:
    """That a variable belongs to a layer, inside a model, that cannot be converted; empty if it does not."""
    for path, spec in leaf_layers(blueprint):
        group = groups.get(path[0])
        if not spec.unknown or len(path) == 1 or group is None or not variable.path.startswith(f"{group.path}/"):
            continue
        steps = variable.path.removeprefix(group.path).split("/")
        if any(class_key(step)[0] == snake_case(spec.type) for step in steps):
            return f"of layer {quote('/'.join(path))} ({spec.type}), which stays a placeholder"
    return ""


def with_shared(
    blueprint: Blueprint,
    name: str,
    layer: Layer,
    variables: Mapping[str, Bound],
    bound: Mapping[str, Mapping[str, Bound]],
) -> dict[str, Bound] | None:
    """
    The variables of a layer, those that the file lacks taken from the layer that shares them; None if that is not clear.

    The newer layout stores a layer that several models inside the model share once, in the first of them. The twin has the
    same name, type and settings, and the layer that lacks its arrays lacks all of them.
    """
    leaves = dict(leaf_layers(blueprint))
    found = dict(variables)
    for path, spec in leaves.items():
        if path[0] != name:
            continue
        start = "".join(f"{step}/" for step in path[1:])
        own = [w.name for w in layer.variables() if w.name.startswith(start)]
        if not own or any(v in variables for v in own):
            continue
        twins = [p for p, s in leaves.items() if p != path and s == spec and p[0] in bound]
        inside = {p: "".join(f"{step}/" for step in p[1:]) for p in twins}
        given = [p for p in twins if all(inside[p] + v.removeprefix(start) in bound[p[0]] for v in own)]
        if len(given) != 1:
            return None
        (twin,) = given
        found |= {v: bound[twin[0]][inside[twin] + v.removeprefix(start)] for v in own}
    return found if all(w.name in found for w in layer.variables()) else None


def leaf_layers(blueprint: Blueprint, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], LayerSpec]]:
    """Every layer that is no model, with the names that lead to it."""
    for spec in blueprint.layers:
        inner = spec.config.get("blueprint")
        if isinstance(inner, Blueprint):
            yield from leaf_layers(inner, (*prefix, spec.name))
        elif spec.type != "InputLayer":
            yield (*prefix, spec.name), spec


def bind_layer(
    spec: LayerSpec, layer: Layer, group: Group | None, tree: WeightTree, version: KerasVersion, theano: bool
) -> tuple[dict[str, Bound], list[str]]:
    """The variables of one layer, and what does not fit."""
    weights = layer.variables()
    if not weights:
        return {}, []
    if group is None:
        return {}, [
            f"layer {quote(spec.name)} ({spec.type}): the file has nothing for it; expected {names_of(weights)}"
        ]
    if tree.dialect in ("keras-3", "checkpoint-h5"):
        bound, wrong = by_path(spec, weights, group)
    else:
        stored = Stored(tuple(v.shape for v in group.variables), version, theano)
        bound, wrong = by_place(spec, layer, group, stored)
    return bound, wrong or misfits(spec, layer, bound)


def by_place(spec: LayerSpec, layer: Layer, group: Group, stored: Stored) -> tuple[dict[str, Bound], list[str]]:
    """Older files: the arrays of a layer in order."""
    flags = layer.stored_flags(stored)
    if len(flags) != len(group.variables):
        found = ", ".join(f"{quote(v.name)[1:-1]} {v.shape}" for v in group.variables)
        return {}, [
            f"{group.path}: layer {quote(spec.name)} ({spec.type}) takes {len(flags)} arrays "
            f"({names_of(layer.variables())}), the file has {len(group.variables)}: {found}"
        ]
    bound: dict[str, Bound] = {}
    wrong: list[str] = []
    for name, origin in layer.stored(stored).items():
        sources = tuple(group.variables[place] for place in origin.places)
        try:
            bound[name] = Bound(sources, origin.moves, shape_after(origin, sources))
        except (ValueError, IndexError) as error:
            wrong.append(
                f"{group.path}: {name} of {quote(spec.name)} cannot be made of {[v.shape for v in sources]}: {error}"
            )
            continue
        if len(sources) == 1 and not same_role(name, sources[0].name):
            wrong.append(
                f"{sources[0].path}: expected {name} of {quote(spec.name)} at this place, found {quote(sources[0].name)}"
            )
    return bound, wrong


def places_of(weights: Sequence[Weight]) -> dict[str, tuple[tuple[str, ...], str]]:
    """Group below the layer's own, and key among its ``vars``, of every variable in the Keras 3 layout."""
    places: dict[str, tuple[tuple[str, ...], str]] = {}
    counts: dict[tuple[str, ...], int] = {}
    for weight in sorted(weights, key=lambda w: not w.trainable):
        place = counts.get(weight.path, 0)
        counts[weight.path] = place + 1
        places[weight.name] = weight.path, weight.index or str(place)
    return places


def by_path(spec: LayerSpec, weights: Sequence[Weight], group: Group) -> tuple[dict[str, Bound], list[str]]:
    """Keras 3 layout: the arrays of a layer by group and index."""
    bound: dict[str, Bound] = {}
    wrong: list[str] = []
    for name, (path, key) in places_of(weights).items():
        at = find(group, path)
        found = next((v for v in at.variables if v.name == key), None) if at else None
        if found is None:
            where = "/".join((group.path, *path, "vars", key))
            wrong.append(f"{where}: {name} of layer {quote(spec.name)} ({spec.type}) is missing")
        else:
            bound[name] = Bound((found,), (), found.shape)
    return {w.name: bound[w.name] for w in weights if w.name in bound}, wrong


def find(group: Group | None, path: Sequence[str]) -> Group | None:
    """The group below; a step may have alternatives (``query_dense|_query_dense``), or count layers of a model."""
    inside_model = False
    for step in path:
        if group is None:
            return None
        if inside_model:
            group = nth_group(group.groups, step)
        else:
            group = next((found for key in step.split("|") if (found := group.group(key))), None)
        inside_model = step == LAYERS_STEP
    return group


def shape_after(origin: Origin, sources: Sequence[Variable]) -> tuple[int, ...]:
    """The shape of a variable once its moves are made."""
    (shape,) = shapes_after(origin.moves, [source.shape for source in sources])
    return shape


def same_role(expected: str, stored_name: str) -> bool:
    """Whether a stored name contradicts the role its place gives it; unknown names contradict nothing."""
    role, found = (
        expected.rsplit("/", maxsplit=1)[-1],
        stored_name.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0],
    )
    if role == found or role not in ROLES or found not in ROLES:
        return True
    return any({role, found} <= same for same in SAME_ROLE)


def misfits(spec: LayerSpec, layer: Layer, bound: Mapping[str, Bound]) -> list[str]:
    """Variables whose rank or axis lengths contradict the layer's settings or each other."""
    wrong: list[str] = []
    sizes: dict[str, tuple[int, str]] = {axis: (size, "the settings") for axis, size in layer.axis_sizes().items()}
    for weight in layer.variables():
        if weight.name not in bound:
            continue
        shape, path = bound[weight.name].shape, bound[weight.name].sources[0].path
        axes = weight.axes
        if "..." in axes:
            continue
        if len(shape) != len(axes):
            wrong.append(
                f"{path} has shape {shape}; {weight.name} of {quote(spec.name)} needs the axes {' '.join(axes)}"
            )
            continue
        prefix = weight.name.rpartition("/")[0]
        for axis, found in zip(axes, shape, strict=True):
            expected, source = sizes.setdefault(f"{prefix}/{axis}" if prefix else axis, (found, weight.name))
            if expected != found:
                wrong.append(
                    f"{path} has shape {shape}: axis {axis} is {found}, expected {expected} from {source} of {quote(spec.name)}"
                )
    return wrong


def names_of(weights: Sequence[Weight]) -> str:
    """Variable names, for a message."""
    return ", ".join(w.name for w in weights)


def inner_binding(bound: Mapping[str, Bound], layer: str) -> dict[str, Bound]:
    """The variables of one layer inside a nested model."""
    return {name.removeprefix(f"{layer}/"): b for name, b in bound.items() if name.startswith(f"{layer}/")}


__all__ = ["Binding", "Bound", "Shape", "bind", "inner_binding"]
