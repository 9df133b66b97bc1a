"""The sizes of small drafts: what the facts force, what habits suggest, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.recover.geometry.nets import conv, dense, draft, lstm, norm, plain, setting

from regraft.blueprint import Blueprint, Call, LayerSpec, TensorRef
from regraft.layers.walk import model_shapes
from regraft.recover.draft import Draft, Hints, edited
from regraft.recover.geometry import fit
from regraft.recover.part import Grouping
from regraft.weights import WeightTree

MNIST = [
    plain("image", "InputLayer"),
    conv("first", 3, 1, 32),
    conv("second", 3, 32, 48),
    plain("pool", "MaxPooling2D"),
    plain("flat", "Flatten"),
    dense("hidden", 12 * 12 * 48, 64),
    dense("out", 64, 10),
]


def labels(found: Draft) -> dict[str, str]:
    return {choice.subject: choice.label for choice in found.choices}


def test_rows_of_a_dense_tell_paddings_and_pool() -> None:
    best = fit(draft(MNIST), Hints(((28, 28, 1),)))[0]
    assert [setting(best, f"{name}.padding") for name in ("first", "second")] == ["valid", "valid"]
    assert setting(best, "pool.pool_size") == (2, 2)
    assert "first.strides" not in labels(best)  # the default, and no other value comes near
    strided = fit(draft([*MNIST[:5], dense("hidden", 7 * 7 * 48, 64)]), Hints(((28, 28, 1),)))[0]
    assert set(labels(strided).values()) & {"assumed", "open"}
    assert model_shapes(best.blueprint)[TensorRef("flat")] == (None, 12 * 12 * 48)


@pytest.mark.parametrize(("rows", "padding"), [(14 * 14 * 48, "same"), (12 * 12 * 48, "valid")])
def test_padding_follows_the_rows(rows: int, padding: str) -> None:
    net = [*MNIST[:5], dense("hidden", rows, 64)]
    best = fit(draft(net), Hints(((28, 28, 1),)))[0]
    assert {setting(best, f"{name}.padding") for name in ("first", "second")} == {padding}


def test_an_input_that_nobody_states_is_found_from_the_rows() -> None:
    best = fit(draft(MNIST), Hints())[0]
    assert setting(best, "image.batch_shape") == (None, 28, 28, 1)
    # That 28 is usual is a convention.
    assert labels(best)["image.batch_shape"] == labels(best)["first.padding"] == "assumed"


def test_sizes_stay_open_where_nothing_depends_on_them() -> None:
    net = [
        plain("image", "InputLayer"),
        conv("one", 3, 3, 8),
        plain("mean", "GlobalAveragePooling2D"),
        dense("out", 8, 5),
    ]
    best = fit(draft(net), Hints())[0]
    assert setting(best, "image.batch_shape") == (None, None, None, 3)
    assert labels(best)["image.batch_shape"] == "open"


def test_channels_first_by_the_shape_of_the_input() -> None:
    net = [plain("image", "InputLayer"), conv("one", 3, 3, 8), norm("bn", 8), plain("pool", "MaxPooling2D")]
    best = fit(draft(net), Hints(((3, 20, 24),)))[0]
    assert setting(best, "one.data_format") == setting(best, "pool.data_format") == "channels_first"
    assert setting(best, "bn.axis") == 1
    assert labels(best)["data_format"] == "supported"


@pytest.mark.parametrize(
    ("behind", "returns"),
    [
        ([lstm("second", 12, 7), dense("out", 7, 3)], True),
        ([dense("out", 12, 3)], False),
        ([plain("spread", "RepeatVector"), lstm("second", 12, 7)], False),
    ],
)
def test_what_comes_behind_tells_whether_a_sequence_returns(behind: list, returns: bool) -> None:
    net = [plain("steps", "InputLayer"), lstm("first", 5, 12), *behind]
    best = fit(draft(net), Hints(((9, 5),)))[0]
    assert setting(best, "first.return_sequences") is returns


def test_a_reshape_makes_the_map_that_the_convolution_takes() -> None:
    net = [
        plain("noise", "InputLayer"),
        dense("wide", 20, 6 * 6 * 16),
        plain("map", "Reshape"),
        plain("up", "UpSampling2D"),
        conv("paint", 3, 16, 3),
    ]
    best = fit(draft(net), Hints(((20,),)))[0]
    assert setting(best, "map.target_shape") == (6, 6, 16)
    assert setting(best, "paint.padding") == "same"


def test_a_shortcut_is_as_small_as_its_branch() -> None:
    net = [
        plain("image", "InputLayer"),
        conv("stem", 3, 3, 8),
        conv("branch", 3, 8, 16, ["stem"]),
        plain("pool", "MaxPooling2D"),
        conv("shortcut", 1, 8, 16, ["stem"]),
        plain("sum", "Add", ["pool", "shortcut"]),
    ]
    best = fit(draft(net), Hints(((33, 33, 3),)))[0]
    shapes = model_shapes(best.blueprint)
    assert shapes[TensorRef("pool")] == shapes[TensorRef("shortcut")]
    assert setting(best, "shortcut.strides") == (2, 2)
    assert setting(best, "pool.padding") == "same"  # 33 halves to 17 at the shortcut


def test_a_u_net_ends_as_large_as_it_began() -> None:
    net = [
        plain("image", "InputLayer"),
        conv("down", 3, 1, 8),
        plain("pool", "MaxPooling2D"),
        conv("deep", 3, 8, 16),
        plain("up", "UpSampling2D"),
        plain("join", "Concatenate", ["up", "down"]),
        conv("out", 3, 24, 1),
    ]
    best = fit(draft(net), Hints(((40, 48, 1),)))[0]
    assert model_shapes(best.blueprint)[TensorRef("out")] == (None, 40, 48, 1)


def test_an_answer_of_the_user_is_kept() -> None:
    best = fit(draft(MNIST[:4]), Hints(((28, 28, 1),), {"first.strides": "2", "pool.pool_size": "3"}))[0]
    assert setting(best, "first.strides") == (2, 2)
    assert setting(best, "pool.pool_size") == (3, 3)


def test_layers_without_variables_are_put_in_where_the_file_lists_none() -> None:
    net = [row for row in MNIST if row[1] not in ("MaxPooling2D", "Flatten")]
    best = fit(draft(net, complete=False), Hints(((28, 28, 1),)))[0]
    kinds = [spec.type for spec in best.blueprint.layers]
    assert kinds == ["InputLayer", "Conv2D", "Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dense"]
    best.blueprint.check()
    assert model_shapes(best.blueprint)[TensorRef("flatten")] == (None, 12 * 12 * 48)


def test_a_generator_without_its_reshape() -> None:
    net = [plain("noise", "InputLayer"), dense("wide", 20, 5 * 5 * 16), conv("paint", 3, 16, 3)]
    best = fit(draft(net, complete=False), Hints(((20,),)))[0]
    made = next(spec for spec in best.blueprint.layers if spec.type == "Reshape")
    assert made.config["target_shape"] == (5, 5, 16)


def test_other_sizes_are_a_question_of_the_one_draft() -> None:
    found = fit(draft(MNIST), Hints(((28, 28, 1),)))
    assert len(found) == 1
    sizes = next(q for q in found[0].questions if ("pool", "pool_size") in q.options[0].edits)
    assert [o.cost for o in sizes.options] == sorted(o.cost for o in sizes.options)
    assert len({repr(sorted(o.edits.items())) for o in sizes.options}) == len(sizes.options) > 1
    # The first option is what the draft has, and each of them lets the rows of the Dense fit.
    assert all(setting(found[0], f"{layer}.{key}") == value for (layer, key), value in sizes.options[0].edits.items())
    for option in sizes.options[:20]:
        assert model_shapes(edited(found[0].blueprint, option.edits))[TensorRef("flat")] == (None, 12 * 12 * 48)


def test_rows_of_a_map_are_put_in_as_a_sequence() -> None:
    net = [plain("image", "InputLayer"), conv("one", 3, 1, 4), lstm("cells", 30 * 4, 7), dense("out", 7, 3)]
    best = fit(draft(net, complete=False), Hints(((14, 32, 1),)))[0]
    made = next(spec for spec in best.blueprint.layers if spec.type == "Reshape")
    assert made.config["target_shape"] == (12, 30 * 4)


def test_an_autoencoder_may_shrink_and_grow() -> None:
    net = [plain("image", "InputLayer"), conv("a", 3, 1, 8), conv("b", 3, 8, 4), conv("c", 3, 4, 4), conv("d", 3, 4, 8)]
    found = fit(draft([*net, conv("e", 3, 8, 1)], complete=False), Hints(((28, 28, 1),)))
    kinds = [[s.type for s in one.blueprint.layers if "Pooling" in s.type or "Up" in s.type] for one in found]
    assert ["MaxPooling2D"] * 2 + ["UpSampling2D"] * 2 in kinds


def test_means_and_maxima_of_the_same_sizes_are_drafts_of_their_own() -> None:
    net = [plain("text", "InputLayer"), ("words", "Conv1D", {"filters": 6, "kernel_size": (3,), "use_bias": False},
           {"kernel": (3, 5, 6)}), dense("out", 6, 2)]  # fmt: skip
    found = fit(draft(net, complete=False), Hints(((None, 5),)))
    kinds = {s.type for one in found for s in one.blueprint.layers}
    assert kinds >= {"GlobalMaxPooling1D", "GlobalAveragePooling1D"}


def test_drafts_put_in_different_layers() -> None:
    net = [plain("image", "InputLayer"), conv("one", 3, 1, 8), conv("two", 3, 8, 16), dense("out", 16, 10)]
    found = fit(draft(net, complete=False), Hints(((28, 28, 1),)))
    assert 1 < len(found) <= 12
    assert [d.cost for d in found] == sorted(d.cost for d in found)
    assert len({tuple(sorted(s.type for s in d.blueprint.layers)) for d in found}) > 1


@pytest.mark.parametrize(("end", "returns"), [((9, 7), True), ((7,), False)])
def test_known_outputs_tell_what_an_output_must_look_like(end: tuple[int, ...], returns: bool) -> None:
    net = [plain("series", "InputLayer"), lstm("cells", 5, 7)]
    found = fit(draft(net), Hints(((9, 5),), output_shapes=(end,)))
    assert {setting(one, "cells.return_sequences") for one in found} == {returns}


def test_known_outputs_tell_strides_that_nothing_else_does() -> None:
    net = [plain("image", "InputLayer"), conv("one", 3, 3, 8), conv("two", 3, 8, 4)]
    best = fit(draft(net), Hints(((32, 32, 3),), output_shapes=((8, 8, 4),)))[0]
    assert [setting(best, f"{name}.strides") for name in ("one", "two")] == [(2, 2), (2, 2)]


def test_a_stated_input_is_proved_and_several_are_not() -> None:
    best = fit(draft(MNIST), Hints(((28, 28, 1),)))[0]
    assert labels(best)["image.batch_shape"] == "proved"
    two = [plain("a", "InputLayer"), plain("b", "InputLayer"), plain("join", "Concatenate", ["a", "b"])]
    best = fit(draft([*two, dense("out", 7, 2)]), Hints(((3,), (4,))))[0]
    assert labels(best)["a.batch_shape"] == "assumed"


def test_a_repeated_vector_is_as_long_as_what_comes_out() -> None:
    net = [plain("series", "InputLayer"), lstm("in", 5, 6), plain("again", "RepeatVector"), lstm("out", 6, 4)]
    best = fit(draft(net), Hints(((9, 5),), output_shapes=((13, 4),)))[0]
    assert setting(best, "again.n") == 13
    assert setting(fit(draft(net), Hints(((9, 5),)))[0], "again.n") == 9


def test_padding_in_turns_is_a_habit() -> None:
    net = [plain("image", "InputLayer")]
    for i, (cin, cout) in enumerate([(3, 8), (8, 9), (9, 10), (10, 11)]):
        net += [conv(f"c{i}", 3, cin, cout)] + ([plain(f"p{i}", "MaxPooling2D")] if i % 2 else [])
    # 32, 30, 15, 15, 13, 6
    best = fit(draft([*net, plain("flat", "Flatten"), dense("out", 6 * 6 * 11, 10)]), Hints(((32, 32, 3),)))[0]
    assert [setting(best, f"c{i}.padding") for i in range(4)] == ["same", "valid"] * 2


def test_a_flatten_of_channels_first_may_turn_them() -> None:
    rows = [plain("image", "InputLayer"), conv("one", 3, 3, 8), plain("flat", "Flatten"), dense("out", 18 * 22 * 8, 5)]
    best = fit(draft(rows), Hints(((3, 20, 24),)))[0]
    options = [o.edits for q in best.questions for o in q.options if ("flat", "data_format") in o.edits]
    assert {edits["flat", "data_format"] for edits in options} == {"channels_first", "channels_last"}


@pytest.mark.parametrize(
    "net",
    [
        [plain("image", "InputLayer"), conv("one", 3, 3, 8), conv("two", 3, 9, 4)],
        [plain("image", "InputLayer"), conv("one", 3, 3, 8), plain("flat", "Flatten"), dense("out", 8 * 7 + 1, 2)],
        [plain("image", "InputLayer"), plain("map", "Reshape"), plain("odd", "Permute")],
    ],
)
def test_what_cannot_be_says_so(net: list) -> None:
    made = draft(net)
    (*_, best) = fit(made, Hints(((5, 6, 3),)))
    assert best.cost >= made.cost
    if "Reshape" not in [row[1] for row in net]:
        assert labels(best)["sizes of the maps"] == "open"
        best.blueprint.check()


def test_absurd_drafts_come_back() -> None:
    tree = WeightTree("x.h5", "keras-2", (), "layer_names")
    loop = Blueprint("loop", (LayerSpec("a", "Dense", {"units": 3}),), (Call("a", (TensorRef("a"),)),), (), ())
    unknown = Blueprint("what", (LayerSpec("b", "Whatever", {"x": 1}),), (Call("b", (TensorRef("c"),)),), (), ())
    for blueprint in (loop, unknown, Blueprint("none", (), (), (), ())):
        made = Draft(Grouping(tree, ()), blueprint)
        assert fit(made, Hints(((3, 3),)))[0].blueprint.name == blueprint.name


def test_time_grows_with_the_layers_alone() -> None:
    rows = [plain("image", "InputLayer"), conv("c0", 3, 3, 4)]
    for i in range(1, 60):
        rows += [norm(f"n{i}", 4), plain(f"r{i}", "ReLU"), conv(f"c{i}", 3, 4, 4)]
    best = fit(draft(rows), Hints(((64, 64, 3),)))[0]
    assert np.isfinite(best.cost)


def tower(count: int) -> list:
    rows = [plain("steps", "InputLayer"), ("first", "Conv1D", WIDE, {"kernel": (5, 3, 8)})]
    before = "first"
    for i in range(count):
        rows.append((f"c{i}", "Conv1D", WIDE, {"kernel": (5, 8, 8)}, [before]))
        rows.append(plain(f"s{i}", "Add", [f"c{i}", before]))
        before = f"s{i}"
    return rows


WIDE = {"filters": 8, "kernel_size": (5,), "use_bias": False}


def test_a_tower_over_one_axis_may_have_holes() -> None:
    best = fit(draft(tower(6)), Hints(((300, 3),)))[0]
    asked = [q for q in best.questions if ("c3", "dilation_rate") in q.options[0].edits]
    assert len(asked) == 1
    assert asked[0].label == "open"
    assert {option.edits["c3", "dilation_rate"] for option in asked[0].options} == {(1,), (8,), (16,)}
    assert not any(
        ("c1", "dilation_rate") in q.options[0].edits for q in fit(draft(tower(2)), Hints(((300, 3),)))[0].questions
    )
