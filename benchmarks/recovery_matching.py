"""Which layer of an original each layer of a candidate is, by the arrays they hold."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
from benchmarks.stripping import in_order

from regraft.blueprint import Blueprint
from regraft.layers.binding import Binding


def digest(array: np.ndarray) -> str:
    """A short name for the content of an array."""
    plain = np.ascontiguousarray(array, "float64" if array.dtype.kind == "f" else array.dtype)
    return hashlib.sha1(f"{plain.shape}".encode() + plain.tobytes(), usedforsecurity=False).hexdigest()


def contents(blueprint: Blueprint, binding: Binding) -> dict[str, list[str]]:
    """The digests of the arrays of every layer with variables, by layer path."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, bound in in_order(blueprint, binding):
        found[owner(blueprint, path)].append(digest(bound.read()))
    return found


def owner(blueprint: Blueprint, variable: str) -> str:
    """The layer that a variable path belongs to: ``encoder/conv2d`` of ``encoder/conv2d/kernel``; names may hold slashes."""
    for spec in blueprint.layers:
        if variable.startswith(f"{spec.name}/"):
            inner = spec.config.get("blueprint")
            if spec.type == "Functional" and isinstance(inner, Blueprint):
                return f"{spec.name}/{owner(inner, variable.removeprefix(f'{spec.name}/'))}"
            if spec.type != "InputLayer":
                return spec.name
    return variable


def correspondence(
    original: Mapping[str, list[str]], candidate: Mapping[str, list[str]], *, named: bool = True
) -> dict[str, str]:
    """
    Which layer of the original each layer of a candidate is, by the arrays they hold, in the order of the candidate.

    An array that many layers hold alike (biases of zeros) says little; where all is equal, the same name wins if names
    are those of the file, then the order.
    """
    holders: dict[str, Counter[str]] = defaultdict(Counter)
    for name, digests in original.items():
        for item in digests:
            holders[item][name] += 1
    scores: list[tuple[float, bool, int, int, str, str]] = []
    places = {name: i for i, name in enumerate(original)}
    for i, (name, digests) in enumerate(candidate.items()):
        votes: Counter[str] = Counter()
        for item, count in Counter(digests).items():
            for holder, times in holders[item].items():
                votes[holder] += min(count, times) / len(holders[item])  # type: ignore[assignment]
        scores += [(-vote, named and holder != name, i, places[holder], name, holder) for holder, vote in votes.items()]
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, _, _, _, name, holder in sorted(scores):
        if name not in found and holder not in taken:
            found[name] = holder
            taken.add(holder)
    return found
