"""Square matrices that the file calls by no telling name: the others of that name say how they lie."""

from __future__ import annotations

from regraft.graft.by_names import pair
from regraft.graft.naming import words_of
from regraft.graft.orientation import assumptions, settled
from regraft.graft.owner import Array, Owner


def sources(*shapes: tuple[int, int]) -> list[Owner]:
    return [
        Owner(n, words_of([n]), {"weight": Array(f"{n}/weight", s, "weight")})
        for n, s in zip("abcd", shapes, strict=False)
    ]


def targets(*shapes: tuple[int, int]) -> list[Owner]:
    return [
        Owner(n, words_of([n]), {"weight": Array(f"{n}.weight", s, "", "cout cin")})
        for n, s in zip("abcd", shapes, strict=False)
    ]


def test_alone_it_is_said() -> None:
    pairs, problems = settled(pair(sources((4, 4)), targets((4, 4))).pairs)
    assert not problems
    assert "a: weight is multiplied from the right" in assumptions(pairs)[0]


def test_others_prove_it() -> None:
    pairs, problems = settled(pair(sources((4, 4), (3, 5)), targets((4, 4), (5, 3))).pairs)
    assert not problems
    assert not assumptions(pairs)


def test_others_contradict_it() -> None:
    _, problems = settled(pair(sources((4, 4), (5, 3)), targets((4, 4), (5, 3))).pairs)
    assert problems == ["a is square, and other matrices that the file calls weight lie turned: it may be either"]
