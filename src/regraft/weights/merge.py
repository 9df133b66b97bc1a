"""Trees of several shards as one tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from regraft.errors import FileError
from regraft.weights.order import natural
from regraft.weights.tree import Group, Variable, WeightTree


def merge(shown: str, trees: Sequence[WeightTree], groups: Sequence[str]) -> WeightTree:
    """
    One tree from the trees of all shards.

    A group may stand in several shards, its variables spread over them under global numbers. Names come from the
    shard that has them.

    Args:
        shown: The listing, as the user named it.
        trees: One a shard.
        groups: The keys of ``weight_map``: paths of the groups with variables, in model order.
    """
    layers = _merge_groups(shown, [group for tree in trees for group in tree.layers], groups, "")
    first = trees[0]
    ignored = tuple(dict.fromkeys(entry for tree in trees for entry in tree.ignored))
    return replace(
        first,
        file=shown,
        layers=layers,
        order_source="weight_map",
        own=_merge_variables(shown, [v for tree in trees for v in tree.own]),
        ignored=ignored,
        notes=tuple(dict.fromkeys(n for tree in trees for n in tree.notes if "order" not in n)),
        model_name=next((tree.model_name for tree in trees if tree.model_name), ""),
    )


def _merge_groups(shown: str, found: Sequence[Group], order: Sequence[str], above: str) -> tuple[Group, ...]:
    by_key: dict[str, list[Group]] = {}
    for group in found:
        by_key.setdefault(group.key, []).append(group)
    merged = [_merge_one(shown, same, order) for same in by_key.values()]
    return tuple(merged)


def _merge_one(shown: str, same: Sequence[Group], order: Sequence[str]) -> Group:
    return Group(
        key=same[0].key,
        name=next((group.name for group in same if group.name), ""),
        path=same[0].path,
        variables=_merge_variables(shown, [v for group in same for v in group.variables]),
        groups=_merge_groups(shown, [below for group in same for below in group.groups], order, same[0].path),
    )


def _merge_variables(shown: str, found: Sequence[Variable]) -> tuple[Variable, ...]:
    names = [variable.name for variable in found]
    if len(set(names)) != len(names):
        twice = next(v for v in found if names.count(v.name) > 1)
        raise FileError(shown, "two shards hold the same variable.", path=twice.path)
    return tuple(sorted(found, key=lambda variable: natural(variable.name)))
