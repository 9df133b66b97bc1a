"""Why a module is not filled by names, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from regraft.graft.by_names import pair
from regraft.graft.leftover import problems, said
from regraft.graft.naming import counted, words_of
from regraft.graft.owner import Array, Owner


def owners(arrays: Mapping[str, Mapping[str, Array]]) -> list[Owner]:
    words = counted([words_of(name.split(".")) for name in arrays])
    return [Owner(name, word, own) for (name, own), word in zip(arrays.items(), words, strict=True)]


def dense(shape: tuple[int, ...], **more: Array) -> dict[str, Array]:
    return {"weight": Array(f"kernel {shape}", shape, "kernel"), **more}


def linear(shape: tuple[int, ...], *again: str) -> dict[str, Array]:
    return {"weight": Array(f"weight {shape}", shape, "", "cout cin", again)}


def told(sources: Mapping[str, Mapping[str, Array]], targets: Mapping[str, Mapping[str, Array]]) -> str:
    arrays = {array.name: np.full(array.shape, i) for i, own in enumerate(sources.values()) for array in own.values()}
    return "\n".join(problems(pair(owners(sources), owners(targets)), arrays.__getitem__))


BODY, SAME = {"body": dense((3, 5))}, {"body": linear((5, 3))}


@pytest.mark.parametrize(
    ("sources", "targets", "expected"),
    [
        (BODY, SAME, ""),
        ({"a": dense((3, 5))}, {"b": linear((4, 7))}, "is this the architecture of the file?"),
        ({**BODY, "head": dense((5, 9))}, {**SAME, "head": linear((8, 5))}, "head is called as head, and does not fit it"),
        ({**BODY, "x": dense((5, 9))}, {**SAME, "x": linear((8, 5))}, "weight expected (8, 5), cout cin, the file has (5, 9)"),
        (
            {**BODY, "head": dense((5, 9), bias=Array("b", (9,), "bias"))},
            {**SAME, "head": linear((9, 5))},
            "it has no place for bias (9,)",
        ),
        (
            {**BODY, "one": dense((4, 4)), "two": dense((4, 4))},
            {**SAME, "a": linear((4, 4)), "b": linear((4, 4))},
            "one fits a, b, and the names do not say which",
        ),
        ({**BODY, "lstm": dense((3, 8), recurrent=Array("r", (2, 8), "recurrent_kernel"))}, SAME, "lstm: is recurrent"),
        (
            {"table": dense((4, 6)), "head": {"weight": Array("scores", (4, 6), "kernel")}},
            {"table": linear((6, 4), "head.weight")},
            "and head.weight, the file has two that differ: head has no place",
        ),
    ],
)  # fmt: skip
def test_problems(
    sources: Mapping[str, Mapping[str, Array]], targets: Mapping[str, Mapping[str, Array]], expected: str
) -> None:
    found = told(sources, targets)
    assert expected in found
    assert bool(found) == bool(expected)


def test_two_that_are_left_and_share_no_name_are_only_said() -> None:
    sources = {**BODY, "pooler": dense((4, 4)), "x_1": dense((2, 2)), "x_2": dense((2, 2))}
    targets = {**SAME, "transform": linear((4, 4)), "x_1": linear((2, 2)), "x_2": linear((2, 2))}
    sources["other.pooler"] = dense((4, 4))
    targets["other.pooler"] = linear((4, 4))
    result = pair(owners(sources), owners(targets))
    assert not list(problems(result, lambda _: np.zeros(1)))
    assert [names for names, _ in said(result)] == [("pooler", "transform")]
