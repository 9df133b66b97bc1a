"""Files of Keras 2.12 and later: the key of a group is the class of its layer in snake case, and a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from regraft.keras_classes import class_of, stem_of
from regraft.layers import KerasVersion
from regraft.layers.naming import snake_case
from regraft.recover.grouping.assembling import parts_of
from regraft.recover.grouping.held import Held, version_of, weights_in
from regraft.recover.grouping.names import default_name, type_of
from regraft.recover.grouping.subject import Subject
from regraft.recover.part import Grouping, Part
from regraft.weights import Group, Variable, WeightTree
from regraft.weights.saving_lib import CONTAINERS, SUBCLASSED

#: Groups inside a layer, in the order in which its class lists its variables.
INSIDE = ("forward_layer", "backward_layer", "cell", "cells", "layer", "query_dense", "_query_dense", "key_dense",
          "_key_dense", "value_dense", "_value_dense", "output_dense", "_output_dense")  # fmt: skip
MODEL = "Functional"


def group_saving_lib(tree: WeightTree) -> Grouping:
    """The layers of a file in the newer layout."""
    version = version_of(tree)
    if SUBCLASSED in tree.notes:
        return of_attributes(tree, version)
    return of_layers(tree, version, ordered=tree.order_source != "alphabetical", complete=is_complete(tree))


def is_complete(tree: WeightTree) -> bool:
    """
    Whether layers without variables are here too.

    Keras writes an empty group for each. A file that was copied or put together from shards may have lost them: it is
    taken for complete if there is one.
    """
    return tree.order_source == "heap" or any(not any(True for _ in group.walk()) for group in tree.layers)


def of_layers(tree: WeightTree, version: KerasVersion, *, ordered: bool, complete: bool) -> Grouping:
    """The layers of a model whose groups bear class names."""
    tree = replace(tree, layers=distinct(tree.layers))
    found: list[Subject] = []
    first = True
    for group in tree.layers:
        found.append(subject(tree, group, version, first=first and ordered, complete=complete))
        first = first and not found[-1].held.shapes
    parts, notes = parts_of(found, version, ordered=ordered)
    return Grouping(tree, parts, ordered=ordered, complete=complete, notes=tuple(notes))


def distinct(groups: Sequence[Group]) -> tuple[Group, ...]:
    """The groups with names of their own; shards and copies may have lost some, and left others twice."""
    names = [group.name or group.key for group in groups]
    if len(set(names)) == len(names):
        return tuple(groups)
    taken = set(names)
    used: set[str] = set()
    found: list[Group] = []
    for group, name in zip(groups, names, strict=True):
        number = 1
        own = name
        while own in used or (own != name and own in taken):
            own = f"{name}_{number}"
            number += 1
        used.add(own)
        found.append(group if own == name else replace(group, name=own))
    return tuple(found)


def subject(tree: WeightTree, group: Group, version: KerasVersion, *, first: bool, complete: bool) -> Subject:
    """One layer whose group bears a class name."""
    class_name = class_of(stem_of(group.key))
    own = default_name(group.name) if group.name else None
    counter = own.counter if own and own.class_name == class_name else None
    inner = None
    if type_of(class_name) == MODEL:
        inner = model_inside(tree, group, version, complete=complete)
    held = held_by(group, version, first=first)
    custom = not class_name
    return Subject(group, held, group.name, class_name, not custom, custom, counter, inner)


def model_inside(tree: WeightTree, group: Group, version: KerasVersion, *, complete: bool) -> Grouping:
    """The layers of a nested model."""
    container = next((below for key in CONTAINERS if (below := group.group(key)) is not None), None)
    groups = container.groups if container is not None else ()
    keys = [below.key for below in groups]
    stems = {stem_of(key) for key in keys}
    # The order of the outer layers is no proof for the inner ones; by name is how they lie when nothing is known.
    ordered = tree.order_source != "alphabetical" and not (len(stems) > 1 and len(keys) > 3 and keys == sorted(keys))
    below = replace(tree, layers=groups, own=group.variables, config=None, ignored=(), notes=())
    return of_layers(below, version, ordered=ordered, complete=complete)


def held_by(group: Group, version: KerasVersion, *, first: bool) -> Held:
    """The arrays of a layer and of the layers that it wraps, in the order in which its class lists them."""
    variables = weights_in(tuple(arrays_in(group)))
    return Held(tuple(v.shape for v in variables), ("",) * len(variables), version, first)


def arrays_in(group: Group) -> Iterator[Variable]:
    """Every variable once; older files hold an empty twin of what a Bidirectional wraps."""
    yield from group.variables
    keys = {below.key for below in group.groups}
    places = {key: i for i, key in enumerate(INSIDE)}
    for below in sorted(group.groups, key=lambda g: places.get(g.key, len(INSIDE))):
        if below.key == "layer" and "forward_layer" in keys:
            continue
        yield from arrays_in(below)


# ---- subclassed models


def of_attributes(tree: WeightTree, version: KerasVersion) -> Grouping:
    """
    The layers of a subclassed model: its groups bear names of attributes, and lists of layers nest.

    The tree is made anew with one group a layer under the name of its type, so that layers can be found by class.
    """
    found: list[Subject] = []
    for path, group, classed in leaves(tree.layers, (), classed=False):
        name = group.name or "_".join(path)
        class_name = class_of(stem_of(group.key)) if classed else ""
        below = next((b for key in CONTAINERS if (b := group.group(key)) is not None), None)
        inner = model_inside(tree, group, version, complete=True) if below is not None else None
        own = replace(group, name=name)
        held = held_by(group, version, first=False)
        found.append(Subject(own, held, name, class_name, bool(class_name), inner=inner))
    groups = distinct([s.group for s in found])
    found = [replace(s, group=g) for s, g in zip(found, groups, strict=True)]
    parts, notes = parts_of(found, version, ordered=False)
    parts = with_class_keys(parts)
    below_tree = replace(tree, layers=tuple(part.group for part in parts))
    return Grouping(below_tree, parts, ordered=False, complete=True, notes=(*notes, SUBCLASSED))


def leaves(
    groups: Sequence[Group], path: tuple[str, ...], *, classed: bool
) -> Iterator[tuple[tuple[str, ...], Group, bool]]:
    """The groups that are layers, with the attributes that lead to them, and whether their key is a class."""
    for group in groups:
        steps = (*path, group.key)
        if group.variables or not group.groups or {below.key for below in group.groups} & {*INSIDE, *CONTAINERS[1:]}:
            yield steps, group, classed
        elif group.key in CONTAINERS:
            yield from leaves(group.groups, path, classed=True)
        elif group.group(CONTAINERS[0]) is not None:
            yield steps, group, classed
        else:
            # A list of layers, or a layer of the author's own with layers in it: of the keys below, some are classes.
            yield from leaves(group.groups, steps, classed=all(class_of(stem_of(b.key)) for b in group.groups))


def with_class_keys(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts with groups whose keys are class and count, as in a model that is not subclassed."""
    counts: Counter[str] = Counter()
    found: list[Part] = []
    for part in parts:
        stem = snake_case(part.type) if part.type else "layer"
        key = f"{stem}_{counts[stem]}" if counts[stem] else stem
        counts[stem] += 1
        found.append(replace(part, group=replace(part.group, key=key)))
    return tuple(found)
