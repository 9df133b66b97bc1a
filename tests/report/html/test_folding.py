from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.report.html.folding import SMALL, Group, Item, Unit, flat, fold, stem, title
from regraft.report.html.runs import Run, best_runs


def chain(types: Sequence[str], names: Sequence[str] | None = None) -> list[Unit]:
    return [Unit(names[i] if names else f"l{i}", kind, kind, (i - 1,) if i else ()) for i, kind in enumerate(types)]


def drawn(items: Sequence[Item]) -> list[object]:
    return [[item.kind[0], *drawn(item.members)] if isinstance(item, Group) else item for item in items]


@st.composite
def graphs(draw: st.DrawFn) -> list[Unit]:
    """Anything that runs from first to last, with patterns that repeat more often than by chance."""
    pattern = draw(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 5)), min_size=1, max_size=7))
    rest = draw(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 40)), max_size=12))
    count = draw(st.integers(1, 12))
    steps = [*rest[: len(rest) // 2], *pattern * count, *rest[len(rest) // 2 :]]
    named = draw(st.booleans())
    units: list[Unit] = []
    for i, (kind, back) in enumerate(steps):
        inputs = {i - 1, i - back} if i else set()
        name = f"block_{i // 5}_{kind}" if named else f"{kind}{i}"
        units.append(Unit(name, kind, kind + str(back % 2), tuple(sorted(p for p in inputs if p >= 0))))
    return units


@given(graphs())
def test_unfolding_gives_the_same_graph(units: list[Unit]) -> None:
    assert list(flat(fold(units))) == list(range(len(units)))


@given(graphs())
def test_a_group_is_a_stretch_and_holds_more_than_one(units: list[Unit]) -> None:
    todo = list(fold(units))
    while todo:
        item = todo.pop()
        if isinstance(item, Group):
            inner = list(flat((item,)))
            assert inner == list(range(inner[0], inner[-1] + 1))
            assert len(item.members) > 1
            assert item.kind == "repeat" or all(isinstance(member, int) for member in item.members)
            todo += item.members


@given(graphs())
def test_the_folded_graph_has_no_cycle(units: list[Unit]) -> None:
    place = {unit: i for i, item in enumerate(fold(units)) for unit in flat((item,))}
    assert all(place[source] <= place[i] for i, unit in enumerate(units) for source in unit.inputs)


def test_a_small_model_is_drawn_as_it_is() -> None:
    assert fold(chain(["a", "b"] * (SMALL // 2))) == tuple(range(SMALL))


def test_blocks_of_a_chain_and_what_stands_around_them() -> None:
    units = chain(["in", *["conv", "bn", "relu"] * 9, "pool"])
    assert drawn(fold(units)) == [0, ["r", *(["b", i, i + 1, i + 2] for i in range(1, 28, 3))], 28]


def test_blocks_that_look_different_stay_apart() -> None:
    like = chain(["in", *["conv", "bn", "relu"] * 9])
    units = [Unit(u.name, u.type, f"{u.type} {(i - 1) // 9}", u.inputs) for i, u in enumerate(like)]
    assert [item[0] if isinstance(item, list) else item for item in drawn(fold(units))] == [0, "r", "r", "r"]


def test_a_branched_segment_is_a_block() -> None:
    tail = ["dense"] + [f"t{i}" for i in range(22)]
    types = ["in", "conv", "left", "right", "add", *tail]
    inputs = [(), (0,), (1,), (1,), (2, 3), *((i - 1,) for i in range(5, 28))]
    units = [Unit(f"l{i}", kind, kind, taken) for i, (kind, taken) in enumerate(zip(types, inputs, strict=True))]
    assert drawn(fold(units))[:4] == [0, 1, ["b", 2, 3, 4], 5]


def test_names_tell_where_blocks_begin() -> None:
    names = ["stem", *(f"block_{i}_{part}" for i in range(8) for part in ("pad", "conv", "add"))]
    units = chain(["conv", *["pad", "conv", "add"] * 8], names)
    folded = fold(units)
    assert list(flat(folded[:1])) == [0]
    assert [list(flat((block,))) for block in folded[1].members] == [[i, i + 1, i + 2] for i in range(1, 25, 3)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("block_3_expand_BN", "block_3"),
        ("conv2_block1_1_bn", "conv2_block1"),
        ("block1a_dwconv", "block1a"),
        ("outer/res2a_branch2a", "res2a"),
        ("conv1_relu", "conv1"),
        ("conv2d_3", ""),
        ("batch_normalization_4", ""),
        ("dense", ""),
        ("9" * 10_000, ""),
    ],
)
def test_stem(name: str, expected: str) -> None:
    assert stem(name) == expected


@pytest.mark.parametrize(
    ("names", "types", "expected"),
    [
        (["block_3_a", "block_3_b"], ["Conv2D", "Add"], "block_3"),
        (["a", "b"], ["Conv2D", "Add"], "Residual block"),
        (["a", "b"], ["Conv2D", "Concatenate"], "Branched block"),
        (["a", "b", "c"], ["BatchNormalization", "ReLU", "Conv2D"], "Conv2D block"),
        (["a", "b"], ["ReLU", "Dropout"], "ReLU block"),
    ],
)
def test_title(names: list[str], types: list[str], expected: str) -> None:
    assert title(names, types) == expected


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ("xabababy", [Run(1, 7, 2)]),
        ("abcabcabcxdedede", [Run(0, 9, 3), Run(10, 16, 2)]),
        ("abcdefgh", []),
        ("aaaaaa", []),  # one layer after the other is no block
        ("", []),
    ],
)
def test_runs(elements: str, expected: list[Run]) -> None:
    assert best_runs(elements, [1] * len(elements), [0] * len(elements), 24) == expected


def test_runs_begin_where_names_part() -> None:
    ties = [0, 0, 1, 0, 1, 0, 1, 0]
    assert best_runs("babababa", [1] * 8, ties, 24) == [Run(1, 7, 2)]
