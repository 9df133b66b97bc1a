"""Answers in words: they are parsed by the setting's kind, narrow questions, and bad ones say what there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recover.settings.drafts import answers, chain, layer

from regraft.blueprint import LayerSpec, Setting
from regraft.blueprint.words import words
from regraft.errors import BlueprintError
from regraft.recover.draft import Draft, Hints
from regraft.recover.question import Option, Question
from regraft.recover.settings import answered, ask
from regraft.recover.settings.answers import value_at, with_answer
from regraft.recover.settings.literals import literal


def draft() -> Draft:
    made = chain(
        layer("Conv2D", "conv2d_3", filters=4, kernel_size=(3, 3), strides=(1, 1), dilation_rate=(1, 1)),
        layer("BatchNormalization", "bn"),
        layer("ZeroPadding2D", "pad", padding=((1, 1), (1, 1))),
        layer("LeakyReLU", "leaky"),
        layer("Flatten", "flatten"),
        layer("Dense", "dense", units=6),
        layer("Dense", "dense.b", units=3),
        LayerSpec("mystery", "Mystery", {"alpha": 1}, unknown="no such layer"),
        shape=(9, 8, 3),
    )
    return ask(made, Hints())


GOOD: list[tuple[str, str, tuple[str, str], Setting]] = [
    ("conv2d_3.strides", "2", ("conv2d_3", "strides"), (2, 2)),
    ("conv2d_3.strides", "(2, 1)", ("conv2d_3", "strides"), (2, 1)),
    ("conv2d_3.padding", "same", ("conv2d_3", "padding"), "same"),
    ("conv2d_3.activation", "tanh", ("conv2d_3", "activation"), "tanh"),
    (
        "conv2d_3.activation",
        "LeakyReLU(negative_slope=0.2)",
        ("conv2d_3", "activation"),
        LayerSpec("leakyrelu", "LeakyReLU", {"negative_slope": 0.2}),
    ),
    ("conv2d_3.use_bias", "true", ("conv2d_3", "use_bias"), True),
    ("bn.epsilon", "1e-5", ("bn", "epsilon"), 1e-5),
    ("bn.epsilon", "1", ("bn", "epsilon"), 1.0),
    ("pad.padding", "(0, 1), (2, 3)", ("pad", "padding"), ((0, 1), (2, 3))),
    ("leaky.negative_slope", "0.2", ("leaky", "negative_slope"), 0.2),
    ("dense.activation", "swish", ("dense", "activation"), "silu"),
    ("dense.b.activation", "softmax", ("dense.b", "activation"), "softmax"),
    ("mystery.alpha", "3", ("mystery", "alpha"), 3),
]


@pytest.mark.parametrize(("subject", "text", "key", "value"), GOOD, ids=[f"{g[0]}={g[1]}" for g in GOOD])
def test_values_are_parsed_by_kind(subject: str, text: str, key: tuple[str, str], value: Setting) -> None:
    found = answered(draft(), {subject: text})
    assert value_at(found.blueprint, key) == value
    (choice,) = [c for c in found.choices if c.subject == ".".join(key)]
    assert (choice.label, choice.evidence, choice.value) == ("proved", "stated by the user", words(value))
    assert choice.candidates == (choice.value,)
    assert not answers(found, *key), "it is no question any more"
    assert with_answer(draft().blueprint, subject, text).by_name[key[0]] == found.blueprint.by_name[key[0]]


BAD = [
    ("convolution.strides", "2", "no such layer"),
    ("convolution.strides", "2", "conv2d_3, bn, pad"),
    ("conv2d_3.stride", "2", "kernel_size, strides, padding"),
    ("conv2d_3.strides", "1, 2, 3", "expected 2 sizes"),
    ("conv2d_3.strides", "wide", "does not take"),
    ("conv2d_3.padding", "around", "does not take"),
    ("conv2d_3.use_bias", "maybe", "true or false"),
    ("bn.epsilon", "small", "a number"),
    ("dense.activation", "rellu", "'rellu'"),
    ("dense.units.more", "3", "no setting"),
    ("nothing", "3", "no such layer"),
]


@pytest.mark.parametrize(("subject", "text", "says"), BAD, ids=[f"{b[0]}={b[1]}" for b in BAD])
def test_bad_answers_say_what_there_is(subject: str, text: str, says: str) -> None:
    with pytest.raises(BlueprintError) as found:
        answered(draft(), {subject: text})
    assert says in str(found.value)
    assert subject.partition(".")[0] in str(found.value)


def test_an_answer_keeps_the_options_that_agree_with_it() -> None:
    before = ask(chain(*(layer("Dense", n, units=4 + i) for i, n in enumerate("abc"))), Hints())
    found = answered(before, {"a.activation": "tanh"})
    assert not answers(found, "a")
    assert answers(found, "b")[0] == "tanh", "the habit of the network follows the answer"
    assert value_at(found.blueprint, ("a", "activation")) == "tanh"


def test_an_answer_that_no_option_has_is_put_in_and_leaves_the_others_open() -> None:
    before = ask(chain(*(layer("Dense", n, units=4 + i) for i, n in enumerate("abc"))), Hints())
    found = answered(before, {"a.activation": "hard_shrink"})
    assert value_at(found.blueprint, ("a", "activation")) == "hard_shrink"
    assert answers(found, "b")[0] == "relu"


def test_a_wrapper_passes_on_what_it_does_not_have() -> None:
    made = ask(chain(layer("Bidirectional", "bi", layer=layer("LSTM", "lstm", units=4)), shape=(7, 3)), Hints())
    for subject in ("bi.layer.activation", "bi.activation"):
        found = answered(made, {subject: "relu", "bi.merge_mode": "sum"})
        assert value_at(found.blueprint, ("bi", "layer.activation")) == "relu"
        assert value_at(found.blueprint, ("bi", "merge_mode")) == "sum"
        assert {c.subject for c in found.choices} >= {"bi.layer.activation", "bi.merge_mode"}
    with pytest.raises(BlueprintError):
        answered(made, {"bi.layer": "LSTM(units=4)x"})


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.sampled_from(["same", "valid", "channels_last"])
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, min_size=2, max_size=3).map(tuple),
    max_leaves=6,
)  # fmt: skip


@given(values)
def test_what_words_write_literals_read(value: Setting) -> None:
    assert literal(words(value)) == value


def test_an_option_that_does_not_mention_the_setting_leaves_it_as_it_was() -> None:
    made = chain(layer("Dense", "a", units=4), layer("Dense", "b", units=3))
    asked = made.add(
        Question((Option(0.0), Option(1.0, {("a", "use_bias"): False, ("b", "use_bias"): False})), "assumed")
    )
    off = answered(asked, {"a.use_bias": "false"})
    assert [dict(o.edits) for q in off.questions for o in q.options] == [{("b", "use_bias"): False}]
    on = answered(asked, {"a.use_bias": "true"})
    assert not on.questions, "only the option without edits is left"
    other = answered(asked, {"a.activation": "relu"})
    assert len(other.questions[0].options) == 2, "a question about something else stays"
