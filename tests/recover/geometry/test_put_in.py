"""Layers without variables in files that list none: at inputs, in blocks that are added, in decoders, at the end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.recover.geometry.nets import conv, dense, draft, lstm, norm, plain, setting

from regraft.blueprint import LayerSpec, TensorRef
from regraft.layers.walk import model_shapes
from regraft.recover.draft import Draft, Hints
from regraft.recover.geometry import fit


def types(found: Draft) -> list[str]:
    return [spec.type for spec in found.blueprint.layers if spec.type != "BatchNormalization"]


def made(found: Draft, kind: str) -> LayerSpec:
    return next(spec for spec in found.blueprint.layers if spec.type == kind)


@pytest.mark.parametrize(
    ("first", "shape", "kind", "target"),
    [
        (dense("hidden", 7 * 4, 6), (7, 4), "Flatten", None),
        (lstm("hidden", 3, 6), (12,), "Reshape", (4, 3)),
        (conv("hidden", 3, 1, 6), (36,), "Reshape", (6, 6, 1)),
        (conv("hidden", 3, 1, 6), (8, 9), "Reshape", (8, 9, 1)),
        (conv("hidden", 3, 5, 6), (45,), "Reshape", (3, 3, 5)),
    ],
)
def test_an_input_in_other_axes(first: tuple, shape: tuple, kind: str, target: tuple | None) -> None:
    best = fit(draft([plain("x", "InputLayer"), first], complete=False), Hints((shape,)))[0]
    assert types(best)[:3] == ["InputLayer", kind, first[1]]
    assert target is None or made(best, kind).config["target_shape"] == target
    model_shapes(best.blueprint)


@pytest.mark.parametrize(("first", "shape"), [(dense("hidden", 4, 6), (7, 4)), (lstm("hidden", 4, 6), (7, 4))])
def test_an_input_that_fits_is_left_alone(first: tuple, shape: tuple) -> None:
    best = fit(draft([plain("x", "InputLayer"), first], complete=False), Hints((shape,)))[0]
    assert types(best) == ["InputLayer", first[1]]


def test_an_input_that_cannot_fit_says_so() -> None:
    best = fit(draft([plain("x", "InputLayer"), dense("hidden", 29, 6)], complete=False), Hints(((7, 4),)))[0]
    assert {choice.subject: choice.label for choice in best.choices}["sizes of the maps"] == "open"


def test_a_listed_input_is_as_the_file_lists_it() -> None:
    best = fit(draft([plain("x", "InputLayer"), dense("hidden", 28, 6)]), Hints(((7, 4),)))[0]
    assert types(best) == ["InputLayer", "Dense"]


def test_a_norm_of_channels_behind_a_vector_is_behind_its_reshape() -> None:
    net = [
        plain("noise", "InputLayer"),
        dense("wide", 20, 5 * 5 * 16),
        norm("norm", 16),
        conv("grow", 3, 16, 8),
        norm("norm_1", 8),
        conv("paint", 3, 8, 3),
    ]
    best = fit(draft(net, complete=False), Hints(((20,),)))[0]
    assert types(best) == ["InputLayer", "Dense", "Reshape", "UpSampling2D", "Conv2D", "Conv2D"]
    assert made(best, "Reshape").config["target_shape"] == (5, 5, 16)
    assert setting(best, "grow.padding") == setting(best, "paint.padding") == "same"


def test_channels_that_do_not_follow_are_dealt_out_anew() -> None:
    net = [plain("x", "InputLayer"), conv("six", 1, 2, 6), conv("three", 1, 3, 5), dense("out", 4 * 8 * 5, 7)]
    best = fit(draft(net, complete=False), Hints(((4, 4, 2),)))[0]
    assert types(best) == ["InputLayer", "Conv2D", "Reshape", "Conv2D", "Flatten", "Dense"]
    assert made(best, "Reshape").config["target_shape"] in ((4, 8, 3), (8, 4, 3))


def separable(name: str, cin: int, cout: int, *sources: list[str]) -> tuple:
    arrays = {"depthwise_kernel": (3, 3, cin, 1), "pointwise_kernel": (1, 1, cin, cout)}
    return (name, "SeparableConv2D", {"filters": cout, "kernel_size": (3, 3), "use_bias": False}, arrays, *sources)


def blocks(*, pooled: bool) -> list[tuple]:
    """Four blocks of two kernels, separable or not, each with a shortcut of its own; a Dense at the end."""
    net = [plain("image", "InputLayer"), conv("stem", 3, 3, 8)]
    before, kernel = "stem", separable if pooled else (lambda name, cin, cout, *s: conv(name, 3, cin, cout, *s))
    for i in range(4):
        cin, cout = 8 << i, 16 << i
        net += [
            kernel(f"first_{i}", cin, cout, [before]),
            kernel(f"second_{i}", cout, cout),
            conv(f"shortcut_{i}", 1, cin, cout, [before]),
            plain(f"sum_{i}", "Add", [f"second_{i}", f"shortcut_{i}"]),
        ]
        before = f"sum_{i}"
    return [*net, dense("out", 128, 10)]


def test_separable_blocks_pool_before_their_sum() -> None:
    best = fit(draft(blocks(pooled=True), complete=False), Hints(((64, 64, 3),)))[0]
    assert types(best).count("MaxPooling2D") == 4
    assert all(setting(best, f"shortcut_{i}.strides") == (2, 2) for i in range(4))
    assert all(setting(best, f"first_{i}.strides") == (1, 1) for i in range(4))


def test_other_blocks_move_in_their_first_kernel() -> None:
    best = fit(draft(blocks(pooled=False), complete=False), Hints(((64, 64, 3),)))[0]
    assert "MaxPooling2D" not in types(best)
    moved = [i for i in range(4) if setting(best, f"shortcut_{i}.strides") == (2, 2)]
    assert moved
    assert all(setting(best, f"first_{i}.strides") == (2, 2) for i in moved)


def tower(count: int, cout: int) -> list[tuple]:
    widths = [3, *(8 << i for i in range(count - 1)), cout]
    return [plain("image", "InputLayer"), *(conv(f"conv_{i}", 3, *pair) for i, pair in enumerate(pairwise(widths)))]


def test_a_deep_network_without_a_dense_takes_the_mean_of_every_class() -> None:
    best = fit(draft(tower(6, 10), complete=False), Hints(((20, 20, 3),)))[0]
    assert types(best)[-2:] == ["GlobalAveragePooling2D", "Activation"]
    (output,) = best.blueprint.outputs
    assert model_shapes(best.blueprint)[output] == (None, 10)
    best.blueprint.check()


@pytest.mark.parametrize("count", [2, 4])
def test_a_short_one_gives_its_map(count: int) -> None:
    best = fit(draft(tower(count, 10), complete=False), Hints(((32, 32, 3),)))[0]
    assert best.blueprint.outputs == (TensorRef(f"conv_{count - 1}"),)


def test_known_maps_are_not_averaged() -> None:
    known = Hints(((32, 32, 3),), output_shapes=((8, 8, 10),))
    best = fit(draft(tower(6, 10), complete=False), known)[0]
    assert model_shapes(best.blueprint)[best.blueprint.outputs[0]] == (None, 8, 8, 10)


def test_the_second_product_of_a_module_is_of_a_pool() -> None:
    net = [
        plain("image", "InputLayer"),
        conv("stem", 3, 3, 8),
        conv("plain", 1, 8, 5, ["stem"]),
        conv("squeeze", 1, 8, 4, ["stem"]),
        conv("wide", 3, 4, 6),
        conv("pooled", 1, 8, 7, ["stem"]),
        plain("join", "Concatenate", ["plain", "wide", "pooled"]),
        dense("out", 18, 10),
    ]
    best = fit(draft(net, complete=False), Hints(((16, 16, 3),)))[0]
    sources = {call.layer: call.inputs[0].layer for call in best.blueprint.calls}
    assert best.blueprint.by_name[sources["pooled"]].type == "MaxPooling2D"
    assert sources["plain"] == sources["squeeze"] == "stem"


@pytest.mark.parametrize(
    ("length", "kind"), [(6 * 5, "Flatten"), (5, "GlobalMaxPooling1D"), (5, "GlobalAveragePooling1D")]
)
def test_a_map_before_an_output_that_is_known_to_be_a_vector_becomes_one(length: int, kind: str) -> None:
    net = [plain("x", "InputLayer"), ("hidden", "Conv1D", {"filters": 5, "kernel_size": (3,)}, {"kernel": (3, 4, 5)})]
    drafts = fit(draft(net, complete=False), Hints(((8, 4),), {}, ((length,),)))
    found = {types(one)[-1] for one in drafts}
    assert kind in found
    assert "Conv1D" not in found
