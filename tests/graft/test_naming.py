"""Names as words: what means the same, which numbers are the same place, and how alike two names are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.graft.naming import Number, alike, counted, numbers_agree, words_of


def plain(name: str) -> list[str]:
    return [str(word.value) if isinstance(word, Number) else word for word in words_of(name.split("/"))]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bert/encoder/layer_._0/attention/self/query", "bert encoder layer 0 attention self query"),
        ("encoder/layer/0/attention/q_proj", "encoder layer 0 attention query projection"),
        ("encoder/block_._1/layer_._0/SelfAttention", "encoder layer 1 layer 0 self attention"),
        ("h_._3/ln_1", "layer 3 layer norm 1"),
        ("conv2d_3/Conv1D", "convolution 3 convolution"),
        ("block2_conv1", "layer 2 convolution 1"),
        ("DenseReluDense/wi_0", "dense relu dense wi 0"),
        ("mlm___cls/LayerNorm", "mlm class layer norm"),
    ],
)
def test_words(name: str, words: str) -> None:
    assert plain(name) == words.split()


SIDES = [
    # names of a side, and their last numbers counted from 0
    (["fc1", "fc2"], [0, 1]),
    (["fc0", "fc1"], [0, 1]),
    (["fc", "fc1", "fc2"], [None, 1, 2]),
    (["fc2", "fc3"], [2, 3]),
    (["a/fc1", "a/fc2", "b/fc0", "b/fc1"], [0, 1, 0, 1]),
]


@pytest.mark.parametrize(("names", "numbers"), SIDES)
def test_numbers_are_counted_from_0(names: list[str], numbers: list[int | None]) -> None:
    found = counted([words_of(name.split("/")) for name in names])
    assert [name[-1].value if isinstance(name[-1], Number) else None for name in found] == numbers


def side(*names: str) -> list[tuple[str | Number, ...]]:
    return counted([words_of(name.split("/")) for name in names])


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (["layer_0/a", "layer_1/a"], ["layers/1/a", "layers/0/a"], False),
        (["layer_1/a", "layer_2/a"], ["layers/0/a", "layers/1/a"], True),  # from 1 and from 0, both two
        (["layer_1/a", "layer_2/a"], ["layers/0/a", "layers/1/a", "layers/2/a"], False),  # as one has more
        (["layer_1/dense", "layer_0/dense"], ["layers/1/fc1", "layers/0/fc1", "layers/1/fc2"], True),
        (["layer_0/dense", "layer_1/dense"], ["layers/1/fc0", "layers/0/fc0", "layers/1/fc1"], False),  # the outer one
        (["layer_0/dense", "layer_1/dense"], ["net/0/layers/0/fc", "net/0/layers/1/fc"], True),  # alone at its place
        (["layer_0/dense", "layer_1/dense"], ["net/0/layers/1/fc", "net/0/layers/0/fc"], False),
        (["stage_1/a", "stage_0/a"], ["part/0/a", "part/1/a"], False),  # other words, the same numbers
        (["dense_1", "dense_0"], ["fc0", "fc1"], True),  # Keras counted: says nothing
        (["fc_1", "fc_0"], ["layers/0", "layers/1", "layers/3"], True),  # other numbers: says nothing
    ],
)
def test_the_numbers_of_two_names(one: list[str], other: list[str], agree: bool) -> None:
    assert numbers_agree(side(*one)[0], side(*other)[0]) is agree


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("attention/self/query", "attention/q_proj", "attention/k_proj"),
        ("attention/output/dense", "attention/o_proj", "attention/v_proj"),
        ("attention/output/dense", "attention/output/dense", "output/dense"),
        ("output/dense", "output/dense", "attention/output/dense"),
        ("encoder/layer_._1/output", "encoder/layer/1/output", "encoder/layer/0/output"),
        ("token_embedding", "tok_emb", "pos_emb"),
        ("encoder/norm", "enc/ln", "dec/ln"),
    ],
)
def test_the_right_name_is_more_alike(name: str, right: str, wrong: str) -> None:
    one, two = words_of(right.split("/")), words_of(wrong.split("/"))
    assert alike(words_of(name.split("/")), one) > alike(words_of(name.split("/")), two) + 0.02


def test_numbers_alone_say_nothing() -> None:
    assert alike(words_of(["one_1"]), words_of(["two_1"])) == 0


NAMES = st.lists(
    st.sampled_from(["encoder", "q", "out", "fc1", "layer_2", "attn", "ln", "dense_3"]), min_size=1, max_size=6
)


@given(NAMES, NAMES)
def test_laws(one: list[str], other: list[str]) -> None:
    (a,), (b,) = counted([words_of(one)]), counted([words_of(other)])
    assert 0 <= alike(a, b) <= 1
    assert alike(a, b) == pytest.approx(alike(b, a))
    assert alike(a, a) == 1
