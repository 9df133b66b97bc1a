from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.weights.order import REPACKED, UNKNOWN, counted, counts_rise, layer_order, natural


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv2d", ("conv2d", 0)),
        ("conv2d_1", ("conv2d", 1)),
        ("dense_10", ("dense", 10)),
        ("p_re_lu", ("p_re_lu", 0)),
        ("_7", ("", 7)),
        ("a\nb_3", ("a\nb", 3)),
    ],
)
def test_counted(name: str, expected: tuple[str, int]) -> None:
    assert counted(name) == expected


@given(st.text(max_size=12), st.text(max_size=12))
def test_natural_tells_names_apart(one: str, other: str) -> None:
    assert (natural(one) == natural(other)) == (one == other)
    assert (natural(one) < natural(other)) != (natural(one) >= natural(other))


def test_natural() -> None:
    assert sorted(["10", "9", "a", "dense_10", "dense_2"], key=natural) == ["9", "10", "a", "dense_2", "dense_10"]


def test_enormous_number() -> None:
    assert natural("dense_" + "9" * 100_000)


@pytest.mark.parametrize(
    ("written", "source", "note"),
    [
        (["input_layer", "conv2d", "conv2d_1", "add"], "heap", ""),
        (["conv2d_1", "conv2d", "input_layer", "add"], "alphabetical", UNKNOWN),  # counters fall
        (["add", "conv2d", "conv2d_1", "input_layer"], "alphabetical", REPACKED),
        (["add", "conv2d", "conv2d_1"], "alphabetical", UNKNOWN),  # a name is missing
        (["add", "conv2d", "conv2d_1", "other"], "alphabetical", UNKNOWN),
        (None, "alphabetical", UNKNOWN),
    ],
)
def test_four_layers(written: list[str] | None, source: str, note: str) -> None:
    names = ["add", "conv2d", "conv2d_1", "input_layer"]
    order, found, said = layer_order(names, written)
    assert (found, said) == (source, note)
    assert list(order) == (written if source == "heap" else names)


def test_three_layers_may_be_alphabetical_by_chance() -> None:
    assert layer_order(["add", "conv2d", "dense"], ["add", "conv2d", "dense"])[1] == "heap"


def test_one_class_is_ordered_by_its_counter() -> None:
    names = ["dense", "dense_1", "dense_2", "dense_10"]
    assert layer_order(sorted(names), sorted(names)) == (tuple(names), "heap", "")


@given(st.lists(st.sampled_from(["a", "b_1", "b_2", "c_7"]), unique=True))
def test_counts_rise(names: list[str]) -> None:
    assert counts_rise(names) == (names.index("b_1") < names.index("b_2") if {"b_1", "b_2"} <= set(names) else True)
