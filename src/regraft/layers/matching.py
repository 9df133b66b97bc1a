"""Which group of a file belongs to which layer of a blueprint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from regraft.blueprint import Blueprint, LayerSpec
from regraft.errors import ShapeMismatchError, quote
from regraft.layers.base import CATALOGUE
from regraft.layers.naming import class_key, snake_case
from regraft.weights import Group, WeightTree

#: The group that holds the layers of a nested model: in Keras 2.15+ and 3, or in 2.12 to 2.14.
LAYERS_STEP = "layers|_layer_checkpoint_dependencies"


def keras_class(spec: LayerSpec) -> str:
    """The class name Keras counts a layer under; a nested model counts as Sequential or Functional."""
    if spec.type == "Functional":
        inner = spec.config.get("blueprint")
        return "Sequential" if isinstance(inner, Blueprint) and inner.sequential else "Functional"
    cls = CATALOGUE.get(spec.type)
    return (cls.group_class or cls.keras_class if cls else "") or spec.type


def group_keys(blueprint: Blueprint) -> dict[str, str]:
    """The Keras 3 group key of every layer: class in snake case, counted per class in model order."""
    counts: Counter[str] = Counter()
    keys: dict[str, str] = {}
    for spec in blueprint.layers:
        if blueprint.sequential and spec.type == "InputLayer":
            continue
        name = snake_case(keras_class(spec))
        keys[spec.name] = f"{name}_{counts[name]}" if counts[name] else name
        counts[name] += 1
    return keys


def match_groups(blueprint: Blueprint, tree: WeightTree) -> tuple[dict[str, Group], list[str]]:
    """
    The group of each layer that has one, and notes on how they were matched.

    Legacy files by layer name, else by the order of the layers that have variables, as Keras itself loads them;
    the Keras 3 layout by class and count; a list of arrays as ``set_weights`` takes it, so many for each layer in turn.

    Raises:
        ShapeMismatchError: If the layers with variables are not as many as the file has, or take more or fewer arrays.
    """
    if tree.dialect in ("keras-3", "checkpoint-h5"):
        return by_class(blueprint, tree), []
    if tree.dialect == "arrays" and not tree.layers:
        return by_count(blueprint, tree)
    groups = {group.key: group for group in tree.layers}
    weighted = [group for group in tree.layers if group.variables]
    if tree.dialect != "keras-0" and all(group.key in blueprint.by_name for group in weighted):
        return {spec.name: groups[spec.name] for spec in blueprint.layers if spec.name in groups}, []
    return by_order(blueprint, tree, weighted)


def by_class(blueprint: Blueprint, tree: WeightTree) -> dict[str, Group]:
    """The i-th layer of a class is the i-th group of that class."""
    same: dict[str, list[Group]] = {}
    for group in sorted(tree.layers, key=lambda g: class_key(g.key)[1]):
        same.setdefault(class_key(group.key)[0], []).append(group)
    found: dict[str, Group] = {}
    for name, key in group_keys(blueprint).items():
        kind, place = class_key(key)
        if place < len(same.get(kind, ())):
            found[name] = same[kind][place]
    return found


def nth_group(groups: Sequence[Group], key: str) -> Group | None:
    """
    The group of a counted key such as ``conv2d_2``: the third of its class.

    Keras 2.12 to 2.14 count layers with variables by twos (``conv2d``, ``conv2d_2``, ``conv2d_4``), so places count, not numbers.
    """
    kind, place = class_key(key)
    same = sorted((g for g in groups if class_key(g.key)[0] == kind), key=lambda g: class_key(g.key)[1])
    return same[place] if place < len(same) else None


def by_order(blueprint: Blueprint, tree: WeightTree, weighted: list[Group]) -> tuple[dict[str, Group], list[str]]:
    """Layers with variables in model order against groups with variables in file order."""
    from regraft.layers.walk import built

    layers = built(blueprint)
    names = [s.name for s in blueprint.layers if (layer := layers[s.name]) is None or layer.variables()]
    if len(names) != len(weighted):
        file_side, model_side = [g.key for g in weighted], names
        raise ShapeMismatchError(
            f"{tree.file}: the file has variables for {len(weighted)} layers, the architecture has {len(names)} layers with "
            f"variables, and the names do not match.\n  file:         {quote(' '.join(file_side[:12]))}\n"
            f"  architecture: {quote(' '.join(model_side[:12]))}\n"
            "  Is this the architecture of another model, with or without its top layers, or with another number of blocks?"
        )
    notes = ["layer names differ between file and architecture: variables were matched by order, as Keras does"]
    return dict(zip(names, weighted, strict=True)), notes


def by_count(blueprint: Blueprint, tree: WeightTree) -> tuple[dict[str, Group], list[str]]:
    """The arrays of ``get_weights()``, dealt out to the layers in model order, each as many as it has variables."""
    from regraft.layers.walk import built

    layers = built(blueprint)
    unknown = [s.name for s in blueprint.layers if layers[s.name] is None]
    if unknown:
        raise ShapeMismatchError(
            f"{tree.file}: a list of arrays can only be dealt out if it is known how many each layer takes; "
            f"unknown for {quote(' '.join(unknown[:12]))}.\n  Give a file with layer names (.h5, .weights.h5)."
        )
    counts = {s.name: len(layer.variables()) for s in blueprint.layers if (layer := layers[s.name]) is not None}
    wanted = sum(counts.values())
    if wanted != len(tree.own):
        raise ShapeMismatchError(
            f"{tree.file}: the architecture {quote(blueprint.name)} takes {wanted} arrays, the file has {len(tree.own)}.\n"
            "  Is this the architecture of another model, with or without its top layers?"
        )
    groups: dict[str, Group] = {}
    start = 0
    for name, count in counts.items():
        if count:
            groups[name] = Group(name, "", f"arrays {start} to {start + count - 1}", tree.own[start : start + count])
            start += count
    return groups, [
        "the file is a list of arrays: they were dealt out to the layers in model order, as set_weights does"
    ]
