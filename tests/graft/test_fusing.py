"""Queries, keys and values: three layers that are one module, where the names say so."""

from __future__ import annotations

import pytest

from regraft.graft.fusing import as_one, fused, triples
from regraft.graft.naming import words_of
from regraft.graft.owner import Array, Owner


def owner(name: str, kind: str = "", role: str = "weight") -> Owner:
    return Owner(name, words_of(name.split("/")), {role: Array(f"{name}/{role}", (6, 4), "kernel")}, kind)


@pytest.mark.parametrize("names", [("query", "key", "value"), ("q_proj", "k_proj", "v_proj"), ("wq", "wk", "wv")])
def test_three_that_belong_together(names: tuple[str, str, str]) -> None:
    found = triples([owner(f"layer_0/{name}") for name in reversed(names)] + [owner("layer_0/out")])
    assert [[one.name for one in those] for those in found.values()] == [[f"layer_0/{name}" for name in names]]


def test_two_are_no_three() -> None:
    assert not triples([owner("a/query"), owner("a/key"), owner("b/value")])


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [("attn/qkv", "", True), ("attn/c_attn", "", True), ("attn", "attention", True), ("attn/c_proj", "", False)],
)
def test_what_holds_all_three(name: str, kind: str, expected: bool) -> None:
    assert fused(owner(name, kind)) is expected


def test_nothing_is_fused_where_both_sides_have_three() -> None:
    three = [owner(f"a/{name}") for name in ("query", "key", "value")]
    assert as_one(three, three) == (three, three)


def test_both_sides_fused_stay_so() -> None:
    whole = [owner("attn/c_attn")]
    assert as_one(whole, whole) == (whole, whole)


def test_three_become_one() -> None:
    three = [owner(f"a/attn/{name}") for name in ("query", "key", "value")]
    sources, _ = as_one(three, [owner("a/attn", "attention", "in_proj_weight")])
    (one,) = sources
    assert [part.name for part in one.arrays["in_proj_weight"].parts] == [
        f"a/attn/{n}/weight" for n in ("query", "key", "value")
    ]
