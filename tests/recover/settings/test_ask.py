"""Which settings are asked for, in which order, and which are left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.recover.settings.drafts import answers, bn_arrays, chain, graph, label, layer

from regraft.blueprint import Choice, LayerSpec
from regraft.layers.base import build
from regraft.recover.draft import Draft, Hints
from regraft.recover.question import Option, Question
from regraft.recover.settings import ask
from regraft.recover.settings.functions import short


def asked(draft: Draft) -> Draft:
    return ask(draft, Hints())


def dense(name: str, units: int, **settings: object) -> LayerSpec:
    return layer("Dense", name, units=units, **settings)  # type: ignore[arg-type]


def conv(name: str, filters: int, **settings: object) -> LayerSpec:
    return layer("Conv2D", name, filters=filters, kernel_size=(3, 3), strides=(1, 1), dilation_rate=(1, 1), **settings)  # type: ignore[arg-type]


UP = layer("Conv2DTranspose", "up", filters=5, kernel_size=(3, 3), strides=(2, 2), dilation_rate=(1, 1))
HEADS = [
    # last layer, layers before it, best answer, label
    (dense("dense_9", 10), [conv("conv2d", 4), layer("Flatten", "flatten")], "softmax", "assumed"),
    (dense("dense_9", 1), [dense("dense", 7)], "linear", "open"),
    (
        dense("dense_9", 1),
        [layer("Embedding", "embedding", input_dim=9, output_dim=4), layer("LSTM", "lstm", units=6)],
        "sigmoid",
        "assumed",
    ),
    (dense("dense_9", 3), [conv("conv2d", 4), layer("Flatten", "flatten")], "softmax", "assumed"),
    (dense("logits", 10), [dense("dense", 7)], "linear", "assumed"),
    (dense("age", 1), [dense("dense", 7)], "linear", "assumed"),
    (dense("out_tanh", 4), [dense("dense", 7)], "tanh", "assumed"),
    (conv("conv2d_9", 1), [conv("conv2d", 4), layer("UpSampling2D", "up", size=(2, 2))], "sigmoid", "assumed"),
    (
        conv("conv2d_9", 3),
        [dense("dense", 48), layer("Reshape", "reshape", target_shape=(2, 2, 12)), UP],
        "tanh",
        "assumed",
    ),
    (
        layer("Activation", "predictions", activation="linear"),
        [conv("conv2d", 7), layer("GlobalAveragePooling2D", "pool")],
        "softmax",
        "assumed",
    ),
]


@pytest.mark.parametrize(("last", "before", "best", "how"), HEADS, ids=[f"{row[0].name}-{row[2]}" for row in HEADS])
def test_output_function_by_convention(last: LayerSpec, before: list[LayerSpec], best: str, how: str) -> None:
    draft = asked(chain(*before, last))
    assert short(answers(draft, last.name)[0]) == best
    assert label(draft, last.name) == how
    assert {"softmax", "sigmoid", "linear", "tanh"} <= {short(value) for value in answers(draft, last.name)}


def test_hidden_layers_share_a_question_whose_best_answer_is_relu_everywhere() -> None:
    draft = asked(chain(dense("a", 8), dense("b", 6), dense("c", 3)))
    question = next(q for q in draft.questions if ("a", "activation") in q.options[0].edits)
    assert ("b", "activation") in question.options[0].edits
    assert ("c", "activation") not in question.options[0].edits
    assert question.options[0].edits == {("a", "activation"): "relu", ("b", "activation"): "relu"}
    both = [(o.edits["a", "activation"], o.edits["b", "activation"]) for o in question.options]
    assert ("tanh", "tanh") in both
    assert ("relu", "linear") in both
    assert both.index(("tanh", "tanh")) < 12
    assert len(set(map(str, both))) == len(both)
    assert [o.cost for o in question.options] == sorted(o.cost for o in question.options)


def test_an_activation_layer_behind_leaves_none_inside() -> None:
    draft = asked(
        chain(
            conv("conv2d", 4),
            layer("BatchNormalization", "bn"),
            layer("MaxPooling2D", "pool", pool_size=(2, 2), strides=None),
            layer("ReLU", "re_lu"),
            conv("conv2d_1", 5),
            layer("LeakyReLU", "leaky"),
        )
    )
    # A function in front of another one is rare, and no secret.
    for name in ("conv2d", "conv2d_1"):
        assert answers(draft, name)[:2] == ["linear", "relu"]
        assert label(draft, name) == "assumed"
    assert {short(s) for s in ("0.2", "0.3")} <= {str(v) for v in answers(draft, "leaky", "negative_slope")}
    assert label(draft, "leaky", "negative_slope") == "open"
    assert answers(draft, "re_lu", "max_value")[:2] == [None, 6.0]


def test_many_layers_in_front_of_activation_layers_are_not_asked_for() -> None:
    rows = [row for i in range(13) for row in (dense(f"d{i}", 5 + i), layer("ReLU", f"re_lu_{i}"))]
    draft = asked(chain(*rows, dense("out", 3)))
    settled = {choice.subject: choice for choice in draft.choices}
    assert not answers(draft, "d0")
    assert settled["d0.activation"].value == settled["d12.activation"].value == "linear"
    assert settled["d0.activation"].label == "assumed"


def test_every_function_is_an_option_for_every_layer() -> None:
    draft = asked(chain(*(dense(f"d{i}", 5 + i) for i in range(12)), dense("out", 3)))
    for i in range(12):
        assert {"relu", "relu6", "leaky 0.01", "softsign"} <= {short(value) for value in answers(draft, f"d{i}")}


def test_alpha_dropout_speaks_of_selu() -> None:
    draft = asked(chain(dense("a", 8), layer("AlphaDropout", "drop", rate=0.1), dense("b", 6), dense("c", 3)))
    assert answers(draft, "a")[0] == "selu"


def test_names_that_state_a_function_are_believed() -> None:
    draft = asked(chain(dense("fc_tanh", 8), dense("dense_1", 6), dense("dense_2", 3)))
    assert answers(draft, "fc_tanh")[0] == "tanh"
    assert answers(draft, "dense_1")[0] == "relu"


def test_wrapped_layers_are_reached_with_dots() -> None:
    inner = dense("inner", 6)
    draft = asked(
        chain(
            layer("Bidirectional", "bi", layer=layer("LSTM", "lstm", units=4, return_sequences=True)),
            layer("TimeDistributed", "td", layer=inner),
            shape=(7, 3),
        )
    )
    assert answers(draft, "bi", "layer.activation")[0] == "tanh"
    assert answers(draft, "bi", "layer.recurrent_activation")[0] == "sigmoid"
    assert "softmax" in answers(draft, "td", "layer.activation")


VERSIONS = [
    ("1.2.2", "hard_sigmoid_keras2"),
    ("2.2.4", "hard_sigmoid_keras2"),
    ("2.3.1", "sigmoid"),
    ("2.4.0", "sigmoid"),
    ("3.3.0", "sigmoid"),
]


@pytest.mark.parametrize(("version", "gate"), VERSIONS)
def test_recurrent_activation_by_version(version: str, gate: str) -> None:
    draft = asked(chain(layer("LSTM", "lstm", units=4), shape=(7, 3), version=version))
    found = answers(draft, "lstm", "recurrent_activation")
    assert found[0] == gate
    assert {"sigmoid", "hard_sigmoid" if version.startswith("3") else "hard_sigmoid_keras2"} <= set(map(str, found))


@pytest.mark.parametrize(("resets", "gate"), [(True, "sigmoid"), (False, "hard_sigmoid_keras2")])
def test_the_biases_of_a_gru_tell_tensorflow_2_from_1(resets: bool, gate: str) -> None:
    draft = asked(chain(layer("GRU", "gru", units=4, reset_after=resets), shape=(7, 3), version="2.2.4-tf"))
    assert answers(draft, "gru", "recurrent_activation")[0] == gate


@pytest.mark.parametrize(("rows", "mode"), [(8, ["concat"]), (4, ["sum", "ave", "mul"])])
def test_the_next_kernel_tells_how_a_bidirectional_merges(rows: int, mode: list[str]) -> None:
    arrays = {"dense": [np.ones((rows, 3), "float32"), np.zeros(3, "float32")]}
    wrapped = layer(
        "Bidirectional", "bi", layer=layer("SimpleRNN", "rnn", units=4), merge_mode="sum" if rows == 4 else "concat"
    )
    draft = asked(chain(wrapped, layer("Dropout", "dropout", rate=0.1), dense("dense", 3), shape=(7, 3), arrays=arrays))
    assert answers(draft, "bi", "merge_mode") == mode


def test_a_second_layer_that_reads_the_same_may_read_backwards() -> None:
    layers = [
        layer("InputLayer", "input", batch_shape=(None, 7, 3)),
        layer("LSTM", "a", units=4),
        layer("LSTM", "b", units=4),
        layer("Concatenate", "join"),
        dense("dense", 2),
    ]
    edges = {"a": ["input"], "b": ["input"], "join": ["a", "b"], "dense": ["join"]}
    draft = asked(graph(layers, edges, ["dense"]))
    best_two = answers(draft, "b", "go_backwards")[:2]
    assert sorted(map(bool, best_two)) == [False, True]  # type: ignore[arg-type]
    assert label(draft, "b", "go_backwards") == "open"


def rows(first: float) -> np.ndarray:
    table = np.random.default_rng(1).uniform(-0.05, 0.05, (20, 3))
    table[10:] *= 9.0
    table[0] = first
    return table


TABLES = [(rows(0.8), False, "supported"), (rows(0.03), None, "open"), (np.zeros((20, 3)), None, "open")]


@pytest.mark.parametrize(("table", "best", "how"), TABLES, ids=["trained", "as drawn", "zeros"])
def test_a_trained_first_row_excludes_a_mask(table: np.ndarray, best: bool | None, how: str) -> None:
    embedding = layer("Embedding", "embedding", input_dim=20, output_dim=3)
    draft = asked(chain(embedding, layer("LSTM", "lstm", units=4), shape=(7,), arrays={"embedding": [table]}))
    assert label(draft, "embedding", "mask_zero") == how
    assert best is None or answers(draft, "embedding", "mask_zero")[0] is best


def test_a_mask_that_nothing_uses_is_not_asked_for() -> None:
    embedding = layer("Embedding", "embedding", input_dim=20, output_dim=3)
    draft = asked(chain(embedding, layer("Flatten", "flatten"), dense("dense", 2), shape=(7,)))
    assert not answers(draft, "embedding", "mask_zero")


def test_what_another_stage_decided_is_left_alone() -> None:
    draft = chain(dense("a", 8), dense("b", 6), dense("c", 3))
    taken = replace(
        draft,
        choices=(Choice("a.activation", "tanh", ("tanh",), "supported", "seen"),),
        questions=(Question((Option(0.0, {("c", "activation"): "linear"}),), "open"),),
    )
    found = asked(taken)
    assert not answers(found, "a")
    assert answers(found, "c") == ["linear"]
    assert answers(found, "b")


def test_a_known_family_is_asked_for_its_outputs_alone() -> None:
    found = asked(
        replace(
            chain(conv("conv2d", 4), layer("BatchNormalization", "bn"), layer("Flatten", "f"), dense("top", 5)),
            family="X",
        )
    )
    assert [set(q.options[0].edits) for q in found.questions] == [{("top", "activation")}]


def test_required_settings_get_a_value_so_that_the_layer_can_be_built() -> None:
    bare = LayerSpec("activation", "Activation", {})
    draft = asked(chain(dense("a", 4), bare, LayerSpec("scale", "Rescaling", {}), dense("b", 2)))
    for spec in draft.blueprint.layers:
        build(spec)
    assert answers(draft, "scale", "scale")[:2] == [1 / 255, 1 / 127.5]


NORM_ANSWERS = [
    ("BatchNormalization", "3.3.0", 1e-3, 1e-5),
    ("BatchNormalization", "1.1.0", 1e-5, 1e-6),
    ("LayerNormalization", "3.3.0", 1e-3, 1e-6),
]


@pytest.mark.parametrize(("kind", "version", "best", "other"), NORM_ANSWERS)
def test_epsilon_is_the_default_of_the_version_first(kind: str, version: str, best: float, other: float) -> None:
    draft = asked(chain(dense("a", 4), layer(kind, "norm"), dense("b", 2), version=version))
    found = answers(draft, "norm", "epsilon")
    assert found[0] == best
    assert other in found


def test_groups_divide_the_channels() -> None:
    arrays = {"norm": [np.ones(12, "float32"), np.zeros(12, "float32")]}
    draft = asked(
        chain(
            conv("conv2d", 12), layer("GroupNormalization", "norm"), conv("conv2d_1", 2), shape=(9, 8, 3), arrays=arrays
        )
    )
    assert set(answers(draft, "norm", "groups")) == {4, 2, 1, 12}


def test_opposite_biases_speak_for_a_softmax_and_lopsided_ones_against_it() -> None:
    rng = np.random.default_rng(3)
    kernel = rng.normal(size=(30, 2))
    opposite = asked(chain(dense("a", 2), shape=(30,), arrays={"a": [kernel, np.array([0.3, -0.3])]}))
    apart = asked(chain(dense("a", 2), shape=(30,), arrays={"a": [kernel, np.array([0.3, 0.1])]}))

    def cost(draft: Draft, function: str) -> float:
        (question,) = [q for q in draft.questions if ("a", "activation") in q.options[0].edits]
        costs = {o.edits["a", "activation"]: o.cost for o in question.options}
        return costs[function] - costs["sigmoid"]

    assert cost(opposite, "softmax") + 7.9 < cost(apart, "softmax")


def test_twin_outputs_have_one_question_and_others_their_own() -> None:
    layers = [
        layer("InputLayer", "input", batch_shape=(None, 5)),
        dense("trunk", 8),
        dense("a", 4),
        dense("b", 4),
        dense("value", 1),
    ]
    edges = {"trunk": ["input"], "a": ["trunk"], "b": ["trunk"], "value": ["trunk"]}
    draft = asked(graph(layers, edges, ["a", "b", "value"]))
    keys = [set(q.options[0].edits) for q in draft.questions]
    assert {("a", "activation"), ("b", "activation")} in keys
    assert {("value", "activation")} in keys
    pairs = list(zip(answers(draft, "a"), answers(draft, "b"), strict=True))
    assert pairs[0][0] == pairs[0][1]
    assert any(x != y for x, y in pairs)


def nan_arrays() -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(5)
    bad = bn_arrays(rng, 4)
    bad[2][1], bad[3][2] = np.nan, -1.0
    never = [np.ones(4), np.zeros(4), np.zeros(4), np.ones(4)]
    return {
        "a": [rng.normal(size=(3, 3, 3, 4)), np.full(4, np.nan)],
        "bn": bad,
        "b": [np.full((3, 3, 4, 4), np.inf), np.zeros(4)],
        "bn_1": never,
    }


@pytest.mark.parametrize("complete", [True, False])
def test_absurd_values_are_no_error(complete: bool) -> None:
    draft = asked(
        chain(
            conv("a", 4),
            layer("BatchNormalization", "bn"),
            conv("b", 4),
            layer("BatchNormalization", "bn_1"),
            conv("c", 2),
            shape=(9, 8, 3),
            arrays=nan_arrays(),
            complete=complete,
        )
    )
    assert all(np.isfinite(o.cost) for q in draft.questions for o in q.options)
    assert label(draft, "a") == "assumed"


def test_layers_that_are_unknown_or_do_not_fit_are_left_out() -> None:
    strange = LayerSpec("mystery", "Mystery", {"activation": "x"}, unknown="no such layer")
    broken = LayerSpec("broken", "Dense", {"units": 3, "colour": "red"})
    draft = asked(chain(dense("a", 4), strange, broken, dense("b", 2), arrays={"a": [np.ones((9, 9, 9))]}))
    assert not answers(draft, "mystery")
    assert not answers(draft, "broken")
    assert answers(draft, "b")
