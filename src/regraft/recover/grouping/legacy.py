"""Files of Keras 0 to 2, and ``.h5`` of Keras 3: ``layer_names`` lists all layers, also those without variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from regraft.layers import KerasVersion
from regraft.recover.grouping.assembling import parts_of
from regraft.recover.grouping.held import FOREIGN, Held, version_of, weights_in
from regraft.recover.grouping.names import DefaultName, default_name, type_of
from regraft.recover.grouping.roles import ATTENTION, ArrayName, array_name
from regraft.recover.grouping.subject import Subject
from regraft.recover.part import Grouping
from regraft.weights import Group, Variable, WeightTree

#: Classes that hold other layers; several owners among their arrays do not make them a model.
WRAPPERS = frozenset({"Bidirectional", "TimeDistributed", "RNN", "MultiHeadAttention"})


def group_legacy(tree: WeightTree) -> Grouping:
    """The layers of a file that lists them by name, or by number (Keras 0)."""
    version = version_of(tree)
    parts, notes = parts_of(subjects(tree, tree.layers, version), version, ordered=True)
    return Grouping(tree, parts, ordered=True, complete=True, notes=tuple(notes))


def subjects(tree: WeightTree, groups: Sequence[Group], version: KerasVersion) -> list[Subject]:
    """Every layer, with what its name and its arrays' names say."""
    found: list[Subject] = []
    first = True
    for group in groups:
        found.append(subject(tree, group, version, first=first))
        first = first and not group.variables
    return found


def subject(tree: WeightTree, group: Group, version: KerasVersion, *, first: bool) -> Subject:
    """One layer."""
    variables = weights_in(group.variables)
    names = [array_name(v.name) for v in variables]
    shapes = tuple(v.shape for v in variables)
    default = None if tree.dialect == "keras-0" else default_name(group.key, keras_1=version.before(2))
    held = Held(shapes, roles_of(names, shapes), version, first)
    inner = None
    if is_model(group, names, default):
        inner = inside(tree, group, variables, names, version)
    words = "" if tree.dialect == "keras-0" else group.key
    class_name, counter = (default.class_name, default.counter) if default else ("", None)
    return Subject(group, held, words, class_name, counter=counter, inner=inner)


def roles_of(names: Sequence[ArrayName], shapes: Sequence[tuple[int, ...]]) -> tuple[str, ...]:
    """The role of each array; ``query`` and its like are parts only where heads make kernels of three axes."""
    heads = any(n.part in ATTENTION and len(s) == 3 for n, s in zip(names, shapes, strict=True))
    plain = {*ATTENTION, "attention_output"}
    return tuple(n.role if n.part in plain and not heads else n.full for n in names)


def is_model(group: Group, names: Sequence[ArrayName], default: DefaultName | None) -> bool:
    """Whether the arrays of a layer belong to several layers: it is a model, or its name says so."""
    if default is not None:
        return type_of(default.class_name) == "Functional"
    if any(n.role in ("", FOREIGN) for n in names):
        return False
    owners = {n.owner for n in names}
    return len(owners) > 1 and "" not in owners


def inside(
    tree: WeightTree, group: Group, variables: Sequence[Variable], names: Sequence[ArrayName], version: KerasVersion
) -> Grouping:
    """
    The layers of a nested model, whose arrays lie in one list: first all trainable ones, then the statistics.

    Layers without variables are not in the file. A layer that has no trainable variables comes too late.
    """
    found: dict[str, list[Variable]] = {}
    trained = True
    ordered = True
    for variable, name in zip(variables, names, strict=True):
        trained = trained and name.role not in ("moving_mean", "mean")
        ordered = ordered and (trained or name.owner in found)
        found.setdefault(name.owner, []).append(variable)
    keys = short_names(tuple(found))
    groups = tuple(Group(keys[o], keys[o], f"{group.path}/{o}", tuple(held)) for o, held in found.items())
    below = replace(tree, layers=groups, own=(), config=None, ignored=(), notes=())
    parts, notes = parts_of(subjects(below, groups, version), version, ordered=ordered)
    return Grouping(below, parts, ordered=ordered, complete=False, notes=tuple(notes))


def short_names(owners: Sequence[str]) -> dict[str, str]:
    """The last step of each path, or the whole path where that is not enough to tell them apart."""
    last = [owner.rpartition("/")[2] for owner in owners]
    counts: dict[str, int] = {}
    for name in last:
        counts[name] = counts.get(name, 0) + 1
    return {owner: name if counts[name] == 1 else owner for owner, name in zip(owners, last, strict=True)}
