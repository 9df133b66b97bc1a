"""Queries, keys and values: three layers on one side that are one module on the other."""

from __future__ import annotations

from collections.abc import Sequence

from regraft.graft.naming import Words
from regraft.graft.owner import Array, Owner

THREE = ("query", "key", "value")
ROLES = {"weight": "in_proj_weight", "bias": "in_proj_bias"}


def triples(owners: Sequence[Owner]) -> dict[Words, tuple[Owner, Owner, Owner]]:
    """Layers whose names differ in query, key and value alone, by the name without that word."""
    found: dict[Words, dict[str, Owner]] = {}
    for owner in owners:
        told = [word for word in owner.words if word in THREE]
        if len(told) == 1:
            place = tuple(word for word in owner.words if word not in THREE)
            found.setdefault(place, {}).setdefault(str(told[0]), owner)
    return {
        place: (those["query"], those["key"], those["value"])
        for place, those in found.items()
        if len(those) == 3 and len({tuple(those[name].arrays) for name in THREE}) == 1
    }


def fused(owner: Owner) -> bool:
    """
    Whether an owner is a layer for all three by its name or its class.

    >>> from regraft.graft.naming import words_of
    >>> fused(Owner("qkv", words_of(["attn", "qkv"]), {})), fused(Owner("q", words_of(["attn", "q"]), {}))
    (True, False)
    """
    if owner.kind == "by heads":
        return False
    words = " ".join(word for word in owner.words if isinstance(word, str))
    return owner.kind == "attention" or words.endswith(("qkv", "query key value", "c attention", "qkv projection"))


def bare(words: Words) -> Words:
    """The name of a layer for all three without the words that say so."""
    found = list(words)
    for end in (["qkv", "projection"], ["query", "key", "value"], ["qkv"], ["c", "attention"]):
        if found[-len(end) :] == end:
            return tuple(found[: -len(end)])
    return words


def mixed(owner: Owner) -> bool:
    """Whether a module makes queries, keys and values head by head, which no layer of a file is known to do."""
    return owner.kind == "by heads" and fused(Owner(owner.name, owner.words, owner.arrays))


def joined(owners: Sequence[Owner], *, attention: bool) -> list[Owner]:
    """
    Owners with each triple as one.

    Args:
        owners: Of one side.
        attention: Whether the other side has them in the roles of ``torch.nn.MultiheadAttention``.
    """
    found: dict[str, Owner] = {owner.name: owner for owner in owners}
    for place, those in triples(owners).items():
        arrays: dict[str, Array] = {}
        for role in those[0].arrays:
            parts = tuple(owner.arrays[role] for owner in those)
            name = ", ".join(part.name for part in parts)
            key = ROLES.get(role, role) if attention else role
            arrays[key] = Array(name, parts[0].shape, parts[0].word, parts[0].axes, (), parts)
        for owner in those:
            del found[owner.name]
        name = ", ".join(owner.name for owner in those)
        found[name] = Owner(name, place, arrays)
    return list(found.values())


def as_one(sources: Sequence[Owner], targets: Sequence[Owner]) -> tuple[list[Owner], list[Owner]]:
    """Both sides with what is fused on one of them fused on the other."""
    whole, parts = [owner for owner in targets if fused(owner)], triples(targets)
    if whole and not parts and triples(sources) and not any(map(fused, sources)):
        attention = any(owner.kind == "attention" for owner in whole)
        shorter = [owner.called(bare(owner.words)) if fused(owner) else owner for owner in targets]
        return joined(sources, attention=attention), shorter
    if parts and any(map(fused, sources)) and not whole and not triples(sources):
        shorter = [owner.called(bare(owner.words)) if fused(owner) else owner for owner in sources]
        return shorter, joined(targets, attention=False)
    return list(sources), list(targets)
